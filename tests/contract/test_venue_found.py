"""One suite for every venue: orders are found by our id in each state, and taken back by it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from stubs.book import Book, Seen
from tradingbot.domain.order import Accepted, Cancel, OrderStatus, OrderType, Refused, Side
from venuerig import STUBS, VENUES, D, Rig, at, unsigned


@pytest.mark.parametrize("name", VENUES)
def test_an_order_is_found_by_our_id_while_it_is_open(name: str) -> None:
    """By itself and among the open ones, with what was asked for."""

    async def act(rig: Rig) -> None:
        client_id, outcome = await rig.send(rig.limit())
        assert isinstance(outcome, Accepted)
        found = await rig.venue.order(rig.symbol, client_id)
        assert found in await rig.venue.open_orders(rig.symbol)
        assert (found.client_id, found.status, found.type) == (client_id, OrderStatus.OPEN, OrderType.LIMIT)
        assert (found.side, found.quantity, found.filled, found.price) == (Side.BUY, D("0.01"), D(0), rig.rest_at)

    at(name, act)


@pytest.mark.parametrize("name", VENUES)
def test_a_stop_is_found_by_our_id_while_it_waits(name: str) -> None:
    """It rests where stops are listed, and its price is known."""

    async def act(rig: Rig) -> None:
        client_id, outcome = await rig.send(rig.stop())
        assert (isinstance(outcome, Accepted), outcome.report.status) == (True, OrderStatus.OPEN)
        found = await rig.venue.order(rig.symbol, client_id)
        assert found in await rig.venue.open_orders(rig.symbol)
        assert (found.client_id, found.status, found.side) == (client_id, OrderStatus.OPEN, Side.SELL)
        assert (found.type, found.stop_price) == (rig.stop().type, rig.stop_at)

    at(name, act) if name != "binance" else at(name, resting_below(act))


def resting_below(act: Callable) -> Callable:
    """At the simulator something must be held first."""

    async def told(rig: Rig) -> None:
        await rig.send(rig.wish())
        await act(rig)

    return told


@pytest.mark.parametrize("name", STUBS)
def test_an_order_is_found_by_our_id_after_a_part_of_it_and_after_all_of_it(name: str) -> None:
    """Partly filled it still works; then it is filled, and no longer among the open ones."""

    async def act(rig: Rig) -> None:
        client_id, _ = await rig.send(rig.limit())
        number = rig.book.named(client_id).number
        rig.book.fill(number, D("0.004"))
        part = await rig.venue.order(rig.symbol, client_id)
        assert (part.status, part.filled) == (OrderStatus.PARTIAL, D("0.004"))
        rig.book.fill(number)
        whole = await rig.venue.order(rig.symbol, client_id)
        assert (whole.status, whole.filled, whole.client_id) == (OrderStatus.FILLED, D("0.01"), client_id)
        assert await rig.venue.open_orders(rig.symbol) == ()

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_a_stop_is_found_by_our_id_once_it_was_met(name: str) -> None:
    """While it is being executed, and when that is done."""

    async def act(rig: Rig) -> None:
        client_id, _ = await rig.send(rig.stop())
        number = rig.book.named(client_id).number
        rig.book.orders[number].waits = False
        met = await rig.venue.order(rig.symbol, client_id)
        assert (met.client_id, met.status) == (client_id, OrderStatus.OPEN)
        assert [each.client_id for each in await rig.venue.open_orders(rig.symbol)] == [client_id]
        rig.book.fill(number)
        done = await rig.venue.order(rig.symbol, client_id)
        assert (done.client_id, done.status, done.filled) == (client_id, OrderStatus.FILLED, D("0.005"))

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_an_order_is_found_by_a_process_that_did_not_send_it(name: str) -> None:
    """After a restart nothing is remembered, and the order is behind others: it is found all the same."""
    book = Book()

    async def before(rig: Rig) -> None:
        await rig.send(rig.limit(), "tstub0first")
        for _ in range(5):
            await rig.send(rig.limit())

    async def after(rig: Rig) -> None:
        found = await rig.venue.order(rig.symbol, "tstub0first")
        assert (found.client_id, found.status) == ("tstub0first", OrderStatus.OPEN)
        assert len(await rig.venue.open_orders(rig.symbol)) == 6

    at(name, before, book)
    at(name, after, book)


@pytest.mark.parametrize("name", VENUES)
def test_an_order_nobody_sent_is_none(name: str) -> None:
    """The venue was asked wherever it could be listed."""

    async def act(rig: Rig) -> None:
        assert await rig.venue.order(rig.symbol, "tstub0nobody") is None

    at(name, act)


def test_an_order_that_is_not_in_the_book_yet_is_listed() -> None:
    """Coinbase lists what it has only taken in apart from what is open: both may still be executed."""

    async def act(rig: Rig) -> None:
        names = [(await rig.send(rig.limit()))[0] for _ in range(2)]
        rig.book.named(names[0]).status = "pending"
        listed = await rig.venue.open_orders(rig.symbol)
        assert [(each.client_id, each.status) for each in listed] == [(name, OrderStatus.OPEN) for name in names]

    at("coinbase", act)


def test_a_stop_that_failed_when_it_was_met_has_ended() -> None:
    """Coinbase had taken it on, so that its end is no refusal: the position is covered anew."""

    async def act(rig: Rig) -> None:
        client_id, _ = await rig.send(rig.stop())
        rig.book.named(client_id).status = "failed"
        assert (await rig.venue.order(rig.symbol, client_id)).status is OrderStatus.CANCELLED
        assert await rig.venue.open_orders(rig.symbol) == ()

    at("coinbase", act)


CANCEL_BYTES = {
    "coinbase": ("POST", "/api/v3/brokerage/orders/batch_cancel", "", '{"order_ids":["OSTUB-00001"]}'),
    "kraken": ("POST", "/0/private/CancelOrder", "", "cl_ord_id=tstub0cancel"),
    "kucoin": ("DELETE", "/api/v1/hf/orders/client-order/tstub0cancel", "symbol=BTC-USDT", ""),
}
CANCEL_STOP_BYTES = {
    **CANCEL_BYTES,
    "kucoin": (
        "DELETE",
        "/api/v1/stop-order/cancelOrderByClientOid",
        "symbol=BTC-USDT&clientOid=tstub0cancel",
        "",
    ),
}


def wire(seen: Seen) -> tuple[str, str, str, str]:
    return seen.method, seen.path, seen.query, unsigned(seen)


@pytest.mark.parametrize("name", VENUES)
def test_an_order_is_taken_back_by_our_id_and_found_as_cancelled(name: str) -> None:
    """The answer already tells how it ended; a second cancel is refused."""

    async def act(rig: Rig) -> None:
        client_id, _ = await rig.send(rig.limit(), "tstub0cancel")
        _, outcome = await rig.send(Cancel(rig.symbol, client_id))
        assert isinstance(outcome, Accepted)
        assert (outcome.report.client_id, outcome.report.status) == (client_id, OrderStatus.CANCELLED)
        found = await rig.venue.order(rig.symbol, client_id)
        assert (found.status, found.filled) == (OrderStatus.CANCELLED, D(0))
        _, again = await rig.send(Cancel(rig.symbol, client_id))
        assert isinstance(again, Refused)

    book = at(name, act)
    if name != "binance":
        assert CANCEL_BYTES[name] in [wire(seen) for seen in book.seen]


@pytest.mark.parametrize("name", STUBS)
def test_a_stop_is_taken_back_by_our_id(name: str) -> None:
    """From wherever stops are listed."""

    async def act(rig: Rig) -> None:
        await rig.send(rig.stop(), "tstub0cancel")
        _, outcome = await rig.send(Cancel(rig.symbol, "tstub0cancel"))
        assert isinstance(outcome, Accepted)
        assert (outcome.report.client_id, outcome.report.status) == ("tstub0cancel", OrderStatus.CANCELLED)
        assert await rig.venue.open_orders(rig.symbol) == ()

    assert CANCEL_STOP_BYTES[name] in [wire(seen) for seen in at(name, act).seen]


@pytest.mark.parametrize("name", VENUES)
def test_a_market_order_comes_with_its_fills(name: str) -> None:
    """They are ours by our id, and the same ones that the venue lists."""

    async def act(rig: Rig) -> None:
        before = rig.clock.now() - timedelta(minutes=1)
        client_id, outcome = await rig.send(rig.wish())
        assert isinstance(outcome, Accepted)
        assert (outcome.report.status, outcome.report.filled) == (OrderStatus.FILLED, D("0.01"))
        assert {each.client_id for each in outcome.fills} == {client_id}
        listed = await rig.venue.fills(rig.symbol, before)
        assert {each.trade_id for each in outcome.fills} <= {each.trade_id for each in listed}
        assert sum(each.quantity for each in listed) == D("0.01")

    at(name, act)


COMMISSIONS = {"coinbase": ("0.006", "USD"), "kraken": ("0.004", "USD"), "kucoin": ("0.001", "USDT")}


@pytest.mark.parametrize("name", STUBS)
def test_fills_are_told_oldest_first_with_their_commission(name: str) -> None:
    """Each bears our id, the maker's are marked, and what happened before the time asked for is not told."""
    book = Book(began=int(time.time()) - 600)

    async def before(rig: Rig) -> None:
        for number in range(3):
            await rig.send(rig.limit(), f"tstub0fill{number}")
            rig.book.fill(rig.book.named(f"tstub0fill{number}").number)

    async def after(rig: Rig) -> None:
        told = await rig.venue.fills(rig.symbol, datetime.fromtimestamp(book.trades[1].at, UTC))
        assert [each.client_id for each in told] == ["tstub0fill1", "tstub0fill2"]
        rate, coin = COMMISSIONS[name]
        assert {(each.commission, each.commission_asset, each.maker) for each in told} >= {(D(rate), coin, True)}
        assert [(each.price, each.quantity, each.side) for each in told] == [(D(100), D("0.01"), Side.BUY)] * 2

    at(name, before, book)
    at(name, after, book)


@pytest.mark.parametrize(
    ("name", "coins"),
    [
        ("coinbase", {"BTC": D("1.50"), "USD": D(250), "EUR": D(0)}),
        ("kraken", {"BTC": D("1.5"), "USD": D(250), "USDT": D("7.5")}),
        ("kucoin", {"BTC": D("1.5"), "USDT": D(250)}),
    ],
)
def test_balances_are_free_and_held_together_under_our_names(name: str, coins: dict[str, Decimal]) -> None:
    """What cannot be sold at once (staked, or in another account) is not among them."""

    async def act(rig: Rig) -> None:
        assert await rig.venue.balances() == coins

    at(name, act)
