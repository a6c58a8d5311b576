"""The operator's door to a ledger on PostgreSQL: it calls, it is refused, it comes back, and it keeps quiet."""

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import replace

import psycopg
import pytest

import operator_ledgers
from operator_ledgers import BLUE, GREEN, LEDGER, Place
from tradingbot.ledger.migrate import migrate
from tradingbot_operator.domain.address import parse
from tradingbot_operator.domain.lease import Fenced, LedgerAway, Successor
from tradingbot_operator.ledger.postgres import PostgresDoor
from tradingbot_operator.ledger.session import Session

NEXT = Successor(GREEN, "pod-2/b", "r2")


@pytest.fixture(scope="module", params=[15, 17])
def server(request):
    with operator_ledgers.running(migrate, request.param) as running:
        yield running


@pytest.fixture
def place(server):
    return operator_ledgers.place(server)


@contextlib.asynccontextmanager
async def opened(place: Place):
    door = PostgresDoor(Session(place.fencer), LEDGER)
    try:
        yield door
    finally:
        await door.close()


@pytest.mark.asyncio
async def test_the_row_is_told_by_the_clock_of_the_ledger(place):
    """Who holds, who was heard of and when, and whether the holder may log in."""
    epoch = place.trader()
    place.beat("pod-1/a", "trader", 1500)
    async with opened(place) as door:
        row = await door.row()
    assert (row.ledger_id, row.epoch, row.holder, row.instance, row.released) == (LEDGER, epoch, BLUE, "pod-1/a", False)
    assert (row.successor, row.order_left_ms, row.hold_left_ms, row.can_login) == (None, None, None, True)
    assert [(sign.instance, sign.role) for sign in row.signs] == [("pod-1/a", "trader")]
    assert 1500 <= row.signs[0].silent_ms < 4000


@pytest.mark.asyncio
async def test_an_order_stands_until_its_time_and_is_taken_back(place):
    """An order names the successor; another one is refused while it stands; none takes it back."""
    epoch = place.trader()
    async with opened(place) as door:
        assert await door.order(epoch, None, NEXT, 500)
        row = await door.row()
        assert row.successor == NEXT
        assert 0 < row.order_left_ms <= 500
        assert not await door.order(epoch, None, replace(NEXT, instance="pod-3/c"), 500)
        assert not await door.order(epoch - 1, NEXT, None, 0)
        assert await door.order(epoch, NEXT, None, 0)
        assert (await door.row()).successor is None


@pytest.mark.asyncio
async def test_an_order_past_its_time_reads_as_void(place):
    """What is left of a void order is below zero."""
    epoch = place.trader()
    async with opened(place) as door:
        assert await door.order(epoch, None, NEXT, 0)
        assert (await door.row()).order_left_ms < 0


@pytest.mark.asyncio
async def test_an_exit_grant_is_told_and_keeps_the_fence_away(place):
    """While an exit grant stands, nobody is fenced and nothing is granted."""
    epoch = place.trader()
    async with opened(place) as door:
        assert await door.hold(epoch, "pod-1/a", 10_000)
        assert 0 < (await door.row()).hold_left_ms <= 10_000
        assert await door.fence(epoch) is None
        assert not await door.grant(epoch, epoch + 1, NEXT)
        assert not await door.hold(epoch, "pod-9/z", 10_000)
    assert place.can_login(BLUE)


@pytest.mark.asyncio
async def test_a_fence_ends_every_session_and_lets_none_begin(place):
    """Afterwards the holder has no session, cannot log in, and an open transaction of it has left nothing."""
    epoch = place.trader()
    with place.connect(BLUE) as session, place.connect(BLUE, autocommit=True) as idle:
        session.execute("INSERT INTO heartbeats VALUES ('pod-1/late', 'trader', now(), now())")
        async with opened(place) as door:
            assert await door.fence(epoch) == Fenced(6000)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        place.connect(BLUE)
    assert place.sql("SELECT count(*) FROM heartbeats WHERE instance = 'pod-1/late'") == [(0,)]
    assert not place.can_login(BLUE)
    assert place.can_login(GREEN)


@pytest.mark.asyncio
async def test_a_fence_of_another_epoch_touches_nothing(place):
    """A stale operator shuts nobody out."""
    epoch = place.trader()
    async with opened(place) as door:
        assert await door.fence(epoch - 1) is None
        assert await door.fence(epoch + 1) is None
    assert place.can_login(BLUE)


