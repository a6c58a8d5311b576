"""What a person wishes when ledger and account do not agree: adopted, sold, or marked closed; each of it once."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from exchange import Calls, Crash, Watched
from trading import BTC, START, MemoryLedger, instrument
from tradingbot.domain.clientid import parse_client_id
from tradingbot.domain.errors import VenueUnavailable
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
    Purpose,
    Refused,
    Side,
    Unknown,
    VenueWrite,
)
from tradingbot.domain.reconciliation import Action, Difference, Money, Orders, Reconciled, Wish
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.errands import ENDED, LEAVING, NOT_HERE, Errands
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.reconciling import MOVED, SHARED, UNSETTLED, Prices, examined, reconcile
from tradingbot.execution.stops import cover
from tradingbot.venues.replay import ReplayClock

D = Decimal
PRICES = Prices({BTC: D(100)}, D("0.02"))
THEIRS = "tzzz999000100000a1"


@dataclass
class Vault:
    """A fake venue with one coin: sells reduce it, stops lock it, and what is too much is refused."""

    coins: Decimal
    stops: dict[str, OrderReport] = field(default_factory=dict)
    others: list[OrderReport] = field(default_factory=list)
    trades: list[Fill] = field(default_factory=list)
    sent: list[VenueWrite] = field(default_factory=list)
    known: dict[str, OrderReport] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    request_life: timedelta = timedelta(seconds=2)
    visibility: timedelta = timedelta(seconds=3)

    @property
    def locked(self) -> Decimal:
        return sum((each.quantity for each in self.stops.values()), D(0))

    async def room(self, _: object) -> str:
        return ""

    async def send(self, write: VenueWrite) -> Outcome:
        self.sent.append(write)
        if self.outcomes:
            return self.outcomes.pop(0)
        request = write.request
        if isinstance(request, Cancel):
            gone = replace(self.stops.pop(request.client_id), status=OrderStatus.CANCELLED)
            self.known[request.client_id] = gone
            return Accepted(gone)
        if request.replaces:
            self.known[request.replaces] = replace(self.stops.pop(request.replaces), status=OrderStatus.CANCELLED)
        if request.quantity > self.coins - self.locked:
            return Refused("-2010", "Account has insufficient balance for requested action.")
        if request.type is OrderType.STOP:
            self.stops[write.client_id] = report(write, OrderStatus.OPEN, D(0))
            return Accepted(self.stops[write.client_id])
        self.coins -= request.quantity
        number = str(len(self.trades) + 10)
        made = Fill(BTC, number, write.client_id, number, Side.SELL, request.quantity, D(100), D(0), "USDT", START)
        self.trades.append(made)
        self.known[write.client_id] = report(write, OrderStatus.FILLED, request.quantity)
        return Accepted(self.known[write.client_id], (made,))

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        return self.stops.get(client_id) or self.known.get(client_id)

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        return (*self.stops.values(), *self.others)

    async def fills(self, symbol: str, since: object) -> tuple[Fill, ...]:
        return tuple(self.trades)

    async def balances(self) -> dict[str, Decimal]:
        return {"BTC": self.coins, "USDT": D(10000)}

    def book(self) -> None:
        return None


class Whole(MemoryLedger):
    """A ledger whose transactions are whole or never were, as the real one's."""

    @contextmanager
    def one_write(self) -> Iterator[None]:
        before = dict(self.records), dict(self.trades), self.sequence
        try:
            yield
        except BaseException:
            self.records, self.trades, self.sequence = before
            raise


def report(write: VenueWrite, status: OrderStatus, filled: Decimal) -> OrderReport:
    asked = write.request
    assert isinstance(asked, Order)
    about = (asked.side, asked.type, asked.quantity, filled, asked.price, asked.stop_price, START)
    return OrderReport(BTC, write.client_id, "7", status, *about)


