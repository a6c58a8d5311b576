"""The operator dies before, and after, every single statement of a fence and of a grant; then it does it again."""

import contextlib

import pytest

import operator_ledgers
from operator_ledgers import BLUE, GREEN, LEDGER, Place
from tradingbot.ledger.migrate import migrate
from tradingbot_operator.domain.lease import Fenced, Successor
from tradingbot_operator.ledger import fence
from tradingbot_operator.ledger.postgres import PostgresDoor
from tradingbot_operator.ledger.session import Session, connect

NEXT = Successor(GREEN, "pod-2/b", "r2")


class Died(Exception):
    """The operator's process ended here."""


class DyingConnection:
    """A real connection whose process ends at step *at*: before it, or right after it had its effect.

    A step is a statement or a commit.
    """

    def __init__(self, connection, at, after):
        self._connection, self._at, self._after, self.steps = connection, at, after, 0

    def __getattr__(self, name):
        return getattr(self._connection, name)

    async def execute(self, *arguments):
        self._step(before=True)
        try:
            return await self._connection.execute(*arguments)
        finally:
            self._step(before=False)

    @contextlib.asynccontextmanager
    async def transaction(self):
        async with self._connection.transaction():
            yield
            self._step(before=True)
        self._step(before=False)

    def _step(self, before):
        self.steps += before
        if self.steps == self._at and before != self._after:
            self._connection.pgconn.finish()
            raise Died


class DyingSession:
    """A Session with a connection that dies."""

    def __init__(self, connection):
        self._connection = connection

    @contextlib.asynccontextmanager
    async def use(self, seconds=0):
        yield self._connection


@pytest.fixture(scope="module")
def server():
    with operator_ledgers.running(migrate) as running:
        yield running


@contextlib.asynccontextmanager
async def dying(place: Place, at=None, after=False):
    connection = await connect(place.fencer)
    try:
        yield DyingConnection(connection, at, after)
    finally:
        connection.pgconn.finish()


@contextlib.contextmanager
def at_work(place: Place, holds_row: bool):
    """A session of the trader; it may stand still in a transaction that keeps the lease row locked."""
    with contextlib.ExitStack() as stack:
        session = place.connect(BLUE)
        stack.callback(session.close)
        session.execute("SELECT 1")
        if holds_row:
            session.execute("SELECT * FROM tb_claim('pod-9/z', 'other')")
        else:
            session.commit()
        yield session


async def died_at(place: Place, epoch: int, at: int | None, after: bool, holds_row: bool):
    """How many steps a fence took that ended at step *at*; what it answered."""
    with at_work(place, holds_row):
        async with dying(place, at, after) as connection:
            try:
                return connection, await fence.fence(connection, LEDGER, epoch)
            except Died:
                return connection, None


@pytest.mark.asyncio
@pytest.mark.parametrize("holds_row", [False, True], ids=["row-free", "row-held"])
async def test_a_fence_is_done_again_after_a_crash_anywhere(server, holds_row):
    """Whatever the operator had done when it died, the next one shuts the same role out, and no other."""
    place = operator_ledgers.place(server)
    epoch = place.trader()
    whole, answer = await died_at(place, epoch, None, False, holds_row)
    assert answer == Fenced(6000)
    assert whole.steps >= 8
    for at in range(1, whole.steps + 1):
        for after in (False, True):
            for role in (BLUE, GREEN):
                place.sql(f"ALTER ROLE {role} LOGIN")
            cut, answer = await died_at(place, epoch, at, after, holds_row)
            assert (cut.steps, answer) == (at, None)
            door = PostgresDoor(Session(place.fencer), LEDGER)
            assert await door.fence(epoch) == Fenced(6000), (at, after)
            row = await door.row()
            await door.close()
            assert (row.epoch, row.holder, row.can_login) == (epoch, BLUE, False), (at, after)
            assert place.can_login(GREEN)
            assert place.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", BLUE) == [(0,)]
    print(f"{2 * whole.steps} crash points")