@pytest.mark.asyncio
async def test_a_stopped_session_that_holds_the_row_is_fenced(place):
    """The row's lock does not come, so the role is shut out first; the frozen writer's transaction is undone."""
    epoch = place.trader()
    holder = await asyncio.create_subprocess_exec(
        "psql", place.url(BLUE), "-v", "ON_ERROR_STOP=1", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    hold = (
        "SET idle_in_transaction_session_timeout = 0; BEGIN;"
        " INSERT INTO heartbeats VALUES ('pod-1/frozen', 'trader', now(), now());"
        " SELECT tb_retire(999); SELECT * FROM tb_claim('pod-9/x', 'other');\n\\echo held\n"
    )
    holder.stdin.write(hold.encode())
    while b"held" not in await holder.stdout.readline():
        pass
    os.kill(holder.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        async with opened(place) as door:
            assert await door.fence(epoch) == Fenced(6000)
        assert 0.2 <= time.monotonic() - began < 2.0
        assert not place.can_login(BLUE)
        assert place.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", BLUE) == [(0,)]
        assert place.sql("SELECT count(*) FROM heartbeats WHERE instance = 'pod-1/frozen'") == [(0,)]
    finally:
        os.kill(holder.pid, signal.SIGCONT)
        holder.kill()
        await holder.wait()


@pytest.mark.asyncio
async def test_a_grant_gives_the_epoch_and_the_login_together(place):
    """The new holder, though it was shut out, may log in again; the old one may not."""
    epoch = place.trader()
    place.sql(f"ALTER ROLE {GREEN} NOLOGIN")
    async with opened(place) as door:
        assert await door.fence(epoch)
        assert not await door.grant(epoch + 7, epoch + 8, NEXT)
        assert not place.can_login(GREEN)
        assert await door.grant(epoch, epoch + 1, NEXT)
        row = await door.row()
    assert (row.epoch, row.holder, row.instance, row.can_login) == (epoch + 1, GREEN, "pod-2/b", True)
    assert place.can_login(GREEN)
    assert not place.can_login(BLUE)
    assert row.shut_out == ((BLUE, "pod-1/a"),)


@pytest.mark.asyncio
async def test_a_grant_without_an_instance_waits_for_a_claim(place):
    """The holder's next start claims: the row names a role and nobody in it."""
    epoch = place.trader()
    async with opened(place) as door:
        assert await door.grant(epoch, epoch + 1, Successor(GREEN, "", "r2"))
        assert (await door.row()).instance is None


@pytest.mark.asyncio
async def test_a_role_is_admitted_only_if_it_is_of_this_ledger(place):
    """LOGIN returns to the ledger's own roles and to no other."""
    place.sql(f"ALTER ROLE {BLUE} NOLOGIN")
    async with opened(place) as door:
        assert not (await door.row()).can_login
        assert not await door.admit("postgres")
        assert await door.admit(BLUE)
        assert (await door.row()).can_login


@pytest.mark.asyncio
async def test_the_door_comes_back_when_its_connection_was_ended(place):
    """A server that was restarted, or that threw the operator out, is asked again without a word."""
    place.trader()
    async with opened(place) as door:
        await door.row()
        ended = place.sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'tradingbot-operator'"
        )
        assert ended == [(True,)]
        assert (await door.row()).holder == BLUE


@pytest.mark.asyncio
async def test_the_door_works_beside_a_thousand_others(place):
    """A connection whose file descriptor is above 1023 is asked twice, as any other."""
    place.trader()
    spare = [os.dup(0) for _ in range(1100)]
    try:
        async with opened(place) as door:
            await door.row()
            assert (await door.row()).holder == BLUE
    finally:
        for each in spare:
            os.close(each)


@pytest.mark.asyncio
async def test_a_server_that_stands_still_is_away(place, server):
    """An answer that does not come is LedgerAway within seconds, not a pass that hangs."""
    place.trader()
    async with opened(place) as door:
        await door.row()
        found = place.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'tradingbot-operator'")
        backend = found[0][0]
        os.kill(backend, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(LedgerAway):
                await door.row()
            assert time.monotonic() - began < 6
        finally:
            os.kill(backend, signal.SIGCONT)


@pytest.mark.asyncio
async def test_what_is_said_of_a_ledger_that_is_away_holds_no_password(place):
    """A wrong port, a wrong database and an address that cannot be read: each a sentence, never the password."""
    good = place.fencer
    for url in (
        f"postgresql://bots_fencer:hunter%20two@127.0.0.1:1/{place.database}",
        f"postgresql://bots_fencer:hunter%20two@127.0.0.1:{place.server.port}/nowhere",
        f"postgresql://bots_fencer:hunter%20two@127.0.0.1:x/{place.database}",
        f"postgresql://bots_fencer:hunter%20two@127.0.0.1:{place.server.port}/{place.database}?sslmode=hunter%20two",
    ):
        door = PostgresDoor(Session(parse(url)), LEDGER)
        with pytest.raises(LedgerAway) as away:
            await door.row()
        await door.close()
        assert "bots_fencer" in str(away.value)
        assert "hunter" not in str(away.value)
    assert good.role == "bots_fencer"


@pytest.mark.asyncio
async def test_another_ledger_in_the_database_is_not_taken_for_this_one(place):
    """An address that leads to somebody else's ledger tells nothing."""
    door = PostgresDoor(Session(place.fencer), "zzzzzz")
    with pytest.raises(LedgerAway, match="holds ledger q3v9zk, not zzzzzz"):
        await door.row()
    await door.close()


@pytest.mark.asyncio
async def test_row_and_order_are_quick(place):
    """On loopback the row takes 2 ms and an order 5 ms at most; a busy machine spoils calls, but not nine of ten."""
    epoch = place.trader()
    rows, orders = [], []
    async with opened(place) as door:
        await door.row()
        for _ in range(200):
            began = time.perf_counter()
            await door.row()
            rows.append(time.perf_counter() - began)
            began = time.perf_counter()
            assert await door.order(epoch, None, NEXT, 1000)
            orders.append(time.perf_counter() - began)
            assert await door.order(epoch, NEXT, None, 0)
    rows, orders = sorted(rows), sorted(orders)
    print(f"middle of 200: row {rows[100] * 1000:.2f} ms, order {orders[100] * 1000:.2f} ms")
    assert rows[20] * 1000 <= 2
    assert orders[20] * 1000 <= 5
