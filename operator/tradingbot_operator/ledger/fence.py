"""The forced fence of protocol section 5, up to the wait. Any statement may be the last: all can be done again."""

from psycopg import errors, sql

from tradingbot_operator.domain.lease import Fenced, LedgerAway
from tradingbot_operator.ledger.session import Connected

SECONDS = 20.0
ROW_MS = 200
GONE_MS = 5000
ROUNDS = 3
# Whoever changes logins or grants does it alone, also beside an operator that has lost its Lease and does not know.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('tradingbot ' || %s, 0))"
HOLDER = "SELECT epoch, holder FROM lease"
GRANTED = "SELECT EXISTS (SELECT FROM holds WHERE until + tb_guard_ms() * interval '1 ms' > clock_timestamp())"
SESSIONS = "SELECT pid, pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE usename = %s"


async def fence(connection: Connected, ledger_id: str, epoch: int) -> Fenced | None:
    """No session of the holder of *epoch* is left and none can begin; None: another epoch, or an exit grant stands."""
    try:
        holder = await _by_row(connection, ledger_id, epoch)
    except errors.LockNotAvailable:
        holder = await _by_role(connection, ledger_id, epoch)
    if holder is None:
        return None
    await end_sessions(connection, holder)
    guard = await (await connection.execute("SELECT tb_guard_ms()")).fetchone()
    if guard is None:
        raise LedgerAway("tb_guard_ms() has no answer")
    return Fenced(guard[0])


async def _by_row(connection: Connected, ledger_id: str, epoch: int) -> str | None:
    """The role that held *epoch* and may not log in any more: under the row's lock, so that nothing moves meanwhile."""
    async with connection.transaction():
        await connection.execute(ALONE, (ledger_id,))
        await connection.execute(f"SET LOCAL lock_timeout = {ROW_MS}")
        done = await (await connection.execute("SELECT tb_fence(%s)", (epoch,))).fetchone()
        if not done or not done[0]:
            return None
        _, holder = await _holder(connection)
        # By the fencer itself: inside a function of the owner this fails with 42501.
        await _login(connection, holder, False)
    return holder


async def _by_role(connection: Connected, ledger_id: str, epoch: int) -> str | None:
    """The same when somebody who stands still holds the row: first the role, then its sessions, then the row."""
    for _ in range(ROUNDS):
        async with connection.transaction():
            await connection.execute(ALONE, (ledger_id,))
            now, holder = await _holder(connection)
            if now != epoch or await _exit_granted(connection):
                return None
            await _login(connection, holder, False)
        await end_sessions(connection, holder)
        if await _by_row(connection, ledger_id, epoch) is not None:
            return holder
        async with connection.transaction():
            await connection.execute(ALONE, (ledger_id,))
            now, current = await _holder(connection)
            if current != holder or now == epoch:
                # It had let go of the epoch meanwhile, or an exit grant stands: it was shut out without need.
                await _login(connection, holder, True)
                return None
        # The same role holds under a newer epoch: that one is fenced, since its sessions are gone already.
        epoch = now
    raise LedgerAway("the epoch moves faster than it can be fenced")


async def end_sessions(connection: Connected, holder: str) -> None:
    """No session of that role is left; it must not be able to log in when this begins."""
    for _ in range(ROUNDS):
        async with connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = {GONE_MS * 2}")
            ended = await (await connection.execute(SESSIONS, (GONE_MS, holder))).fetchall()
        if not ended:
            return
    left = ", ".join(str(pid) for pid, gone in ended if not gone)
    raise LedgerAway(f"sessions of role {holder} do not end: {left}")


async def _holder(connection: Connected) -> tuple[int, str]:
    found = await (await connection.execute(HOLDER)).fetchone()
    if found is None:
        raise LedgerAway("the ledger has no lease row; its migration has not run")
    return found[0], found[1]


async def _exit_granted(connection: Connected) -> bool:
    found = await (await connection.execute(GRANTED)).fetchone()
    return found is None or bool(found[0])


async def _login(connection: Connected, name: str, may: bool) -> None:
    verb = sql.SQL("LOGIN" if may else "NOLOGIN")
    await connection.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(name), verb))
