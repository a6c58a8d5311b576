"""A ledger that holds what nobody can read: entries stop by name, stops stay, and a mended row lets it go on."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace

import pytest

from exchange import FakeExchange
from killing import World
from trading import BTC, START
from tradingbot.domain.errors import LedgerUnavailable, UnknownState
from tradingbot.domain.halt import Halt, HaltKind, cause
from tradingbot.execution.halting import Halts
from tradingbot.ledger import rows
from tradingbot.ledger.columns import Instant, Money

ROW = {
    "kind": "order",
    "client_id": "tq3v9zk000100000a1",
    "epoch": 1,
    "sequence": 1,
    "symbol": BTC,
    "side": "buy",
    "type": "market",
    "purpose": "entry",
    "quantity": Decimal(1),
    "price": None,
    "stop_price": None,
    "target": None,
    "seen_at": None,
    "reason": "",
    "timestamp": START,
    "expires_at": START,
    "status": "filled",
    "filled": Decimal(1),
    "venue_id": None,
    "message": "",
}


@pytest.mark.parametrize(
    ("field", "words"), [("side", "Side"), ("type", "OrderType"), ("purpose", "Purpose"), ("status", "OrderStatus")]
)
def test_word_that_is_none_of_ours_is_named_with_its_row(field, words):
    """Whoever mends it knows where to look."""
    assert rows.record(SimpleNamespace(**ROW)).filled == 1
    with pytest.raises(UnknownState) as told:
        rows.record(SimpleNamespace(**{**ROW, field: "confused"}))
    assert str(told.value) == f'the ledger holds "confused" as {words} of tq3v9zk000100000a1'


def test_fills_and_halts_are_read_as_carefully():
    """A side or a kind that nobody knows is not guessed."""
    with pytest.raises(UnknownState, match='"hold" as Side of trade 7'):
        rows.fill(SimpleNamespace(**ROW | {"side": "hold", "trade_id": "7"}))
    with pytest.raises(UnknownState, match='"perhaps" as HaltKind of halt h1'):
        rows.halt(SimpleNamespace(id="h1", kind="perhaps"))


@pytest.mark.parametrize("found", ["12x", "", "NaN", "Infinity"])
def test_amount_that_is_none_is_not_read_as_one(found):
    """Nothing is traded on it."""
    assert Money().process_result_value("0.10", None) == Decimal("0.10")
    assert Money().process_result_value(None, None) is None
    with pytest.raises(UnknownState) as told:
        Money().process_result_value(found, None)
    assert str(told.value) == f'the ledger holds "{found}" where an amount belongs'


def test_time_that_is_none_is_not_read_as_one():
    """A database with a type of its own for times needs no such care."""
    assert Instant().process_result_value("2022-12-13T00:00:00.000000Z", None).year == 2022
    with pytest.raises(UnknownState, match='"soon" where a time belongs'):
        Instant().process_result_value("soon", None)


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), UnknownState("a halt")])
def test_halt_acts_though_the_ledgers_halts_cannot_be_read(error):
    """From memory, at once."""

    class Silent:
        """A ledger that does not tell which halts stand."""

        def latch(self, halt: Halt) -> str:
            return halt.id

        def halts(self) -> None:
            raise error

    halts = Halts(Silent())
    made = halts.add(Halt("h1", HaltKind.HALT, "ledger", "x", START))
    assert (made.id, halts.ruling) == ("h1", HaltKind.HALT)


def test_engine_halts_by_name_and_goes_on_when_the_row_is_mended():
    """While it cannot be read nothing is sent; the halt stays until a person resumes it."""
    world = World()
    read = world.ledger.news

    async def story() -> None:
        def unreadable(*_: object) -> None:
            raise UnknownState('the ledger holds "confused" as OrderStatus of t1')

        world.ledger.news = unreadable
        engine = world.engine()
        running = asyncio.create_task(engine.run())
        await until(lambda: engine.snapshot().halted)
        shown = engine.snapshot()
        (halt,) = shown.halts
        assert (cause(halt.id), halt.kind, shown.state) == ("UnknownState", HaltKind.HALT, "halted")
        assert shown.blocks == ('the ledger holds "confused" as OrderStatus of t1',)
        assert not shown.trading_active
        world.ledger.news = read
        assert await running == "the feed has ended"

    asyncio.run(story())
    assert isinstance(world.exchange, FakeExchange)
    assert world.exchange.sent == []
    assert list(world.ledger.latched) == ["unknown-state-" + next(iter(world.ledger.latched))[-8:]]


async def until(true) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the engine shares this loop
            await asyncio.sleep(0)
