"""Orders in the book, the stop that follows the position, the exit budget, and what "not found" means."""

import ast
import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import tradingbot
from trading import BTC, LEDGER, START, MemoryLedger, instrument, order
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.errors import LedgerUnavailable, VenueUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Action, Decision, Intent, Refusal
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import (
    Accepted,
    Cancel,
    Fill,
    Order,
    OrderRecord,
    OrderReport,
    OrderStatus,
    OrderType,
    Outcome,
    Purpose,
    Refused,
    Side,
    Unknown,
    VenueWrite,
)
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.execution import exits, picture, record, send, settle, stops
from tradingbot.execution.book import Book, in_bar
from tradingbot.execution.desk import Desk
from tradingbot.execution.halting import Halts
from tradingbot.execution.money import Money
from tradingbot.execution.owed import Owed
from tradingbot.venues.replay import ReplayClock

D = Decimal
SOURCE = Path(tradingbot.__file__).parent
MINUTE = timedelta(minutes=1)


def stop(quantity: str = "1", **changes: object) -> Order:
    made = order(side=Side.SELL, type=OrderType.STOP, purpose=Purpose.STOP, quantity=D(quantity), stop_price=D("98.00"))
    return replace(made, reason="protective stop", **changes)


def leaving(quantity: str = "1", **changes: object) -> Order:
    return order(side=Side.SELL, purpose=Purpose.EXIT, quantity=D(quantity), **changes)


def entry(quantity: str = "1") -> Order:
    return order(quantity=D(quantity), stop_price=D("98.00"))


def kept(
    request: Order | Cancel, number: int, status: OrderStatus = OrderStatus.OPEN, filled: str = "0"
) -> OrderRecord:
    write = VenueWrite(name(number), 1, number, request, START, START + timedelta(seconds=2))
    return OrderRecord(write, status, D(filled), str(number))


def name(number: int, ledger: str = LEDGER) -> str:
    return str(ClientId(ledger, 1, number))


def fill(number: int, quantity: str = "1", side: Side = Side.BUY, trade: str = "1", **changes: object) -> Fill:
    made = Fill(BTC, trade, name(number), str(number), side, D(quantity), D(100), ZERO, "USDT", START, bar=START)
    return replace(made, **changes)


def book(*records: OrderRecord, fills: tuple[Fill, ...] = (), **market: object) -> Book:
    made = Book({BTC: instrument(**market)}, D(10000))
    made.load(records, fills)
    return made


def holding(*records: OrderRecord, quantity: str = "1", **market: object) -> Book:
    """A book with a filled entry of *quantity* and the live *records* beside it."""
    first = kept(entry(quantity), 1, OrderStatus.FILLED, quantity)
    return book(first, *records, fills=(fill(1, quantity),), **market)


def test_a_filled_entry_calls_for_a_stop_of_the_same_size():
    """At the price the entry asked for."""
    assert stops.cover_step(holding(), BTC) == stop()


def test_a_stop_that_covers_is_left_alone():
    """I9: equal to one step."""
    assert stops.cover_step(holding(kept(stop(), 2)), BTC) is None


@pytest.mark.parametrize("stands", ["0.5", "2"])
def test_a_stop_of_another_size_is_replaced_in_one_request(stands):
    """Never cancelled first: too small or too large, the new one names the old one."""
    step = stops.cover_step(holding(kept(stop(stands), 2)), BTC)
    assert step == replace(stop(), replaces=name(2), reason="stop follows the position")


def test_without_a_position_a_stop_is_taken_back():
    """A stop left over could sell what somebody else holds."""
    assert stops.cover_step(book(kept(stop(), 2)), BTC) == Cancel(BTC, name(2), "more stops than position")


def test_of_two_stops_the_newer_is_taken_back():
    """Then the older one is brought to size."""
    assert stops.cover_step(holding(kept(stop(), 2), kept(stop(), 3)), BTC) == Cancel(
        BTC, name(3), "more stops than position"
    )


@pytest.mark.parametrize(
    "unknown",
    [
        kept(leaving(replaces=name(2)), 3, OrderStatus.UNKNOWN),
        kept(leaving(replaces=name(2)), 3, OrderStatus.INTENDED),
        kept(stop(), 3, OrderStatus.UNKNOWN),
    ],
)
def test_nothing_is_done_to_a_stop_while_a_sell_is_unknown(unknown):
    """The unknown sell may have cancelled the stop, or not: only a query tells."""
    assert stops.cover_step(holding(kept(stop(), 2), unknown), BTC) is None
    assert stops.cover_step(holding(unknown), BTC) is None


