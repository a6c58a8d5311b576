"""The wire format: signatures, windows, parameters, limits, weights, amounts."""

from decimal import Decimal

import pytest

from exchange_simulator.dialect import events, market, read
from exchange_simulator.dialect.amounts import text
from exchange_simulator.dialect.limits import Limits, Rates, Window
from exchange_simulator.dialect.orders import placed
from exchange_simulator.dialect.signature import Tolerance, is_signed, signature, signed_part, window_refusal
from exchange_simulator.dialect.weights import weight
from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.events import OrderEvent
from exchange_simulator.domain.order import Kind, Order, Side, Status, TimeInForce
from exchange_simulator.domain.request import Target

KNOWN = {"BTCUSDT": object()}
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "2.50"}


def test_the_documented_example_is_signed_as_documented():
    """The example of the venue's own documentation."""
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    payload = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    assert signature(secret, payload) == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert is_signed(secret, payload, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71")
    assert not is_signed(secret, payload + "0", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71")


def test_query_and_body_are_signed_together_without_the_signature():
    """Joined without a separator, as the venue does."""
    assert signed_part("a=1&signature=x", "b=2") == "a=1b=2"
    assert signed_part("a=1", "b=2&signature=x&c=3") == "a=1b=2&c=3"
    assert signed_part("", "b=2") == "b=2"


@pytest.mark.parametrize(
    ("timestamp", "window", "tolerance", "code"),
    [
        (100_000, 5000, Tolerance(), None),
        (101_000, 5000, Tolerance(), None),
        (101_001, 5000, Tolerance(), -1021),
        (95_000, 5000, Tolerance(), None),
        (94_999, 5000, Tolerance(), -1021),
        (100_000, 60_001, Tolerance(), -1131),
        (100_000, 0, Tolerance(), -1131),
        (0, 5000, Tolerance(scale=60), None),
        (160_000, 5000, Tolerance(scale=60), None),
        (160_001, 5000, Tolerance(scale=60), -1021),
        (103_500, 5000, Tolerance(drift_ms=2500), None),
        (103_501, 5000, Tolerance(drift_ms=2500), -1021),
    ],
)
def test_a_request_must_be_inside_its_window(timestamp, window, tolerance, code):
    """A second ahead at most, its window behind at most; both scale with the clock; a standing clock allows drift."""
    refusal = window_refusal(timestamp, window, 100_000, tolerance)
    assert (refusal and refusal.code) == code


def test_a_limit_order_is_read():
    """Every field lands where it belongs."""
    wish = read.new_order({**LIMIT, "newClientOrderId": "a-Z_9.:/"}, KNOWN)
    assert (wish.price, wish.quantity, wish.time_in_force) == (Decimal("2.50"), Decimal(1), TimeInForce.GTC)
    assert (wish.kind, wish.side, wish.client_id) == (Kind.LIMIT, Side.BUY, "a-Z_9.:/")


@pytest.mark.parametrize(
    "parameters",
    [
        {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quoteOrderQty": "10"},
        {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "2"},
        {**LIMIT, "type": "STOP_LOSS_LIMIT", "stopPrice": "2"},
        {name: value for name, value in {**LIMIT, "type": "LIMIT_MAKER"}.items() if name != "timeInForce"},
    ],
)
def test_each_type_is_read_with_what_it_needs(parameters):
    """No complaint."""
    assert read.new_order(parameters, KNOWN).kind.value == parameters["type"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": ""}, -1102),
        ({"symbol": "DOGE"}, -1121),
        ({"side": "UP"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"timeInForce": "GTX"}, -1115),
        ({"quantity": ""}, -1102),
        ({"quantity": "1e3"}, -1100),
        ({"quantity": "0.123456789"}, -1111),
        ({"price": "0"}, -1102),
        ({"quoteOrderQty": "5"}, -1106),
        ({"stopPrice": "5"}, -1106),
        ({"newClientOrderId": "no spaces"}, -1100),
        ({"type": "MARKET"}, -1106),
    ],
)
def test_a_bad_parameter_is_refused_by_code(changes, code):
    """The venue's code for each kind of mistake."""
    with pytest.raises(read.BadParameter) as caught:
        read.new_order({**LIMIT, **changes}, KNOWN)
    assert caught.value.refusal.code == code


def test_zeros_at_the_end_are_no_precision():
    """Twelve decimals of which eight count are legal."""
    assert read.new_order({**LIMIT, "quantity": "0.100000000000"}, KNOWN).quantity == Decimal("0.1")


def test_an_order_is_meant_by_either_id():
    """Venue id, client id or both; with neither the request is refused."""
    both = {"symbol": "BTCUSDT", "orderId": "7", "origClientOrderId": "a", "newClientOrderId": "c"}
    assert read.target(both, KNOWN) == Target("BTCUSDT", 7, "a", "c")
    replace = {"symbol": "BTCUSDT", "cancelOrigClientOrderId": "a", "cancelNewClientOrderId": "c"}
    assert read.target(replace, KNOWN, "cancel") == Target("BTCUSDT", None, "a", "c")
    for bad in ({"symbol": "BTCUSDT"}, {"symbol": "BTCUSDT", "orderId": "x"}):
        with pytest.raises(read.BadParameter):
            read.target(bad, KNOWN)


def test_amounts_have_eight_decimals_or_all_they_need():
    """Serialised exactly, never rounded, never in exponents."""
    assert [text(Decimal(value)) for value in ("1", "0.1", "1E+3", "0.0000000012")] == [
        "1.00000000", "0.10000000", "1000.00000000", "0.0000000012"
    ]  # fmt: skip


def test_a_window_begins_again_with_each_interval():
    """Counted from whole intervals of venue time."""
    window = Window(60_000)
    assert [window.add(1, at) for at in (0, 59_999, 60_000)] == [1, 2, 1]
    assert window.left_ms(90_000) == 30_000


def test_weight_is_counted_per_address_and_refused_by_429_then_418():
    """Two addresses do not share; ten more requests after the limit are a ban, the next ban is twice as long."""
    rates = Rates(Limits(weight=10))
    assert rates.weigh("a", 10, 0) == (10, None)
    assert rates.weigh("b", 1, 0) == (1, None)
    answers = [rates.weigh("a", 1, 1000)[1] for _ in range(12)]
    assert [one.status for one in answers] == [429] * 10 + [418] * 2
    assert (answers[0].headers, answers[-1].headers) == ({"Retry-After": "59"}, {"Retry-After": "120"})
    assert rates.weigh("a", 1, 120_999)[1].status == 418
    assert rates.weigh("a", 1, 121_000)[1] is None
    again = [rates.weigh("a", 10, 121_000)[1] for _ in range(11)][-1]
    assert (again.status, again.headers["Retry-After"]) == (418, "240")


def test_strikes_are_forgotten_with_the_minute():
    """A 429 in each of two minutes is no ban."""
    rates = Rates(Limits(weight=1))
    statuses = [rates.weigh("a", 1, minute * 60_000)[1] for minute in (0, 0, 1, 1)]
    assert [refusal and refusal.status for refusal in statuses] == [None, 429, None, 429]


def test_orders_are_counted_per_account_in_ten_seconds_and_in_the_day():
    """Either limit refuses with 429 and the wait."""
    rates = Rates(Limits(orders_ten_seconds=2, orders_day=3))
    assert rates.count_orders("a", 1, 0) == (1, 1, None)
    assert rates.count_orders("a", 1, 0) == (2, 2, None)
    short = rates.count_orders("a", 1, 4000)[2]
    assert (short.code, short.status, short.headers) == (-1015, 429, {"Retry-After": "6"})
    assert rates.count_orders("a", 1, 10_000)[2].message.endswith("orders per 1 DAY.")
    assert rates.count_orders("b", 0, 0) == (0, 0, None)


@pytest.mark.parametrize(
    ("route", "parameters", "heavy"),
    [
        ("GET /api/v3/depth", {"symbol": "X", "limit": "100"}, 5),
        ("GET /api/v3/depth", {"symbol": "X", "limit": "5000"}, 250),
        ("GET /api/v3/depth", {"symbol": "X", "limit": "9000"}, 250),
        ("GET /api/v3/depth", {"symbol": "X"}, 5),
        ("GET /api/v3/openOrders", {"symbol": "X"}, 6),
        ("GET /api/v3/openOrders", {}, 80),
        ("GET /api/v3/ticker/24hr", {}, 80),
        ("POST /api/v3/order", {}, 1),
        ("GET /sapi/v1/system/status", {}, 1),
    ],
)
def test_requests_weigh_what_the_venue_says(route, parameters, heavy):
    """The documented weights."""
    assert weight(route, parameters) == heavy


def test_a_new_order_is_answered_in_the_detail_asked_for():
    """ACK has the ids, RESULT the amounts, FULL the fills."""
    order = Order(1, "k", "BTCUSDT", "c", Side.BUY, Kind.MARKET, Decimal(1), 0, 0, status=Status.FILLED)
    assert "status" not in placed(order, (), "ACK")
    assert "fills" not in placed(order, (), "RESULT")
    assert placed(order, (), "FULL")["fills"] == []


def test_a_book_without_volume_is_empty():
    """Nothing stands where nothing trades; elsewhere the levels are a tick apart and not below zero."""
    thin = market.Book("X", Decimal("0.02"), Decimal("0.03"), Decimal(0), 1, Decimal("0.01"), Decimal("0.1"))
    assert thin.levels(5) == ([], [])
    deep = market.Book("X", Decimal("0.02"), Decimal("0.03"), Decimal(2), 1, Decimal("0.01"), Decimal("0.1"))
    bids, asks = deep.levels(3)
    assert [level[0] for level in bids] == ["0.02000000", "0.01000000"]
    assert asks == [["0.03000000", "0.20000000"], ["0.04000000", "0.20000000"], ["0.05000000", "0.20000000"]]


def test_a_day_without_volume_has_the_last_price_as_average():
    """No division by zero."""
    book = market.Book("X", Decimal(2), Decimal(3), Decimal(0), 1, Decimal(1), Decimal(1))
    day = Bar(0, *(Decimal(2),) * 4, Decimal(0))
    assert market.ticker(book, day, Decimal(2), 5)["weightedAvgPrice"] == "2.00000000"


def test_a_cancel_report_names_both_ids():
    """c is the cancel's id, C the order's; without one of its own the order's id stands."""
    order = Order(1, "k", "BTCUSDT", "mine", Side.BUY, Kind.LIMIT, Decimal(1), 0, 0, status=Status.CANCELED)
    report = events.execution_report(OrderEvent("CANCELED", order, 5, cancel_client_id="cancel"))
    assert (report["c"], report["C"], report["t"], report["N"]) == ("cancel", "mine", -1, None)
    assert events.execution_report(OrderEvent("CANCELED", order, 5))["c"] == "mine"