def desk(
    there: str, held: str = "0", venue: object = None, ledger: MemoryLedger | None = None, **changes: object
) -> Desk:
    """A trader whose ledger says *held*, on an account with as much as is *there*."""
    ledger = ledger or MemoryLedger()
    lease = ledger.claim(Instance("blue", "pod", f"start-{ledger.sequence}", "r"), START)
    book = Book({BTC: instrument()}, D(10000))
    clock = ReplayClock(START)
    made = Desk(
        venue or Vault(D(there)), ledger, lease, clock, NoMetrics(), book, *[timedelta(seconds=5)] * 2, **changes
    )
    if D(held):
        request = Order(BTC, Side.BUY, OrderType.MARKET, Purpose.ENTRY, D(held), stop_price=D("95"))
        write = ledger.intend(lease, request, START, START)
        record = ledger.settle(
            lease, write.client_id, OrderStatus.FILLED, report(write, OrderStatus.FILLED, D(held)), ""
        )
        book.put(record)
        bought = Fill(BTC, "1", write.client_id, "1", Side.BUY, D(held), D(100), D(0), "USDT", START, bar=START)
        ledger.record_fills(lease, (bought,))
        book.apply(bought)
    return made


def wish(action: Action, **changes: object) -> Wish:
    return replace(Wish(action, "w1", "found by hand"), **changes)


def asked(made: Desk, action: Action, prices: Prices = PRICES, **changes: object) -> Reconciled:
    return asyncio.run(reconcile(made, wish(action, **changes), prices))


def position(made: Desk) -> Decimal:
    """By the book and by the ledger's fills, which must be one."""
    held = made.ledger.position(instrument()).quantity
    assert made.book.positions[BTC].quantity == held
    return held


def covered(made: Desk) -> Decimal:
    return made.venue.locked


def test_showing_names_what_differs_and_changes_nothing():
    """Unexpected, missing, or nothing to say; dust is no difference."""
    for there, held, said in (("1.5", "1", "unexpected: 0.5"), ("0.25", "1", "missing: 0.75"), ("1.00000001", "1", "")):
        made = desk(there, held)
        assert asked(made, Action.SHOW).differences == (Difference(BTC, D(held), D(there), said),)
        assert made.venue.sent == []


def test_showing_names_orders_that_only_one_of_both_knows_and_the_money():
    """A person's order, and a stop that the venue does not list; on a shared account others' orders are no news."""
    made = desk("1", "1")
    asyncio.run(cover(made, BTC))
    (stop,) = made.venue.stops
    seen = asked(made, Action.SHOW)
    assert seen.orders == Orders()
    assert seen.money == Money("USDT", D(9900), D(10000))
    gone = made.venue.stops.pop(stop)
    made.venue.known[stop] = gone
    made.venue.others = [replace(gone, client_id="web_7"), replace(gone, client_id=THEIRS)]
    assert asked(made, Action.SHOW).orders == Orders(unknown=(THEIRS, "web_7"), missing=(stop,))
    alone = desk("1", "1", made.venue, shared=True)
    assert asked(alone, Action.SHOW).orders == Orders(unknown=("web_7",))


def test_one_market_is_marked_closed_at_the_price_of_a_person():
    """The reason of the trade is theirs, word for word; a market that is not traded is refused."""
    made = desk("0", "1")
    answer = asked(made, Action.MARK_CLOSED, symbol=BTC, price=D(250))
    assert answer.differences[0].done == "marked closed: 1"
    request = made.ledger.orders()[0].write.request
    assert (request.price, request.reason) == (D(250), "found by hand")
    refused = asked(made, Action.MARK_CLOSED, symbol="ETH/USDT", price=D(1))
    assert (refused.refused, refused.again) == ('symbol "ETH/USDT" is not traded here: write one of BTC/USDT', False)