def test_a_stop_that_is_being_filled_is_left_alone():
    """It is doing its work."""
    partial = kept(stop("2"), 2, OrderStatus.PARTIAL, "0.5")
    sold = fill(2, "0.5", Side.SELL, "2")
    made = book(kept(entry("2"), 1, OrderStatus.FILLED, "2"), partial, fills=(fill(1, "2"), sold))
    assert stops.cover_step(made, BTC) is None


def test_a_working_exit_stands_for_its_part():
    """The stop covers only what the exit leaves."""
    assert stops.cover_step(holding(kept(leaving("0.4"), 2)), BTC) == stop("0.60000")


@pytest.mark.parametrize("market", [{"minimum_quantity": D(2)}, {"minimum_notional": D(99)}])
def test_dust_gets_no_stop(market):
    """What the venue would refuse is not asked."""
    assert stops.cover_step(holding(**market), BTC) is None


def test_a_position_without_a_stop_price_gets_none():
    """An entry that asked for no stop has none."""
    made = book(kept(order(), 1, OrderStatus.FILLED, "1"), fills=(fill(1),))
    assert stops.cover_step(made, BTC) is None


def test_a_venue_with_only_stop_limits_gets_one():
    """The limit lies two percent below the stop, on the tick."""
    made = stops.cover_step(holding(order_types=frozenset({"stop_limit"})), BTC)
    assert (made.type, made.price, made.stop_price) == (OrderType.STOP_LIMIT, D("96.04"), D("98.00"))


def test_an_exit_replaces_the_stop_and_sells_all():
    """One request: the stop is cancelled and the position sold."""
    made = exits.exit_order(holding(kept(stop(), 2)), BTC, D(100), "because")
    assert made == leaving("1.00000", replaces=name(2), reason="because")


@pytest.mark.parametrize(
    ("others", "quantity"),
    [
        ((kept(leaving("0.4"), 2),), "0.6"),
        ((kept(leaving("0.4"), 2, OrderStatus.UNKNOWN),), "0.6"),
        ((kept(stop("0.4"), 2, OrderStatus.PARTIAL, "0"),), "0.6"),
        ((kept(leaving("0.4"), 2), kept(stop("0.6"), 3)), "0.6"),
    ],
)
def test_the_exit_budget_leaves_out_what_other_sells_may_take(others, quantity):
    """Position by fills, less working sells, less unknown sells."""
    assert exits.exit_order(holding(*others), BTC, D(100), "because").quantity == D(quantity)


def test_fills_known_to_exist_but_not_seen_are_left_out_too():
    """An exit reported as filled whose trades have not come yet has sold already."""
    made = holding(kept(leaving("0.4"), 2, OrderStatus.FILLED, "0.4"))
    assert exits.exit_order(made, BTC, D(100), "because").quantity == D("0.6")
    assert made.is_uncertain(BTC)


def test_no_exit_beside_an_unknown_stop():
    """It might sell the same coins twice."""
    made = exits.exit_order(holding(kept(stop(), 2, OrderStatus.UNKNOWN)), BTC, D(100), "because")
    assert made == Refusal("Unsettled", "a stop in BTC/USDT has no known outcome yet")


@pytest.mark.parametrize("made", [book(), holding(kept(leaving(), 2))])
def test_nothing_to_sell_is_said(made):
    """Flat, or all of it on its way out."""
    assert exits.exit_order(made, BTC, D(100), "because").reason == "NothingToSell"


def test_an_exit_is_cut_to_the_largest_market_order():
    """The rest keeps its stop and goes with the next one."""
    assert exits.exit_order(holding(maximum_quantity=D("0.3")), BTC, D(100), "x").quantity == D("0.3")


def test_cash_is_the_capital_and_all_flows():
    """A buy of 1 at 100 leaves 9900; a working buy reserves its worst."""
    made = holding(kept(entry("2"), 2))
    assert made.cash == D(9900)
    assert made.free_cash({BTC: D(110)}) == D(9900) - D(220)
    assert made.equity({BTC: D(110)}) == D(10010)
    assert made.equity({}) == D(10000)


def test_an_unknown_order_is_counted_at_its_worst():
    """As unsettled, whole."""
    (only,) = book(kept(entry("2"), 2, OrderStatus.UNKNOWN)).working({BTC: D(100)})
    assert (only.side, only.quantity, only.notional, only.unsettled) == (Side.BUY, D(2), D(200), True)


