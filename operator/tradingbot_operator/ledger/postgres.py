"""The lease functions of a ledger on PostgreSQL, called with the fencer's login."""

import contextlib
from collections.abc import AsyncIterator

from psycopg import errors, sql

from tradingbot_operator.domain.lease import Fenced, LeaseRow, LedgerAway, Sign, Successor
from tradingbot_operator.domain.ledger import LOGINS, role
from tradingbot_operator.domain.names import BLUE, GREEN
from tradingbot_operator.ledger import fence, home
from tradingbot_operator.ledger.session import ANSWER_SECONDS, Connected, Session

ROW = """
SELECT l.ledger_id, l.epoch, l.holder, l.instance, l.revision, l.successor, l.released_at IS NOT NULL,
       floor(extract(epoch FROM l.order_until - now.at) * 1000)::bigint,
       floor(extract(epoch FROM (SELECT max(until) FROM holds) - now.at) * 1000)::bigint,
       coalesce((SELECT rolcanlogin FROM pg_roles WHERE rolname = l.holder), false),
       (SELECT coalesce(array_agg(array[h.instance, h.role,
                                        floor(extract(epoch FROM now.at - h.seen_at) * 1000)::bigint::text]
                                  ORDER BY h.seen_at DESC), '{}')
          FROM (SELECT * FROM heartbeats ORDER BY seen_at DESC LIMIT 50) h),
       (SELECT coalesce(array_agg(array[r.rolname::text, coalesce((
                   SELECT h.instance FROM lease_history h
                    WHERE h.holder = r.rolname AND h.instance IS NOT NULL ORDER BY h.id DESC LIMIT 1), '')]
                                  ORDER BY r.rolname), '{}')
          FROM pg_roles r WHERE r.rolname = ANY(%s) AND r.rolname <> l.holder AND NOT r.rolcanlogin)
  FROM lease l, (SELECT clock_timestamp() AS at) now
"""


class PostgresDoor:
    """A LeaseDoor. Nothing is decided here that the functions of the ledger do not decide themselves."""

    def __init__(self, session: Session, ledger_id: str) -> None:
        self.session, self.ledger_id = session, ledger_id
        self._at_home: Connected | None = None

    async def row(self) -> LeaseRow:
        """The row as it is now, by the clock of the ledger."""
        colours = [role(self.ledger_id, colour) for colour in (BLUE, GREEN)]
        async with self._use() as connection:
            found = await (await connection.execute(ROW, (colours,))).fetchone()
        if found is None:
            raise LedgerAway("the ledger has no lease row; its migration has not run")
        ledger_id, epoch, holder, instance, revision, successor, released, order, hold, login, signs, shut = found
        if ledger_id != self.ledger_id:
            raise LedgerAway(f"the database holds ledger {ledger_id}, not {self.ledger_id}")
        return LeaseRow(
            ledger_id=ledger_id,
            epoch=epoch,
            holder=holder,
            instance=instance,
            revision=revision,
            successor=Successor.parse(successor) if successor else None,
            order_left_ms=order,
            released=released,
            hold_left_ms=hold,
            signs=tuple(Sign(who, what, int(silent)) for who, what, silent in signs),
            can_login=login,
            shut_out=tuple((who, last) for who, last in shut),
        )

    async def order(self, epoch: int, expected: Successor | None, successor: Successor | None, lasts_ms: int) -> bool:
        """The holder is asked to release to *successor*, or no longer asked when there is none."""
        texts = [each.text if each else None for each in (expected, successor)]
        return await self._call("SELECT tb_order(%s, %s, %s, %s)", epoch, *texts, lasts_ms)

    async def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool:
        """An exit grant is recorded."""
        return await self._call("SELECT tb_hold(%s, %s, %s)", epoch, instance, lasts_ms)

    async def fence(self, epoch: int) -> Fenced | None:
        """The holder of *epoch* is shut out (protocol 5, up to the wait); None: another epoch, or an exit grant."""
        async with self._use(fence.SECONDS) as connection:
            return await fence.fence(connection, self.ledger_id, epoch)

    async def admit(self, holder: str) -> bool:
        """The role may log in again; False when the ledger has no such role."""
        if holder not in {role(self.ledger_id, login) for login in LOGINS}:
            return False
        async with self._use() as connection, connection.transaction():
            await connection.execute(fence.ALONE, (self.ledger_id,))
            try:
                await connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(holder)))
            except errors.UndefinedObject:
                return False
        return True

    async def grant(self, expected: int, new: int, successor: Successor) -> bool:
        """Epoch *new* belongs to *successor*, whose role may log in; both in one transaction, or neither."""
        async with self._use() as connection, connection.transaction():
            await connection.execute(fence.ALONE, (self.ledger_id,))
            values = (expected, new, successor.holder, successor.instance or None, successor.revision)
            done = await connection.execute("SELECT tb_grant(%s, %s, %s, %s, %s)", values)
            granted = (await done.fetchone() or (False,))[0]
            if granted:
                await connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(successor.holder)))
        return bool(granted)

    async def close(self) -> None:
        await self.session.close()

    @contextlib.asynccontextmanager
    async def _use(self, seconds: float = ANSWER_SECONDS) -> AsyncIterator[Connected]:
        """The connection, looked at when it is new: where it leads does not change while it stands."""
        async with self.session.use(seconds) as connection:
            if connection is not self._at_home:
                await home.require(connection)
                self._at_home = connection
            yield connection

    async def _call(self, statement: str, *values: object) -> bool:
        async with self._use() as connection:
            answer = await (await connection.execute(statement, values)).fetchone()
        return bool(answer and answer[0])