def test_adopted_coins_are_a_position_with_its_stop():
    """A row in the ledger says who wished it and why; the stop is what an entry at this price would have."""
    made = desk("1.234567")
    answer = asked(made, Action.ADOPT)
    assert answer.differences[0].done == "adopted 1.23456"
    assert position(made) == covered(made) == D("1.23456")
    row = made.ledger.orders()[-1]
    assert (row.write.request.reason, row.status) == ("adopt w1: found by hand", OrderStatus.FILLED)
    assert row.write.request.stop_price == D("98.00")
    assert parse_client_id(row.write.client_id).ledger_id == made.ledger.ledger_id
    assert asked(made, Action.ADOPT).differences[0].done == ""


def test_an_adopted_row_does_not_shorten_the_wait_for_a_takeover():
    """The guard is the life of the newest intent: orders sent just before may still be on their way."""
    made = desk("1.5")
    asked(made, Action.ADOPT)
    adopted = next(each.write for each in made.ledger.orders() if each.write.request.side is Side.BUY)
    assert adopted.expires_at - adopted.timestamp == timedelta(seconds=2)


def test_adopting_beside_a_position_keeps_its_stop_price():
    """One stop covers both."""
    made = desk("1.5", "1")
    asked(made, Action.ADOPT)
    assert (position(made), covered(made)) == (D("1.5"), D("1.5"))
    assert made.book.stop_prices[BTC] == D(95)


def test_what_was_adopted_is_no_surprise_afterwards():
    """Neither the coins nor the money they are booked at halt a bot as foreign activity."""
    made = desk("1.5", "1")
    for _ in range(3):
        made.outside.counted(made.book, asyncio.run(made.venue.balances()), START)
    asked(made, Action.ADOPT)
    for _ in range(3):
        made.outside.counted(made.book, asyncio.run(made.venue.balances()), START)
    assert made.outside.news() == ()


def test_closing_sells_the_unexpected_and_only_that():
    """The bot's own position and its stop stay."""
    made = desk("1.5", "1")
    asyncio.run(cover(made, BTC))
    assert covered(made) == 1
    assert asked(made, Action.CLOSE).differences[0].done == "sold 0.5"
    assert (made.venue.coins, position(made), covered(made)) == (D(1), D(1), D(1))


def test_closing_leaves_what_is_too_little_to_sell():
    """Dust is not touched."""
    made = desk("0.000001")
    assert asked(made, Action.CLOSE) == Reconciled((Difference(BTC, D(0), D("0.000001")),))
    assert made.venue.sent == []


def test_coins_that_an_order_of_others_sells_are_left_to_it():
    """They cannot be sold twice."""
    made = desk("1")
    made.venue.others = [
        OrderReport(BTC, THEIRS, "8", OrderStatus.OPEN, Side.SELL, OrderType.LIMIT, D("0.4"), D(0), None, None, START)
    ]
    assert asked(made, Action.SHOW).differences[0].done == "unexpected: 0.6"


def test_sale_that_is_refused_leaves_a_covered_position():
    """The answer says so; the same wish sells it later, and makes room below the stop first."""
    made = desk("1.5", "1")
    made.venue.outcomes = [Refused("-1", "not now")] * 10
    answer = asked(made, Action.CLOSE)
    assert answer.refused == "BTC/USDT: not done, ask again"
    assert answer.differences[0].done == "not sold: 0.5, which is a position with its stop now"
    assert position(made) == D("1.5")
    asyncio.run(cover(made, BTC))
    assert covered(made) == D("1.5")
    assert asked(made, Action.CLOSE).differences[0].done == "sold 0.5"
    assert (made.venue.coins, position(made), covered(made)) == (D(1), D(1), D(1))


def test_sale_of_a_whole_position_takes_the_place_of_its_stop():
    """Nothing of the bot's own is left to cover."""
    made = desk("0.5")
    made.venue.outcomes = [Refused("-1", "not now")] * 10
    asked(made, Action.CLOSE)
    asyncio.run(cover(made, BTC))
    assert asked(made, Action.CLOSE).differences[0].done == "sold 0.5"
    assert (made.venue.coins, position(made), covered(made)) == (D(0), D(0), D(0))