def test_the_book_lets_go_of_what_has_ended():
    """A filled order whose trades are all known is not live; the newest twenty stay to be shown."""
    records = [kept(entry(), n, OrderStatus.FILLED, "1") for n in range(1, 31)]
    made = book(*records, fills=tuple(fill(n, trade=str(n)) for n in range(1, 31)))
    assert made.live(BTC) == ()
    assert [r.write.sequence for r in made.recent] == list(range(30, 10, -1))


def test_fills_of_other_markets_change_nothing():
    """The ledger may hold symbols that are no longer traded."""
    made = book()
    made.apply(fill(1, symbol="OLD/USDT"))
    assert made.positions[BTC].quantity == ZERO


def test_a_cancel_is_no_order_of_the_book():
    """It is settled by what became of its target."""
    made = book(kept(Cancel(BTC, name(1)), 2))
    assert made.live(BTC) == ()


def test_a_fill_gets_the_bar_it_happened_in():
    """By its time, unless the venue knew."""
    at = START + timedelta(minutes=7, seconds=31)
    assert in_bar(fill(1, at=at, bar=None), 5 * MINUTE).bar == START + timedelta(minutes=5)
    assert in_bar(fill(1, at=at, bar=START), 5 * MINUTE).bar == START


@dataclass
class ScriptedVenue:
    """A fake venue that answers what it was told to, and keeps what it was sent."""

    outcomes: list[Outcome] = field(default_factory=list)
    reports: dict[str, OrderReport | None] = field(default_factory=dict)
    trades: list[Fill] = field(default_factory=list)
    open: list[OrderReport] = field(default_factory=list)
    sent: list[VenueWrite] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    away: bool = False
    full: str = ""
    coins: dict[str, Decimal] = field(default_factory=lambda: {"BTC": Decimal(100), "USDT": Decimal(10000)})
    request_life: timedelta = timedelta(seconds=2)
    visibility: timedelta = timedelta(seconds=3)

    async def room(self, _: object) -> str:
        return self.full

    async def send(self, write: VenueWrite) -> Outcome:
        self.sent.append(write)
        return self.outcomes.pop(0) if self.outcomes else accepted(write)

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        self.asked.append(client_id)
        return self.reports.get(client_id)

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        if self.away:
            raise VenueUnavailable("away")
        return tuple(self.open)

    async def fills(self, symbol, since) -> tuple[Fill, ...]:
        return tuple(each for each in self.trades if each.at >= since)

    async def balances(self) -> dict[str, Decimal]:
        return self.coins

    def book(self) -> None:
        return None


def report(client_id: str, status: OrderStatus = OrderStatus.OPEN, filled: str = "0", **changes: object) -> OrderReport:
    made = OrderReport(BTC, client_id, "7", status, Side.SELL, OrderType.STOP, D(1), D(filled), None, D("98.00"), START)
    return replace(made, **changes)


def accepted(write: VenueWrite) -> Accepted:
    target = write.request.client_id if isinstance(write.request, Cancel) else write.client_id
    status = OrderStatus.CANCELLED if isinstance(write.request, Cancel) else OrderStatus.OPEN
    return Accepted(report(target, status))


def desk(venue: ScriptedVenue, *requests: Order | Cancel) -> Desk:
    """A desk whose ledger holds *requests* as intents written at the start, the first of which is number 1."""
    ledger = MemoryLedger()
    lease = ledger.claim(Instance("blue", "pod", "start", "r"), START)
    clock = ReplayClock(START)
    made = Desk(venue, ledger, lease, clock, NoMetrics(), book(), MINUTE, timedelta(seconds=5))
    for request in requests:
        ledger.intend(lease, request, START, START + timedelta(seconds=2))
    made.book.load(reversed(ledger.orders()), ())
    return made


def status(desk_: Desk, number: int) -> OrderStatus:
    return desk_.ledger.records[name(number)].status


def later(desk_: Desk, seconds: float) -> None:
    asyncio.run(desk_.clock.sleep(timedelta(seconds=seconds)))


def settle_once(desk_: Desk) -> bool:
    desk_.retries.clear()
    return asyncio.run(settle.settle_due(desk_))


def test_what_finds_no_room_is_not_sent_and_leaves_no_trace():
    """The budget is asked before the timestamp is taken: no intent stands for what was never tried."""
    made = desk(ScriptedVenue(full="the weight is used up"))
    outcome = asyncio.run(send.place(made, stop()))
    assert outcome == Refused("RateLimited", "not sent: the weight is used up")
    assert (made.venue.sent, made.ledger.orders()) == ([], ())


