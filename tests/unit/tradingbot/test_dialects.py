"""Whatever a venue answers: a conversation ends with a value, or with an error that says the answer is none."""

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import order
from tradingbot.domain.order import Cancel, OrderType, Refused, VenueWrite
from tradingbot.venues.ccxt_venue import SPOKEN
from tradingbot.venues.consequence import Answered
from tradingbot.venues.dialect import UNREADABLE, Lost, Names, NotConnected
from tradingbot.venues.markets import MARKETS

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WORDS = [
    "data",
    "result",
    "orders",
    "error",
    "open",
    "closed",
    "items",
    "order",
    "id",
    "txid",
    "descr",
    "trades",
    "code",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.sampled_from(["", "x", "NaN", "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
QUESTIONS = {
    "found": lambda dialect: dialect.found("BTC/USD", "t1"),
    "listed": lambda dialect: dialect.listed("BTC/USD"),
    "filled": lambda dialect: dialect.filled("BTC/USD", NOW - timedelta(days=1), NOW),
    "balances": lambda dialect: dialect.balances(),
    "order": lambda dialect: dialect.written(write(order(symbol="BTC/USD", stop_price=None)), 2000),
    "cancel": lambda dialect: dialect.written(write(Cancel("BTC/USD", "t9")), 2000),
}


def write(request: Any) -> VenueWrite:
    return VenueWrite("t1", 1, 1, request, NOW, NOW + timedelta(seconds=2))


def held(talk: Any, answers: list[Any]) -> Any:
    """What came of *talk* when it was answered so; None when it was still asking."""
    try:
        next(talk)
        for answer in answers:
            talk.throw(answer) if isinstance(answer, Exception) else talk.send(answer)
    except StopIteration as end:
        return end.value
    return None


@pytest.mark.parametrize("name", SPOKEN)
@pytest.mark.parametrize("question", QUESTIONS)
@given(answers=st.lists(JSON, min_size=1, max_size=4))
def test_an_answer_of_no_form_is_never_taken_for_one(name: str, question: str, answers: list[Any]) -> None:
    """It is read, or it is told that it cannot be: no other error comes out, which would look like a fault of ours."""
    with contextlib.suppress(Answered, Lost, *UNREADABLE):
        held(QUESTIONS[question](SPOKEN[name]()), answers)


@pytest.mark.parametrize("name", MARKETS)
@given(body=JSON)
def test_public_data_of_no_form_are_never_taken_for_some(name: str, body: Any) -> None:
    """Filters, bars, prices and the time."""
    market = MARKETS[name]
    for read in (
        lambda: market.instrument("BTC/USD", body),
        lambda: market.bars("BTC/USD", "1m", body),
        lambda: market.quote("BTC/USD", body, NOW),
        lambda: market.time.read(body),
        lambda: market.wrong(body),
    ):
        with contextlib.suppress(*UNREADABLE):
            read()


@pytest.mark.parametrize("name", ["coinbase", "kraken", "kucoin"])
def test_no_line_after_the_cancel_says_that_the_old_order_is_gone(name: str) -> None:
    """Nothing was placed, for certain, and the position is bare: the engine covers it before anything else."""
    dialect = SPOKEN[name]()
    request = order(symbol="BTC/USD", stop_price=None, replaces="t9", type=OrderType.MARKET, quantity=Decimal(1))
    talk = dialect.written(write(request), 2000)
    outcome = None
    try:
        call = next(talk)
        for _ in range(9):
            call = talk.throw(NotConnected("refused")) if places(call.method) else talk.send(GONE[name](call))
    except StopIteration as end:
        outcome = end.value
    assert outcome == Refused("NotConnected", "refused", cancelled_first=True)


def places(method: str) -> bool:
    return method in ("privatePostAddOrder", "privatePostHfOrders", "v3PrivatePostBrokerageOrders")


def kraken(call: Any) -> Any:
    told = {"pair": "XBTUSD", "type": "sell", "ordertype": "stop-loss", "price": "9", "price2": "0"}
    row = {"cl_ord_id": "t9", "status": "canceled", "opentm": 1, "descr": told, "vol": "1", "vol_exec": "0"}
    return {"result": {"open": {}, "closed": {"O9": row}, "count": 1}}


def kucoin(call: Any) -> Any:
    row = {"id": "9", "clientOid": "t9", "type": "market", "stop": "loss", "side": "sell", "size": "1"}
    return {"data": [{**row, "stopPrice": "9", "createdAt": 1}]}


def coinbase(call: Any) -> Any:
    told = {"base_size": "1", "limit_price": "8", "stop_price": "9", "stop_direction": "STOP_DIRECTION_STOP_DOWN"}
    row = {
        "order_id": "9",
        "client_order_id": "t9",
        "side": "SELL",
        "status": "CANCELLED",
        "order_configuration": {"stop_limit_stop_limit_gtc": told},
        "filled_size": "0",
        "created_time": "2026-11-22T00:00:00Z",
    }
    return {"orders": [row], "order": row, "results": [{"success": True}], "cursor": ""}


GONE = {"coinbase": coinbase, "kraken": kraken, "kucoin": kucoin}


def test_only_the_newest_names_are_kept():
    """What was told again counts as new; what is forgotten is asked for again."""
    names = Names(most=2)
    for number, client_id in (("1", "a"), ("2", "b"), ("1", "a"), ("3", "c")):
        names[number] = client_id
    assert ["1" in names, "2" in names, "3" in names] == [True, False, True]
    assert (names.number("c"), names.number("b"), names["1"]) == ("3", None, "a")