def test_shared_account_gives_nothing_away():
    """What is not in this ledger may be another bot's."""
    for action in (Action.ADOPT, Action.CLOSE):
        made = desk("1", shared=True)
        assert asked(made, action) == Reconciled(refused=SHARED, again=False)
        assert made.venue.sent == []
    assert asked(desk("1", shared=True), Action.SHOW).refused is None


def test_position_that_the_venue_still_shows_is_not_marked_closed():
    """Nothing is changed, and the answer has the list."""
    made = desk("1", "1")
    answer = asked(made, Action.MARK_CLOSED)
    assert answer.refused == "the venue still shows BTC/USDT: close it there first, or use --force"
    assert not answer.again
    assert answer.differences == (Difference(BTC, D(1), D(1), "the venue still shows it"),)
    assert position(made) == 1


def test_position_that_is_gone_is_marked_closed_at_the_last_price():
    """The sum of fills is zero, and the row says why."""
    made = desk("0", "1")
    made.book.missing[BTC] = D(1)
    answer = asked(made, Action.MARK_CLOSED)
    assert answer == Reconciled((Difference(BTC, D(1), D(0), "marked closed: 1"),))
    assert position(made) == 0
    assert made.book.missing[BTC] == 0
    assert made.ledger.orders()[0].write.request.reason == "mark-closed w1: found by hand"
    assert made.venue.sent == []
    assert asked(made, Action.MARK_CLOSED) == Reconciled()


def test_forced_mark_takes_the_stop_away_too():
    """An order of ours must not sell what is no longer ours."""
    made = desk("1", "1")
    asyncio.run(cover(made, BTC))
    assert asked(made, Action.MARK_CLOSED).refused
    assert asked(made, Action.MARK_CLOSED, force=True).refused is None
    assert (position(made), covered(made)) == (D(0), D(0))


def test_nothing_is_done_while_anything_is_unknown():
    """An order without an outcome, a market without a price, an account that moves."""
    made = desk("1", "1")
    made.venue.outcomes = [Unknown("time-out")]
    asyncio.run(cover(made, BTC))
    assert asked(made, Action.MARK_CLOSED, force=True) == Reconciled(refused=UNSETTLED)
    assert asked(desk("1"), Action.ADOPT, Prices({}, D("0.02"))).refused.startswith("BTC/USDT has no price yet")
    made = desk("1", "1")
    asyncio.run(cover(made, BTC))
    stop = next(iter(made.venue.stops))

    async def filling() -> dict[str, Decimal]:
        made.venue.trades.append(Fill(BTC, "77", stop, "77", Side.SELL, D("0.5"), D(95), D(0), "USDT", START))
        return {"BTC": D("0.5")}

    made.venue.balances = filling
    assert asked(made, Action.ADOPT) == Reconciled(refused=MOVED)
    unsettled = desk("1")
    cancel = Cancel(BTC, "x")
    unsettled.ledger.intend(unsettled.lease, cancel, START, START)
    assert asked(unsettled, Action.ADOPT) == Reconciled(refused=UNSETTLED)


def test_coin_of_two_markets_is_adopted_once():
    """It belongs to the first of them; a coin that is the money of another market is nobody's."""
    made = desk("1")
    euro, cross = "BTC/EUR", "ETH/BTC"
    made.book = Book({BTC: instrument(), euro: instrument(euro, base="BTC", quote="EUR")}, D(10000))
    prices = Prices({BTC: D(100), euro: D(90), cross: D(1)}, D("0.02"))
    assert [each.done for each in asked(made, Action.SHOW, prices).differences] == ["unexpected: 1", ""]
    made.book = Book({BTC: instrument(), cross: instrument(cross, base="ETH", quote="BTC")}, D(10000))
    assert [each.done for each in asked(made, Action.SHOW, prices).differences] == ["", ""]