def test_a_decision_that_finds_no_room_is_made_and_refused():
    """The bar is decided, and the ledger says why nothing was sent."""
    made = desk(ScriptedVenue(full="the weight is used up"))
    decision = Decision(
        "sma_cross", BTC, START, Intent(BTC, "sma_cross", START, Action.ENTER, D(100), START, "up"), None
    )
    outcome = asyncio.run(send.decide(made, decision, entry()))
    assert outcome == Refusal("RateLimited", "not sent: the weight is used up")
    assert (made.venue.sent, made.ledger.orders()) == ([], ())
    assert made.ledger.decided_through("sma_cross", BTC) == START


def held_desk(venue: ScriptedVenue) -> Desk:
    """A position of one coin without a stop, and a decision to leave it."""
    made = desk(venue)
    made.book = holding()
    return made


WISH = Intent(BTC, "sma_cross", START, Action.EXIT, D(100), START, "fast average below slow")


@pytest.mark.parametrize("outcome", [Refusal("RateLimited", "not sent"), Refused("NotConnected", "no line")])
def test_an_exit_that_was_not_sent_is_sent_when_there_is_a_way(outcome):
    """With the reason it was decided for, as soon as there is room, and once."""
    made, owed = held_desk(ScriptedVenue(full="the weight is used up")), Owed()
    owed.decided(BTC, WISH, outcome)
    assert not asyncio.run(owed.paid(made, BTC, D(100)))
    assert made.venue.sent == []
    made.venue.full = ""
    later(made, 1)
    assert asyncio.run(owed.paid(made, BTC, D(100)))
    assert not asyncio.run(owed.paid(made, BTC, D(100)))
    (sent,) = made.venue.sent
    assert (sent.request.purpose, sent.request.quantity, sent.request.reason) == (
        Purpose.EXIT,
        D(1),
        "fast average below slow",
    )


@pytest.mark.parametrize(
    ("intent", "outcome"),
    [
        (WISH, Refused("-2010", "Account has insufficient balance for requested action.")),
        (WISH, Unknown("time-out")),
        (WISH, None),
        (replace(WISH, action=Action.ENTER), Refusal("RateLimited", "not sent")),
        (None, None),
    ],
)
def test_nothing_else_is_owed(intent, outcome):
    """What the venue refused, what may have been sent, what enters, and what a later decision has taken back."""
    made, owed = held_desk(ScriptedVenue()), Owed()
    owed.decided(BTC, WISH, Refusal("RateLimited", "not sent"))
    owed.decided(BTC, intent, outcome)
    assert not asyncio.run(owed.paid(made, BTC, D(100)))
    assert made.venue.sent == []


def test_what_was_sold_meanwhile_is_owed_no_more():
    """The stop may have been faster."""
    made, owed = desk(ScriptedVenue()), Owed()
    owed.decided(BTC, WISH, Refusal("RateLimited", "not sent"))
    assert not asyncio.run(owed.paid(made, BTC, D(100)))
    made.book = holding()
    assert not asyncio.run(owed.paid(made, BTC, D(100)))
    assert made.venue.sent == []


def test_orders_of_the_last_minute_are_those_of_the_ledger_and_then_our_own():
    """In the first minute of an epoch the ledger is asked, for who traded before counts too; afterwards nobody is."""
    made = desk(ScriptedVenue(), entry(), entry())
    asyncio.run(send.place(made, stop()))
    assert made.orders_since(START - MINUTE) == 3
    made.ledger.orders_since = None
    later(made, 30)
    asyncio.run(send.place(made, stop()))
    asyncio.run(send.place(made, Cancel(BTC, name(3))))
    later(made, 31.5)
    assert made.orders_since(made.clock.now() - MINUTE) == 1
    later(made, 30)
    assert made.orders_since(made.clock.now() - MINUTE) == 0


@pytest.mark.parametrize(("pace", "ahead"), [(1, 1.9), (60, 60.0)])
def test_a_fill_that_the_venue_dates_before_its_order_is_found(pace, ahead):
    """Our clock was ahead by what the venue lets pass, which at sixty times the pace is sixty times as much."""
    made = desk(ScriptedVenue(), entry())
    made.clock.scaled = lambda duration: duration * pace
    made.venue.reports[name(1)] = report(name(1), OrderStatus.FILLED, "1", side=Side.BUY)
    made.venue.trades.append(fill(1, at=START - timedelta(seconds=ahead)))
    assert settle_once(made)
    assert made.book.positions[BTC].quantity == D(1)


