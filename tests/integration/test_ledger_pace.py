"""What a hand-over costs in questions: each one is waited for while nobody trades, so they are counted."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import event

from exchange import FakeExchange
from hands import Hands, claimed, every_hands, who  # noqa: F401
from ledgers import TIMES, migrated_file, order, running_server, running_server_17  # noqa: F401
from swapping import Own, StandingClock, Tape
from trading import BTC, LIMITS, MemoryWatch, bars, midnight, sma
from tradingbot.adoption import adopted
from tradingbot.ahead import Ahead
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Order, OrderType, Purpose, Side
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.execution import send
from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor
from tradingbot.handover import HandOver
from tradingbot.ledger import SqlLedger
from tradingbot.ledger.connect import reading, writing
from tradingbot.parts import EngineSettings, Parts

PRIVATE = ("identify", "open_orders", "order", "fills", "balances")
TRANSACTION = "begin"


@contextmanager
def counted(ledger: SqlLedger) -> Iterator[list[str]]:
    """The transactions and statements of *ledger* inside the block, in their order."""
    asked: list[str] = []

    def begun(_: Any) -> None:
        asked.append(TRANSACTION)

    def executed(*call: Any) -> None:
        if not call[2].startswith("BEGIN"):
            asked.append(" ".join(call[2].split()))

    event.listen(ledger.engine, "begin", begun)
    event.listen(ledger.engine, "before_cursor_execute", executed)
    try:
        yield asked
    finally:
        event.remove(ledger.engine, "begin", begun)
        event.remove(ledger.engine, "before_cursor_execute", executed)


def transactions(asked: list[str]) -> int:
    return asked.count(TRANSACTION)


def statements(asked: list[str]) -> int:
    return len(asked) - transactions(asked)


class Market:
    """Five bars have closed, and no further one comes."""

    def __init__(self) -> None:
        self.closed = bars(100, 100, 100, 100, 100)
        self.clock = StandingClock(self.closed[-1].close_time)
        self.exchange = FakeExchange(self.closed, self.clock, Decimal(10000))
        for bar in self.closed:
            self.exchange.step(bar)


@dataclass
class Colour:
    """One process' floor, its own ledger and its own way to the venue that both share."""

    floor: Floor
    ledger: SqlLedger
    venue: Own


def colour(hands: Hands, market: Market, name: str, folder: Path) -> Colour:
    ledger = hands.open(name)
    ledger.remember(folder / name)
    venue = Own(market.exchange)
    settings = EngineSettings((BTC,), "1m", Decimal(10000), "USDT")
    parts = Parts(
        settings=settings,
        instance=who(name, f"pod-{name}/a"),
        feed=Tape(market),
        venue=venue,
        ledger=ledger,
        clock=market.clock,
        metrics=NoMetrics(),
        strategy=sma(),
        limits=LIMITS,
        day_start=midnight,
        new_id=lambda: "h1",
        watch=MemoryWatch(ledger),
    )
    return Colour(Floor(parts), ledger, venue)


async def traded(blue: Colour) -> Desk:
    """Blue trades: five orders rest at the venue, and a position is covered by its stop."""
    lease = blue.ledger.claim(blue.floor.parts.instance, blue.floor.parts.clock.now())
    assert isinstance(lease, Lease)
    trader = await adopted(blue.floor, lease, await Ahead.prepared(blue.floor))
    for number in range(5):
        price = Decimal(50 + number)
        await send.place(trader.desk, Order(BTC, Side.BUY, OrderType.LIMIT, Purpose.ENTRY, Decimal(1), price=price))
    await send.place(
        trader.desk, Order(BTC, Side.BUY, OrderType.MARKET, Purpose.ENTRY, Decimal(1), stop_price=Decimal(90))
    )
    await trader.cover(BTC)
    assert len(trader.desk.book.live(BTC)) == 6
    return trader.desk


async def ordered(hands: Hands, blue: Colour, green: Colour) -> tuple[Desk, Ahead]:
    """Blue trades, green is warm, and the operator has ordered the hand-over to green."""
    desk = await traded(blue)
    ahead = await Ahead.prepared(green.floor)
    instance = green.floor.parts.instance
    green.ledger.heartbeat(instance, "standby", green.floor.parts.clock.now())
    assert hands.door.order(1, None, hands.successor(name=instance.name).text, 60_000)
    return desk, ahead