@pytest.mark.parametrize("action", [Action.ADOPT, Action.CLOSE, Action.MARK_CLOSED])
def test_process_may_die_at_any_call_and_the_same_wish_ends_it(action):
    """Whatever the last process had done: position, coins and stop are those of a wish that nobody disturbed."""
    there, held = ("0", "1") if action is Action.MARK_CLOSED else ("1.5", "1")
    expected = {Action.ADOPT: ("1.5", "1.5", "1.5"), Action.CLOSE: ("1", "1", "1"), Action.MARK_CLOSED: ("0", "0", "0")}
    tried = 0
    for at in range(60):
        for after in (False, True):
            calls = Calls(at, after)
            vault, ledger = Vault(D(there)), Whole()
            made = desk(there, held, vault, ledger)
            if there != "0":
                asyncio.run(cover(made, BTC))
            made.venue = Watched(vault, calls, ("send", "order", "open_orders", "fills"))
            made.ledger = Watched(ledger, calls, ("intend", "settle", "record_fills"))
            try:
                asked(made, action)
                died = False
            except Crash:
                died = True
            tried += died
            again = restarted(vault, ledger)
            answer = asked(again, action)
            assert answer.refused is None, (at, after, answer)
            state = tuple(str(each.normalize()) for each in (vault.coins, position(again), covered(again)))
            assert state == expected[action], (at, after)
        if not died:
            break
    assert tried >= 12


def restarted(vault: Vault, ledger: MemoryLedger) -> Desk:
    """The next process: its book is the ledger's, what is unknown is settled by the venue, what is held is covered."""
    made = desk("0", venue=vault, ledger=ledger)
    for record in ledger.unsettled():
        seen = asyncio.run(vault.order(BTC, record.write.client_id))
        status = seen.status if seen else OrderStatus.ABSENT
        ledger.settle(made.lease, record.write.client_id, status, seen, "")
    ledger.record_fills(made.lease, vault.trades)
    made.book.load(reversed(ledger.orders()), ledger.fills())
    asyncio.run(cover(made, BTC))
    return made


def test_wish_that_is_asked_again_has_one_answer():
    """While it waits and after it was granted; a refused one is tried anew, and one without a name always."""

    async def story() -> list[str]:
        errands, made = Errands(), desk("1.5", "1")
        errands.open()
        close = wish(Action.CLOSE)
        first, again = errands.asked(close), errands.asked(close)
        await errands.run(made, PRICES, leaving=True)
        third = errands.asked(close)
        await errands.run(made, PRICES, leaving=False)
        fourth = errands.asked(close)
        nameless = errands.asked(wish(Action.CLOSE, name=""))
        await errands.run(made, PRICES, leaving=False)
        for number in range(100):
            errands.asked(wish(Action.SHOW, name=f"n{number}"))
        forgotten = errands.asked(close)
        await errands.run(made, PRICES, leaving=False)
        assert first is again
        assert third is fourth
        assert forgotten is not third
        return [
            str(first.result().refused),
            *(each.result().differences[0].done for each in (third, nameless, forgotten)),
        ]

    assert asyncio.run(story()) == [LEAVING, "sold 0.5", "", ""]


def test_errand_waits_for_its_turn_and_is_always_answered():
    """Done by the trader, or refused: by who does not trade, who leaves, whose venue is away, and who has ended."""

    async def story() -> list[str | None]:
        errands, made, told = Errands(), desk("1.5", "1"), []
        show = wish(Action.SHOW, name="")
        told.append((await errands.asked(show)).refused)
        errands.open()
        waiting = errands.asked(show)
        await errands.run(made, PRICES, leaving=False)
        told.append((await waiting).differences[0].done)
        waiting = errands.asked(show)
        await errands.run(made, PRICES, leaving=True)
        told.append((await waiting).refused)

        async def away() -> None:
            raise VenueUnavailable("maintenance")

        made.venue.balances = away
        waiting = errands.asked(show)
        await errands.run(made, PRICES, leaving=False)
        told.append((await waiting).refused)
        waiting = errands.asked(wish(Action.SHOW, name="w9"))
        errands.close()
        told.append((await waiting).refused)
        return told

    away = "the venue does not answer (maintenance): ask again"
    assert asyncio.run(story()) == [NOT_HERE, "unexpected: 0.5", LEAVING, away, ENDED]