def test_not_found_is_not_final_before_life_skew_and_visibility_have_passed():
    """2 s to live, 1 s of skew, 3 s until the venue shows it: at 6 s still unknown, after 6 s absent."""
    made = desk(ScriptedVenue(), entry())
    assert not settle_once(made)
    later(made, 6)
    assert not settle_once(made)
    assert status(made, 1) is OrderStatus.INTENDED
    later(made, 0.001)
    assert settle_once(made)
    assert status(made, 1) is OrderStatus.ABSENT


def test_a_found_order_is_settled_with_its_fills():
    """Its report moves it, its trades move the position."""
    venue = ScriptedVenue(
        reports={name(1): report(name(1), OrderStatus.FILLED, "1", side=Side.BUY)}, trades=[fill(1, bar=None)]
    )
    made = desk(venue, entry())
    assert settle_once(made)
    assert status(made, 1) is OrderStatus.FILLED
    assert made.book.positions[BTC].quantity == D(1)
    assert made.ledger.fills()[0].bar == START


def test_what_an_unknown_order_was_to_replace_is_asked_for_too():
    """Nobody knows whether the old stop was cancelled until the venue says so."""
    venue = ScriptedVenue(
        reports={name(1): report(name(1), OrderStatus.CANCELLED), name(2): report(name(2), OrderStatus.FILLED)}
    )
    made = desk(venue, stop(), leaving(replaces=name(1)))
    settle_once(made)
    assert (status(made, 1), status(made, 2)) == (OrderStatus.CANCELLED, OrderStatus.FILLED)


def test_asking_backs_off():
    """Twice in the same instant asks once; the waits double up to a limit."""
    made = desk(ScriptedVenue(), entry())
    for _ in range(2):
        asyncio.run(settle.settle_due(made))
    assert made.venue.asked == [name(1), name(1)]  # the order itself, and once more among the live ones
    delays = []
    for _ in range(9):
        later(made, 20)
        asyncio.run(settle.settle_due(made)) if made.ledger.unsettled() else None
        delays.append(made.retries[name(1)][1])
    assert max(delays) <= 15.0


@pytest.mark.parametrize(
    ("target", "passed", "ends"),
    [
        (OrderStatus.CANCELLED, 0, OrderStatus.CANCELLED),
        (OrderStatus.FILLED, 0, OrderStatus.CANCELLED),
        (OrderStatus.OPEN, 0, OrderStatus.INTENDED),
        (OrderStatus.OPEN, 7, OrderStatus.ABSENT),
        (None, 7, OrderStatus.ABSENT),
    ],
)
def test_a_cancel_ends_with_its_target(target, passed, ends):
    """Cancelled or gone: done. Still open: only time tells that the cancel was lost."""
    known = report(name(1), target) if target else None
    made = desk(ScriptedVenue(reports={name(1): known}), stop(), Cancel(BTC, name(1)))
    made.ledger.settle(made.lease, name(1), OrderStatus.OPEN, report(name(1)), "")
    made.book.put(made.ledger.records[name(1)])
    later(made, passed)
    settle_once(made)
    assert status(made, 2) is ends
    assert status(made, 1) is (target or OrderStatus.CANCELLED)


def test_a_cancel_of_an_order_that_is_settled_already_moves_nothing_else():
    """The book has let the target go."""
    made = desk(ScriptedVenue(reports={name(7): report(name(7), OrderStatus.CANCELLED)}), Cancel(BTC, name(7)))
    assert settle_once(made)


@pytest.mark.parametrize(
    ("request_", "before", "passed", "ends"),
    [
        (stop(), OrderStatus.OPEN, 7, OrderStatus.CANCELLED),
        # Asked too early, the venue may only not show it yet.
        (stop(), OrderStatus.OPEN, 1, OrderStatus.OPEN),
        # What was never taken on is settled by its own rule, and an order of another kind is never forgotten.
        (stop(), OrderStatus.UNKNOWN, 7, OrderStatus.UNKNOWN),
        (entry(), OrderStatus.OPEN, 7, OrderStatus.OPEN),
    ],
)
def test_a_stop_the_venue_took_on_and_no_longer_knows_covers_nothing(request_, before, passed, ends):
    """It has ended, so that the position is covered anew; a moment earlier nobody could say so."""
    made = desk(ScriptedVenue(), request_)
    record.settled(made, name(1), before, report(name(1)) if before is OrderStatus.OPEN else None)
    later(made, passed)
    asyncio.run(settle.follow(made, BTC))
    assert status(made, 1) is ends


