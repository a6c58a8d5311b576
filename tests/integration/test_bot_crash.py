"""Killed at every step from intent to exit: the restart settles everything, and no answer lost doubles an order."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from exchange import Calls, Crash, FakeExchange, FakeMarket, Losing, Watched
from trading import BTC, LIMITS, MemoryLedger, MemoryWatch, bars, instrument, midnight, sma
from tradingbot.domain.clientid import parse_client_id
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import UNSETTLED, WORKING, Order, OrderStatus, Purpose, Side
from tradingbot.domain.position import position_of
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.engine import Engine
from tradingbot.parts import EngineSettings, Parts
from tradingbot.venues.replay import ReplayClock

LEDGER_CALLS = ("claim", "decide", "intend", "settle", "record_fills", "record_equity", "retire")
VENUE_CALLS = ("send", "order", "fills", "open_orders")
# Up (enter), down (exit), up again (enter), then a fall through the stop, and a last rise.
CLOSES = (100, 100, 101, 103, 104, 102, 100, 99, 101, 103, 104, 104, 90, 89, 89, 91, 93, 94)


class World:
    """What outlives a process: the venue, the ledger, the recording and the time."""

    def __init__(self, volume: str = "1000") -> None:
        self.bars = bars(*CLOSES)
        self.bars = [type(bar)(**{**fields(bar), "volume": Decimal(volume)}) for bar in self.bars]
        self.clock = ReplayClock(self.bars[0].open_time)
        self.exchange = FakeExchange(self.bars, self.clock, Decimal(10000))
        self.ledger = MemoryLedger()
        self.starts = 0

    def engine(self, calls: Calls | None = None, venue: object | None = None) -> Engine:
        self.starts += 1
        calls = calls or Calls()
        settings = EngineSettings((BTC,), "1m", Decimal(10000), "USDT", turn=None)
        return Engine(
            Parts(
                settings=settings,
                instance=Instance("blue", "pod-1", f"start-{self.starts}", "revision-1"),
                feed=FakeMarket(self.bars, self.exchange, self.clock),
                venue=Watched(venue or self.exchange, calls, VENUE_CALLS),
                ledger=Watched(self.ledger, calls, LEDGER_CALLS),
                clock=self.clock,
                metrics=NoMetrics(),
                strategy=sma(2, 3),
                limits=LIMITS,
                day_start=midnight,
                new_id=lambda: "h1",
                watch=MemoryWatch(self.ledger),
            )
        )


def fields(bar) -> dict:
    return {name: getattr(bar, name) for name in bar.__slots__}


def run(world: World, calls: Calls | None = None, venue: object | None = None) -> bool:
    """True when the engine came to the end of its recording, False when it crashed."""

    async def live() -> None:
        await world.engine(calls, venue).run()

    try:
        asyncio.run(live())
    except Crash:
        return False
    return True


def check(world: World) -> None:
    """I4, I5 and I9: orders and intents are one to one and ended, positions are the venue's, stops cover."""
    ledger, exchange = world.ledger, world.exchange
    intents = {record.write.client_id: record for record in ledger.orders()}
    assert not ledger.unsettled()
    assert len({order.client_id for order in exchange.orders}) == len(exchange.orders)
    for order in exchange.orders:
        assert parse_client_id(order.client_id) is not None
        assert intents[order.client_id].status == order.status, order
        assert intents[order.client_id].filled == order.filled
    reached = {order.client_id for order in exchange.orders}
    for name, record in intents.items():
        assert name in reached or record.status in (OrderStatus.ABSENT, OrderStatus.REFUSED)
    assert len({write.client_id for write in exchange.sent}) == len(exchange.sent), "an intent was sent twice"
    market = instrument()
    held = position_of(BTC, ledger.fills(), market.base, market.quote)
    assert held == position_of(BTC, exchange.trades, market.base, market.quote)
    assert held.quantity == asyncio.run(exchange.balances()).get("BTC", ZERO)
    covered = sum((o.remaining for o in exchange.orders if o.is_open and o.side is Side.SELL), ZERO)
    if market.is_dust(held.quantity, Decimal(90)):
        assert covered == ZERO
    else:
        assert held.quantity - covered < market.quantity_step


