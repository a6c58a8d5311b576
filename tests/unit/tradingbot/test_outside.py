"""What others do on the account: coins that are missing are not sold, and nothing foreign goes unnoticed."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trading import BTC, START, MemoryLedger, instrument
from tradingbot.domain.intent import Refusal
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import (
    Accepted,
    Cancel,
    Fill,
    Order,
    OrderReport,
    OrderStatus,
    OrderType,
    Outcome,
    Refused,
    Side,
    VenueWrite,
)
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.execution import exits, record, stops
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.outside import Outside
from tradingbot.execution.recount import recount
from tradingbot.venues.replay import ReplayClock

D = Decimal
OURS, THEIRS = "tabc123000100000a1", "tzzz999000100000a1"


@dataclass
class Till:
    """A fake venue that sells what the account has and refuses what it has not."""

    coins: dict[str, Decimal]
    open: list[OrderReport] = field(default_factory=list)
    trades: list[Fill] = field(default_factory=list)
    sent: list[VenueWrite] = field(default_factory=list)
    request_life: timedelta = timedelta(seconds=2)
    visibility: timedelta = timedelta(seconds=3)

    async def room(self, _: object) -> str:
        return ""

    async def send(self, write: VenueWrite) -> Outcome:
        self.sent.append(write)
        request = write.request
        if isinstance(request, Cancel):
            return Accepted(order(write.client_id, status=OrderStatus.CANCELLED))
        if request.quantity > self.coins["BTC"]:
            return Refused("-2010", "Account has insufficient balance for requested action.")
        if request.type is OrderType.STOP:
            return Accepted(order(write.client_id, quantity=request.quantity, type=OrderType.STOP))
        self.coins["BTC"] -= request.quantity
        made = Fill(BTC, "9", write.client_id, "9", Side.SELL, request.quantity, D(100), D(0), "USDT", START, bar=START)
        self.trades.append(made)
        done = order(write.client_id, quantity=request.quantity, filled=request.quantity, status=OrderStatus.FILLED)
        return Accepted(done, (made,))

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        return None

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        return tuple(self.open)

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        return tuple(self.trades)

    async def balances(self) -> dict[str, Decimal]:
        return self.coins

    def book(self) -> None:
        return None


def order(client_id: str, **changes: object) -> OrderReport:
    made = OrderReport(BTC, client_id, "7", OrderStatus.OPEN, Side.SELL, OrderType.LIMIT, D(1), D(0), None, None, START)
    return replace(made, **changes)


def holding(there: str, stop: str | None = None) -> Desk:
    """A desk whose fills say that one coin is held, on an account that has as much as is *there*."""
    ledger = MemoryLedger()
    lease = ledger.claim(Instance("blue", "pod", "start", "r"), START)
    book = Book({BTC: instrument()}, D(10000))
    made = Desk(
        Till({"BTC": D(there)}), ledger, lease, ReplayClock(START), NoMetrics(), book, *[timedelta(seconds=5)] * 2
    )
    book.apply(Fill(BTC, "1", OURS, "1", Side.BUY, D(1), D(100), D(0), "USDT", START, bar=START))
    if stop:
        book.stop_prices[BTC] = D(stop)
    return made


def sizes(made: Desk) -> list[Decimal]:
    return [write.request.quantity for write in made.venue.sent if isinstance(write.request, Order)]


def test_an_exit_sells_what_is_there():
    """The first, whole one is refused; what the account has is sold, cut to the step, and then it is flat."""
    made = holding("0.123456789")
    assert isinstance(asyncio.run(exits.leave(made, BTC, D(100), "out")), Refused)
    asyncio.run(made.clock.sleep(timedelta(seconds=1)))
    assert isinstance(asyncio.run(exits.leave(made, BTC, D(100), "out")), Accepted)
    assert sizes(made) == [D(1), D("0.12345")]
    assert exits.is_flat(made.book, BTC, D(100))
    assert made.book.positions[BTC].quantity == D("0.87655")
    assert made.outside.said(START) == (f"the account lacks 0.876543211 of the position in {BTC}",)


def test_nothing_is_sold_where_nothing_is():
    """All of it was sold by somebody else: one refusal, and no more requests."""
    made = holding("0")
    for _ in range(5):
        asyncio.run(exits.leave(made, BTC, D(100), "out"))
        asyncio.run(made.clock.sleep(timedelta(seconds=60)))
    assert sizes(made) == [D(1)]


def test_a_stop_covers_what_is_there():
    """The refused one is followed by one for what the account has; both within one call, and no third."""
    made = holding("0.5", stop="90")
    assert asyncio.run(stops.cover(made, BTC)) is True
    assert sizes(made) == [D(1), D("0.5")]
    assert asyncio.run(stops.cover(made, BTC)) is True
    assert sizes(made) == [D(1), D("0.5")]


def test_an_exit_that_is_refused_for_another_reason_waits_longer_each_time():
    """The coins are there and the venue still says no: asked at 0, 0.2, 0.6, 1.4, 3 s, and then every two seconds."""

    class Grumpy(Till):
        async def send(self, write: VenueWrite) -> Outcome:
            self.sent.append(write)
            return Refused("-1013", "Market is closed.")

    made = holding("1")
    made.venue = Grumpy({"BTC": D(1)})
    answers = []
    for _ in range(100):
        answers.append(asyncio.run(exits.leave(made, BTC, D(100), "out")))
        asyncio.run(made.clock.sleep(timedelta(milliseconds=100)))
    assert len(made.venue.sent) == 8
    assert answers[1] == Refusal("Waits", "the venue has just refused this exit")
    assert made.book.missing[BTC] == D(0)


def test_coins_under_somebody_elses_order_are_not_there():
    """They belong to the account and cannot be sold."""
    made = holding("1")
    made.venue.open = [order("web_1", quantity=D("0.3"), filled=D("0.1")), order("web_2", side=Side.BUY)]
    asyncio.run(recount(made, BTC))
    assert made.book.there(BTC) == D("0.8")


def test_coins_that_come_back_are_sold_again():
    """The next count of the account counts."""
    made = holding("0.5")
    asyncio.run(recount(made, BTC))
    made.venue.coins["BTC"] = D(2)
    asyncio.run(recount(made, BTC))
    assert made.book.there(BTC) == D(1)
    assert made.outside.said(START) == ()


def test_nothing_is_concluded_while_an_order_is_uncertain():
    """It may be what took the coins."""
    made = holding("0")
    request = Order(BTC, Side.SELL, OrderType.MARKET, "exit", D(1), reason="out")
    write = made.ledger.intend(made.lease, request, START, START + timedelta(seconds=2))
    made.book.put(made.ledger.records[write.client_id])
    asyncio.run(recount(made, BTC))
    assert made.book.there(BTC) == D(1)


@pytest.mark.parametrize(
    ("client_id", "shared", "foreign"),
    [("web_1", False, True), (OURS, False, False), (THEIRS, False, True), (THEIRS, True, False), ("web_1", True, True)],
)
def test_what_is_foreign(client_id, shared, foreign):
    """A person's always is; another bot's is unless the account is shared."""
    assert Outside("abc123", shared).is_foreign(client_id) is foreign


def test_each_deed_is_news_once_and_told_for_as_long_as_it_matters():
    """An order while it is open, a trade for an hour."""
    outside = Outside("abc123", False)
    outside.listed(BTC, [order("web_1"), order(OURS)])
    outside.listed(BTC, [order("web_1")])
    outside.traded(Fill(BTC, "5", "web_1", "5", Side.BUY, D(2), D(100), D(0), "USDT", START))
    assert [deed.kind for deed in outside.news()] == ["order", "trade"]
    assert outside.news() == ()
    words = ("an order of somebody else: sell 1 BTC/USDT", "a trade of somebody else: buy 2 BTC/USDT at 100")
    assert outside.said(START) == words
    outside.listed(BTC, [])
    assert outside.said(START) == words[1:]
    assert outside.said(START + timedelta(hours=1)) == ()


def test_events_of_others_are_noticed_at_once():
    """What the user stream tells of orders and trades that are not ours."""
    made = holding("1")
    record.take_event(made, order("web_1"))
    record.take_event(made, Fill(BTC, "5", "web_1", "5", Side.SELL, D(1), D(100), D(0), "USDT", START))
    assert [deed.kind for deed in made.outside.news()] == ["order", "trade"]


def count(outside: Outside, made: Desk, **totals: str) -> list[str]:
    outside.counted(made.book, {coin: D(amount) for coin, amount in totals.items()}, datetime(2026, 11, 21, tzinfo=UTC))
    return [deed.text for deed in outside.news()]


def test_a_balance_that_changes_without_us_is_noticed_when_it_is_seen_twice():
    """What the account has besides ours is no change; one count may fall between a fill and its report."""
    made, outside = holding("1"), Outside("abc123", False)
    assert count(outside, made, BTC="3", USDT="500") == []
    assert count(outside, made, BTC="3", USDT="500") == []
    assert count(outside, made, BTC="1", USDT="500") == []
    assert count(outside, made, BTC="3", USDT="500") == []
    assert count(outside, made, BTC="2.5", USDT="500") == []
    gone = ["the balance of BTC changed by -0.5 without an order of this bot"]
    assert count(outside, made, BTC="2.5", USDT="500") == gone
    assert count(outside, made, BTC="2.5", USDT="800") == []
    came = ["the balance of USDT changed by +300 without an order of this bot"]
    assert count(outside, made, BTC="2.5", USDT="800") == came


def test_what_we_trade_and_what_is_rounding_is_no_change():
    """Book and account move together; less than the smallest order is not told."""
    made, outside = holding("1"), Outside("abc123", False)
    for _ in range(2):
        assert count(outside, made, BTC="1", USDT="9900") == []
    made.book.apply(Fill(BTC, "2", OURS, "1", Side.SELL, D("0.5"), D(100), D(0), "USDT", START, bar=START))
    for _ in range(3):
        assert count(outside, made, BTC="0.50000001", USDT="9949.99") == []


def test_only_the_newest_deeds_are_kept():
    """Somebody who trades all day does not fill the memory."""
    outside = Outside("abc123", False)
    for number in range(150):
        outside.traded(Fill(BTC, str(number), "web_1", "5", Side.BUY, D(2), D(100), D(0), "USDT", START))
    assert len(outside.news()) == 150
    assert len(outside.said(START)) == 100