def test_following_asks_for_trades_only_when_some_are_missing():
    """A resting stop costs one question."""
    venue = ScriptedVenue(open=[report(name(1))], trades=[fill(1, side=Side.SELL)])
    made = desk(venue, stop())
    asyncio.run(settle.follow(made, BTC))
    assert (status(made, 1), made.ledger.fills(), venue.asked) == (OrderStatus.OPEN, (), [])
    venue.open = [report(name(1), OrderStatus.PARTIAL, "1")]
    asyncio.run(settle.follow(made, BTC))
    assert len(made.ledger.fills()) == 1


def test_only_a_resting_stop_is_not_waited_for():
    """Everything else that lives is expected to move."""
    venue = ScriptedVenue()
    assert settle.waits(desk(venue), BTC) is False
    resting = desk(venue, stop())
    assert settle.waits(resting, BTC) is True
    record.settled(resting, name(1), OrderStatus.OPEN, report(name(1)))
    assert settle.waits(resting, BTC) is False


def test_foreign_trades_and_events_are_not_ours():
    """A person's order on the account, and another ledger's, move nothing."""
    made = desk(ScriptedVenue(), entry())
    theirs = (fill(1, client_id="web_1"), fill(1, client_id=name(1, "zzzzzz"), trade="2"))
    assert record.keep_fills(made, theirs) == ()
    record.take_event(made, report("web_1", OrderStatus.FILLED))
    assert made.book.positions[BTC].quantity == ZERO


def test_events_twice_or_out_of_order_count_once():
    """Fills are unique by their trade id, and an order never moves back."""
    made = desk(ScriptedVenue(), entry())
    done = report(name(1), OrderStatus.FILLED, "1", side=Side.BUY)
    for event in (fill(1), done, fill(1), report(name(1)), done):
        record.take_event(made, event)
    assert status(made, 1) is OrderStatus.FILLED
    assert made.book.positions[BTC].quantity == D(1)


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        (Accepted(report(name(1), OrderStatus.FILLED, "1")), OrderStatus.FILLED),
        (Refused("-2010", "no"), OrderStatus.REFUSED),
        (Unknown("time-out"), OrderStatus.UNKNOWN),
    ],
)
def test_each_of_the_three_outcomes_is_recorded(outcome, ends):
    """Accepted, refused, unknown."""
    made = desk(ScriptedVenue([outcome]))
    assert asyncio.run(send.place(made, entry())) == outcome
    assert status(made, 1) is ends


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_refused_replacement_says_what_became_of_the_old_order(cancelled):
    """Cancelled first, the old stop is gone; otherwise it stands."""
    made = desk(ScriptedVenue([accepted(VenueWrite(name(1), 1, 1, stop(), START, START))]))
    asyncio.run(send.place(made, stop()))
    made.venue.outcomes = [Refused("-2010", "no", cancelled_first=cancelled)]
    asyncio.run(send.place(made, leaving(replaces=name(1))))
    assert status(made, 1) is (OrderStatus.CANCELLED if cancelled else OrderStatus.OPEN)


def decision(**changes: object) -> Decision:
    wish = Intent(BTC, "sma_cross", START, Action.ENTER, D(100), START, "because")
    return replace(Decision("sma_cross", BTC, START, wish), **changes)


@pytest.mark.parametrize(("age", "sent"), [(5, 1), (5.001, 0)])
def test_a_stale_entry_is_decided_and_not_sent(age, sent):
    """Five seconds after its datum is the limit; the cursor advances either way."""
    made = desk(ScriptedVenue())
    later(made, age)
    outcome = asyncio.run(send.decide(made, decision(), replace(entry(), seen_at=START)))
    assert len(made.venue.sent) == sent
    assert made.ledger.decided_through("sma_cross", BTC) == START
    if not sent:
        assert outcome == Refusal("Stale", "the data behind the entry is 5.001 s old")


def test_exits_have_no_age():
    """They are priced anew, not dropped."""
    made = desk(ScriptedVenue())
    later(made, 3600)
    asyncio.run(send.decide(made, decision(), leaving()))
    assert len(made.venue.sent) == 1