@pytest.mark.asyncio
async def test_a_grant_gives_both_or_nothing_after_a_crash_anywhere(server):
    """The epoch is granted and its role may log in, or neither; a second try finds out which."""
    at, steps = 0, None
    while steps is None or at < steps:
        at += 1
        for after in (False, True):
            place = operator_ledgers.place(server)
            epoch = place.trader()
            place.sql(f"ALTER ROLE {GREEN} NOLOGIN")
            async with dying(place, at, after) as connection:
                door = PostgresDoor(DyingSession(connection), LEDGER)
                with contextlib.suppress(Died):
                    assert await door.grant(epoch, epoch + 1, NEXT)
                    steps = connection.steps
            again = PostgresDoor(Session(place.fencer), LEDGER)
            row = await again.row()
            granted = row.epoch == epoch + 1
            assert place.can_login(GREEN) == granted, (at, after)
            assert await again.grant(epoch, epoch + 1, NEXT) != granted
            assert (await again.row()).can_login
            assert (await again.row()).epoch == epoch + 1
            await again.close()
    assert at >= 4
    print(f"{2 * at} crash points")


class Moving(DyingConnection):
    """A real connection; *happens* between the shutting out of the role and the end of its sessions."""

    def __init__(self, connection, happens):
        super().__init__(connection, None, False)
        self._happens, self._shut_out = happens, False

    async def execute(self, *arguments):
        text = str(arguments[0])
        answer = await super().execute(*arguments)
        self._shut_out = self._shut_out or "NOLOGIN" in text
        return answer

    @contextlib.asynccontextmanager
    async def transaction(self):
        async with super().transaction():
            yield
        if self._shut_out and self._happens:
            happens, self._happens = self._happens, None
            happens()


@contextlib.asynccontextmanager
async def moving(place: Place, happens):
    connection = await connect(place.fencer)
    try:
        yield Moving(connection, happens)
    finally:
        connection.pgconn.finish()


@pytest.mark.asyncio
async def test_a_holder_that_let_go_meanwhile_gets_its_login_back(server):
    """The epoch went to the other colour while its holder was being shut out: nobody stays out, nothing is fenced."""
    place = operator_ledgers.place(server)
    epoch = place.trader()
    with at_work(place, True) as session:

        def released():
            session.rollback()
            place.sql("UPDATE lease SET epoch = epoch + 1, holder = %s, instance = 'pod-2/b'", GREEN)

        async with moving(place, released) as connection:
            assert await fence.fence(connection, LEDGER, epoch) is None
    assert place.can_login(BLUE)
    assert place.can_login(GREEN)


@pytest.mark.asyncio
async def test_a_holder_that_claimed_anew_meanwhile_is_fenced_under_its_new_epoch(server):
    """The same role holds, one epoch on: its sessions are gone already, so that epoch is the one that is shut out."""
    place = operator_ledgers.place(server)
    epoch = place.trader()
    with at_work(place, True) as session:

        def claimed():
            session.rollback()
            place.sql("UPDATE lease SET epoch = epoch + 1, instance = 'pod-1/b'")

        async with moving(place, claimed) as connection:
            assert await fence.fence(connection, LEDGER, epoch) == Fenced(6000)
    assert not place.can_login(BLUE)
    events = place.sql("SELECT epoch, event FROM lease_history WHERE event = 'fence'")
    assert events == [(epoch + 1, "fence")]


@pytest.mark.asyncio
async def test_an_exit_granted_meanwhile_keeps_the_holder_in(server):
    """An exit grant that came in between wins: the holder may log in, since it may sell."""
    place = operator_ledgers.place(server)
    epoch = place.trader()
    with at_work(place, True) as session:

        def granted():
            session.rollback()
            place.sql("SELECT tb_hold(%s, 'pod-1/a', 10000)", epoch)

        async with moving(place, granted) as connection:
            assert await fence.fence(connection, LEDGER, epoch) is None
    assert place.can_login(BLUE)