def test_an_order_is_obeyed_with_three_transactions(hands: Hands, tmp_path: Path) -> None:
    """One tells of the order, one that nothing is in flight, one gives the epoch away; the venue is not asked."""

    async def story() -> None:
        market = Market()
        blue, green = (colour(hands, market, name, tmp_path) for name in ("blue", "green"))
        desk, _ = await ordered(hands, blue, green)
        blue.venue.asked.clear()
        with counted(blue.ledger) as asked:
            hand_over = HandOver(blue.floor, desk)
            hand_over.look()
            assert await hand_over.release()
        assert transactions(asked) == 3
        assert statements(asked) == (5 if hands.server else 13)
        assert blue.venue.asked == []
        assert blue.ledger.lease_row().epoch == 2

    asyncio.run(story())


def test_an_adoption_reads_the_ledger_in_three_transactions_and_asks_the_venue_once(
    hands: Hands, tmp_path: Path
) -> None:
    """One before has told of the epoch; the account is asked for beside."""

    async def story() -> None:
        market = Market()
        blue, green = (colour(hands, market, name, tmp_path) for name in ("blue", "green"))
        desk, ahead = await ordered(hands, blue, green)
        hand_over = HandOver(blue.floor, desk)
        hand_over.look()
        assert await hand_over.release()
        with counted(green.ledger) as named:
            lease = green.ledger.named(green.floor.parts.instance)
        assert (transactions(named), statements(named)) == (1, 2)
        assert lease is not None
        with counted(green.ledger) as asked:
            trader = await adopted(green.floor, lease, ahead)
        assert (transactions(asked), statements(asked)) == (3, 11)
        # The last one is of the newest bar, which is looked at as every other bar is.
        assert [each for each in green.venue.asked if each in PRIVATE] == ["open_orders", "identify", "open_orders"]
        adoption = green.floor.teller.snapshot.adoption
        assert adoption is not None
        assert (adoption.result, adoption.adopted) == ("adopted", 6)
        assert len(trader.desk.book.live(BTC)) == 6
        assert green.venue.sent == []

    asyncio.run(story())


class Slow(FakeExchange):
    """A venue whose list of open orders comes when the test lets it."""

    lists: asyncio.Event

    async def open_orders(self, symbol: str) -> tuple[Any, ...]:
        await self.lists.wait()
        return await super().open_orders(symbol)


def test_the_ledger_is_read_while_the_venue_thinks(hands: Hands, tmp_path: Path) -> None:
    """The venue answers only when everything has been read; one after the other, that would wait for ever."""

    async def story() -> None:
        market = Market()
        blue, green = (colour(hands, market, name, tmp_path) for name in ("blue", "green"))
        desk, ahead = await ordered(hands, blue, green)
        hand_over = HandOver(blue.floor, desk)
        hand_over.look()
        assert await hand_over.release()
        lease = green.ledger.named(green.floor.parts.instance)
        assert lease is not None
        market.exchange.__class__ = Slow
        market.exchange.lists = asyncio.Event()
        loaded = green.floor.guard.load

        def read() -> None:
            loaded()
            market.exchange.lists.set()

        green.floor.guard.load = read
        await asyncio.wait_for(adopted(green.floor, lease, ahead), 10)

    asyncio.run(story())


def test_reads_of_a_server_are_not_put_into_a_transaction(hands: Hands) -> None:
    """Begin and commit are two trips more, and a server's statements see what is committed either way."""
    ledger = hands.open()
    with counted(ledger) as asked, ledger.one_read(), reading(ledger.engine) as connection:
        ledger.lease_row()
        driver = connection.connection.driver_connection
        if hands.server:
            assert driver.info.transaction_status == TransactionStatus.IDLE
        else:
            assert driver.in_transaction
    assert transactions(asked) == 1


def test_a_write_of_a_server_is_in_a_transaction(hands: Hands) -> None:
    """What belongs together is durable together, whatever was read on the same connection before."""
    ledger = hands.open()
    ledger.lease_row()
    with ledger.one_write(), writing(ledger.engine) as connection:
        ledger.lease_row()
        driver = connection.connection.driver_connection
        if hands.server:
            assert driver.info.transaction_status == TransactionStatus.INTRANS
        else:
            assert driver.in_transaction


def test_an_old_ledger_is_not_read_through(hands: Hands) -> None:
    """How long requests of an unclean end live is one question, and it looks into the intents epoch by epoch."""
    ledger = hands.open()
    old = claimed(ledger)
    for _ in range(3):
        ledger.intend(old, order(), *TIMES)
    with counted(ledger) as asked:
        assert ledger.quiet_until() == TIMES[1]
    assert (transactions(asked), statements(asked)) == (1, 1)
    if hands.server is None:
        with reading(ledger.engine) as connection:
            values = ("release", "retire", "fence", "claim", "named", "grant")
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[1]}", values[: asked[1].count("?")]).all()
        assert "SEARCH intents USING COVERING INDEX intents_epoch (epoch=?)" in str(plan)
        assert "SCAN intents" not in str(plan)