def test_a_bar_is_sent_for_once():
    """The ledger's cursor is the last word."""
    made = desk(ScriptedVenue())
    for _ in range(2):
        asyncio.run(send.decide(made, decision(), leaving()))
    assert len(made.venue.sent) == 1


def covered_desk(outcomes: list[Outcome], position: str = "1") -> Desk:
    made = desk(ScriptedVenue(outcomes))
    made.book.load([kept(entry(position), 900, OrderStatus.FILLED, position)], [fill(900, position, trade="900")])
    return made


def test_a_refused_stop_is_tried_twice_and_then_given_up():
    """The caller then leaves the position."""
    made = covered_desk([Refused("-2010", "Stop price would trigger immediately.")] * 2)
    assert asyncio.run(stops.cover(made, BTC)) is False
    assert len(made.venue.sent) == 2


def test_a_stop_refused_once_stands_at_the_second_try():
    """One refusal is no reason to sell."""
    made = covered_desk([Refused("-1", "no")])
    assert asyncio.run(stops.cover(made, BTC)) is True
    assert len(made.venue.sent) == 2


def test_an_unknown_stop_is_waited_for():
    """A second one might sell twice."""
    made = covered_desk([Unknown("time-out")])
    assert asyncio.run(stops.cover(made, BTC)) is True
    assert len(made.venue.sent) == 1
    assert asyncio.run(stops.cover(made, BTC)) is True
    assert len(made.venue.sent) == 1


def test_a_refused_exit_puts_the_stop_back_before_anything_else():
    """The cancelReplace had cancelled the stop; the next write is a stop."""
    made = covered_desk([])
    asyncio.run(stops.cover(made, BTC))
    made.venue.outcomes = [Refused("-2010", "no", cancelled_first=True)]
    asyncio.run(exits.leave(made, BTC, D(100), "because"))
    assert [w.request.purpose for w in made.venue.sent] == [Purpose.STOP, Purpose.EXIT, Purpose.STOP]
    assert made.venue.sent[-1].request.replaces is None


def test_leaving_what_is_not_there_sends_nothing():
    """The refusal is handed back."""
    made = desk(ScriptedVenue())
    assert asyncio.run(exits.leave(made, BTC, D(100), "x")).reason == "NothingToSell"
    assert made.venue.sent == []


def test_entries_that_work_are_taken_back():
    """And their fills are asked for afterwards; unknown ones wait for their settlement."""
    made = desk(ScriptedVenue(), entry(), entry())
    record.settled(made, name(1), OrderStatus.OPEN, report(name(1)))
    asyncio.run(exits.drop_entries(made, BTC, "halted"))
    assert [w.request for w in made.venue.sent] == [Cancel(BTC, name(1), "halted")]
    assert status(made, 1) is OrderStatus.CANCELLED


def test_flat_means_that_the_venue_lists_nothing_of_ours():
    """Dust, no order open: verified; a venue that cannot be asked leaves it unverified."""
    made = desk(ScriptedVenue())
    assert asyncio.run(exits.flatten(made, BTC, D(100))) is True
    made.venue.away = True
    assert asyncio.run(exits.flatten(made, BTC, D(100))) is False


def test_flatten_replaces_the_stop_by_the_exit():
    """One step, and it is not flat until the fill is known."""
    made = covered_desk([])
    asyncio.run(stops.cover(made, BTC))
    assert asyncio.run(exits.flatten(made, BTC, D(100))) is False
    assert made.venue.sent[-1].request.purpose is Purpose.EXIT
    assert made.venue.sent[-1].request.replaces == made.venue.sent[0].client_id


def test_flatten_waits_for_what_is_unknown():
    """Nothing is sold on a guess."""
    made = desk(ScriptedVenue(), entry())
    assert asyncio.run(exits.flatten(made, BTC, D(100))) is False
    assert made.venue.sent == []


def test_flatten_takes_a_left_over_stop_back():
    """Flat is: no order of this ledger."""
    made = desk(ScriptedVenue(), stop())
    record.settled(made, name(1), OrderStatus.OPEN, report(name(1)))
    made.venue.open = [report(name(1))]
    asyncio.run(exits.flatten(made, BTC, D(100)))
    assert [w.request for w in made.venue.sent] == [Cancel(BTC, name(1), "flat")]


def halt(halt_id: str = "h1", kind: HaltKind = HaltKind.HALT) -> Halt:
    return Halt(halt_id, kind, "http", "because", START)