def test_at_an_interval_what_differs_is_told_and_nothing_is_changed():
    """Nothing is sent or written, and a surprise stays one: only a person's wish takes it for known."""
    at, told = desk("0.7", "0.5"), []
    at.outside.counts_anew = lambda: told.append("counted anew")
    before = dict(at.ledger.records)
    done = asyncio.run(examined(at, PRICES))
    assert done.differences == (Difference(BTC, D("0.5"), D("0.7"), "unexpected: 0.2"),)
    assert done.refused is None
    assert (at.venue.sent, at.ledger.records, told) == ([], before, [])
    assert asyncio.run(examined(desk("0.3", "0.5"), PRICES)).differences[0].done == "missing: 0.2"
    assert asyncio.run(examined(desk("0.5", "0.5"), PRICES)).differences[0].done == ""


def test_what_is_not_clear_is_not_compared():
    """An order without an outcome, a market without a price, an account that moves: nothing is said of it."""
    at = desk("0.5", "0.5")
    at.ledger.intend(at.lease, Order(BTC, Side.SELL, OrderType.MARKET, Purpose.EXIT, D("0.1")), START, START)
    assert asyncio.run(examined(at, PRICES)).refused == UNSETTLED
    assert asyncio.run(examined(desk("0.5", "0.5"), Prices({}, D("0.02")))).refused is not None


def test_what_a_person_wished_is_told_to_the_audit_log_with_the_order_that_stands_for_it():
    """Each stand-in is an entry: which order, how much, at what price, and why."""
    ledger = MemoryLedger()
    asyncio.run(reconcile(desk("0.5", ledger=ledger), Wish(Action.ADOPT, "w1", "bought by hand"), PRICES))
    (told,) = ledger.told
    name = next(record.write.client_id for record in ledger.records.values())
    assert (told.type, told.actor, told.subject) == ("RECONCILED", "person", BTC)
    assert json.loads(told.details) == {
        "client_id": name,
        "side": "buy",
        "quantity": "0.5",
        "price": "100",
        "reason": "adopt w1: bought by hand",
    }


def test_trades_of_strangers_are_listed_and_our_own_are_not() -> None:
    """Each by itself with what it was; neither the ledger nor the account is touched, also where both differ."""
    vault = Vault(D("0.5"))
    made = desk("0.5", held="0.7", venue=vault)
    ours = next(iter(made.ledger.records))
    about = (D("0.1"), D(101), D(0), "USDT", START)
    vault.trades = [
        Fill(BTC, "7", "web_1", "70", Side.SELL, *about),
        Fill(BTC, "8", ours, "71", Side.BUY, *about),
        Fill(BTC, "9", "web_2", "72", Side.BUY, *about),
    ]
    told = asked(made, Action.UNAUTHORIZED)
    assert told == Reconciled(
        (
            Difference(BTC, D(0), D("-0.1"), "sell 0.1 at 101, trade 7, 2022-12-13T00:00:00+00:00"),
            Difference(BTC, D(0), D("0.1"), "buy 0.1 at 101, trade 9, 2022-12-13T00:00:00+00:00"),
        )
    )
    assert (vault.sent, position(made)) == ([], D("0.7"))


def test_an_account_of_our_trades_alone_lists_none() -> None:
    """Of the time that was asked for, and not of more."""
    vault = Vault(D("0.5"))
    since: list[object] = []

    async def fills(symbol: str, moment: object) -> tuple[Fill, ...]:
        since.append(moment)
        return ()

    vault.fills = fills
    assert asked(desk("0.5", venue=vault), Action.UNAUTHORIZED, since=timedelta(hours=2)) == Reconciled()
    assert since == [START - timedelta(hours=2)]