def entries_per_bar(world: World) -> int:
    """How many entries the busiest bar has."""
    decided = [d.bar for d, made in world.ledger.decisions if made and made.request.purpose is Purpose.ENTRY]
    return max((decided.count(bar) for bar in decided), default=0)


def quiet_run(volume: str) -> tuple[World, int]:
    world, calls = World(volume), Calls()
    assert run(world, calls)
    check(world)
    return world, len(calls.made)


def test_the_story_has_entries_partial_fills_stops_and_exits():
    """The story that is killed below contains every step it speaks of."""
    world, _ = quiet_run("30")
    orders = [(r.write.request.purpose, r.status) for r in world.ledger.orders()]
    assert (Purpose.ENTRY, OrderStatus.EXPIRED) in orders
    assert any(r.filled not in (ZERO, r.write.request.quantity) for r in world.ledger.orders())
    full, _ = quiet_run("1000")
    assert {(r.write.request.purpose, r.status) for r in full.ledger.orders()} >= {
        (Purpose.ENTRY, OrderStatus.FILLED),
        (Purpose.EXIT, OrderStatus.FILLED),
        (Purpose.STOP, OrderStatus.CANCELLED),
        (Purpose.STOP, OrderStatus.FILLED),
    }


@pytest.mark.parametrize("volume", ["1000", "30"])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_call_is_settled_by_the_restart(after, volume):
    """Before or after each single call to ledger or venue: a restart leaves no order unknown, doubled or uncovered."""
    _, calls = quiet_run(volume)
    assert calls > 60
    for at in range(calls):
        world = World(volume)
        assert not run(world, Calls(at, after))
        assert run(world)
        check(world)
        assert entries_per_bar(world) <= 1


@pytest.mark.parametrize("after", [False, True])
def test_two_kills_in_a_row_are_settled_too(after):
    """A restart may itself be killed at any of its first calls."""
    for first in range(20, 60, 7):
        for second in range(0, 24, 3):
            world = World()
            assert not run(world, Calls(first, after))
            run(world, Calls(second, after))
            assert run(world)
            check(world)


@pytest.mark.parametrize("way", ["lost", "never", "late"])
def test_no_lost_answer_doubles_or_loses_an_order(way):
    """Each write in turn: acted on in silence, never arrived, or arrived late. None is sent again."""
    world, _ = quiet_run("1000")
    for number in range(len(world.exchange.sent)):
        world = World()
        venue = Losing(world.exchange, world.clock, **{way: frozenset({number})})
        assert run(world, venue=venue)
        check(world)
        assert not venue.waiting


def test_not_found_is_not_final_while_the_request_may_still_arrive():
    """A write that comes 2.9 s after its timestamp is found, because the bot waited for life, skew and visibility."""
    world = World()
    venue = Losing(world.exchange, world.clock, late=frozenset({0}), delay=timedelta(seconds=2.9))
    assert run(world, venue=venue)
    check(world)
    first = world.ledger.orders()[-1]
    assert first.status is OrderStatus.FILLED


def test_what_never_arrived_ends_absent():
    """Only after timestamp, request life, a second and the venue's visibility."""
    world = World()
    assert run(world, venue=Losing(world.exchange, world.clock, never=frozenset({0})))
    first = world.ledger.orders()[-1]
    assert (first.status, first.message) == (OrderStatus.ABSENT, "the venue never got it")


def test_every_status_in_the_ledger_has_ended_or_still_works():
    """Nothing is left intended or unknown at the end of a run."""
    world, _ = quiet_run("1000")
    assert {record.status for record in world.ledger.records.values()} & UNSETTLED == set()
    works = [r for r in world.ledger.orders() if r.status in WORKING]
    assert all(isinstance(r.write.request, Order) and r.write.request.purpose is Purpose.STOP for r in works)