def test_a_halt_rules_at_once_and_is_latched():
    """In memory, then in the ledger."""
    ledger = MemoryLedger()
    halts = Halts(ledger)
    halts.add(halt())
    assert halts.ruling is HaltKind.HALT
    assert ledger.halts() == (halt(),)


def test_a_halt_rules_while_the_ledger_is_away_and_is_latched_later():
    """Failing to latch never delays it."""
    ledger = MemoryLedger(away=True)
    halts = Halts(ledger)
    halts.add(halt())
    assert halts.ruling is HaltKind.HALT
    ledger.away = False
    halts.refresh()
    assert ledger.halts() == (halt(),)


def test_what_pods_were_told_is_numbered_by_how_often_it_was_resumed():
    """Two processes name one halt; the same words after a resume are the next one, also when the ledger was away."""
    ledger = MemoryLedger()
    blue, green = Halts(ledger), Halts(ledger)
    assert [each.add(halt("pod-1a2b")).id for each in (blue, green)] == ["pod-1a2b-1", "pod-1a2b-1"]
    assert blue.resume("pod-1a2b-1", "fine", START) is True
    ledger.away = True
    assert green.add(halt("pod-1a2b")).id == "pod-1a2b"
    ledger.away = False
    green.latch()
    assert "pod-1a2b-2" in green.standing
    assert "pod-1a2b" not in green.standing


def test_a_halt_of_another_process_rules_after_a_look():
    """The ledger's latches are everybody's."""
    ledger = MemoryLedger()
    halts = Halts(ledger)
    ledger.latch(halt(kind=HaltKind.REDUCE))
    halts.refresh()
    assert halts.ruling is HaltKind.REDUCE


def test_a_resume_clears_that_halt_and_no_other():
    """By its id; an unknown one is told apart."""
    halts = Halts(MemoryLedger())
    halts.add(halt("h1"))
    halts.add(halt("h2"))
    assert halts.resume("h1", "fine", START) is True
    assert list(halts.standing) == ["h2"]
    assert halts.resume("h1", "fine", START) is False


def test_a_resume_without_the_ledger_is_no_resume():
    """Nobody may trade on the word of a process alone."""
    ledger = MemoryLedger()
    halts = Halts(ledger)
    halts.add(halt())
    ledger.away = True
    with pytest.raises(LedgerUnavailable):
        halts.resume("h1", "fine", START)
    assert halts.ruling is HaltKind.HALT


def test_equity_marks_survive_a_restart():
    """The day's start and the peak come from the ledger, across epochs."""
    made = desk(ScriptedVenue())
    money = Money(D(10000), D(10000), D(10000))
    for at, equity in ((0, 10000), (1, 10500), (2, 10200), (3, 10200)):
        money.measure(START + at * MINUTE, START, D(equity))
        money.keep(made)
    assert [equity for _, equity in made.ledger.equities] == [D(10000), D(10500), D(10200)]
    again = Money(D(10000), D(10000), D(10000))
    again.load(made.ledger, START)
    assert (again.day_equity, again.peak) == (D(10000), D(10500))


def test_a_new_trading_day_begins_with_its_first_equity():
    """The peak goes on, the day's mark does not."""
    made = desk(ScriptedVenue())
    money = Money(D(10000), D(10000), D(10000))
    money.measure(START, START, D(10500))
    money.keep(made)
    money.measure(START + timedelta(days=1), START + timedelta(days=1), D(10500))
    money.keep(made)
    assert (money.day_equity, money.peak, len(made.ledger.equities)) == (D(10500), D(10500), 2)


def test_a_position_is_shown_with_what_covers_it():
    """Mark, unrealised result, stop and its size."""
    (shown,) = picture.held_positions(holding(kept(stop(), 2)), {BTC: D(110)})
    assert (shown.mark, shown.unrealised, shown.stop_price, shown.covered) == (D(110), D(10), D("98.00"), D(1))
    (bare,) = picture.held_positions(holding(), {})
    assert (bare.mark, bare.stop_price, bare.covered) == (D(100), None, ZERO)


def test_one_function_reaches_the_venues_writes():
    """Everything else goes through it, so nothing is sent that the ledger does not have."""
    calls = {
        (file.relative_to(SOURCE).as_posix(), ast.unparse(node.func))
        for file in sorted(SOURCE.rglob("*.py"))
        if "send" in (source := file.read_text())  # what does not name it does not call it; parsing is slow
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send"
    }
    assert {call for call in calls if "venue" in call[1]} == {("execution/send.py", "desk.venue.send")}
