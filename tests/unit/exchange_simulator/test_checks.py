"""Each check passes a good order and refuses a bad one."""

from dataclasses import replace
from decimal import Decimal

import pytest

from exchange_simulator.checks.placing import ACCEPTANCE, FILTERS, first_refusal
from exchange_simulator.checks.situation import Situation
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.order import Kind, Side
from exchange_simulator.domain.request import NewOrder
from exchange_simulator.domain.rules import Rules

HUNDRED = Decimal(100)
GOOD = NewOrder("BTCUSDT", Side.BUY, Kind.LIMIT, quantity=Decimal(1), price=Decimal(99), client_id="fresh")
STOP = replace(GOOD, side=Side.SELL, kind=Kind.STOP_LOSS, price=Decimal(0), stop_price=Decimal(90))
MARKET = replace(GOOD, kind=Kind.MARKET, price=Decimal(0))
NOW = Situation(
    rules=Rules("BTCUSDT", "BTC", "USDT"),
    account=Account("k", "s", {"USDT": Balance(free=Decimal(10_000)), "BTC": Balance(free=Decimal(10))}),
    bid=HUNDRED,
    ask=Decimal("100.01"),
    prices=(HUNDRED,),
    average=HUNDRED,
    open_orders=0,
    waiting_orders=0,
    client_ids=frozenset({"taken"}),
)


def judged(wish, now=NOW):
    refusal = first_refusal(wish, now, FILTERS + ACCEPTANCE)
    return refusal and (refusal.code, refusal.message)


@pytest.mark.parametrize(
    "wish",
    [
        GOOD,
        STOP,
        MARKET,
        replace(MARKET, side=Side.SELL),
        replace(GOOD, kind=Kind.LIMIT_MAKER, price=HUNDRED),
        replace(GOOD, side=Side.SELL, kind=Kind.LIMIT_MAKER, price=Decimal("100.01")),
        replace(STOP, kind=Kind.TAKE_PROFIT, stop_price=Decimal(110)),
        replace(STOP, side=Side.BUY, stop_price=Decimal(110)),
        replace(STOP, side=Side.BUY, kind=Kind.TAKE_PROFIT, stop_price=Decimal(90)),
    ],
)
def test_a_good_order_passes_every_check(wish):
    """No refusal."""
    assert judged(wish) is None


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (replace(GOOD, price=Decimal("99.001")), (-1013, "Filter failure: PRICE_FILTER")),
        (replace(GOOD, price=Decimal("1000000.01")), (-1013, "Filter failure: PRICE_FILTER")),
        (replace(STOP, stop_price=Decimal("90.001")), (-1013, "Filter failure: PRICE_FILTER")),
        (replace(GOOD, quantity=Decimal("0.000011")), (-1013, "Filter failure: LOT_SIZE")),
        (replace(GOOD, quantity=Decimal(0)), (-1013, "Filter failure: LOT_SIZE")),
        (replace(MARKET, quantity=Decimal("100.1")), (-1013, "Filter failure: MARKET_LOT_SIZE")),
        (replace(GOOD, price=Decimal("500.01")), (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        (replace(GOOD, price=Decimal("19.99")), (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        (replace(GOOD, quantity=Decimal("0.05")), (-1013, "Filter failure: NOTIONAL")),
        (replace(MARKET, quantity=Decimal("0.04999")), (-1013, "Filter failure: NOTIONAL")),
        (replace(GOOD, client_id="taken"), (-2010, "Duplicate order sent.")),
        (replace(STOP, stop_price=HUNDRED), (-2010, "Stop price would trigger immediately.")),
        (
            replace(STOP, kind=Kind.TAKE_PROFIT, stop_price=HUNDRED),
            (-2010, "Stop price would trigger immediately."),
        ),
        (
            replace(GOOD, kind=Kind.LIMIT_MAKER, price=Decimal("100.01")),
            (-2010, "Order would immediately match and take."),
        ),
        (
            replace(GOOD, side=Side.SELL, kind=Kind.LIMIT_MAKER, price=HUNDRED),
            (-2010, "Order would immediately match and take."),
        ),
        (replace(GOOD, quantity=Decimal(102)), (-2010, "Account has insufficient balance for requested action.")),
        (replace(MARKET, quantity=HUNDRED), (-2010, "Account has insufficient balance for requested action.")),
        (replace(STOP, quantity=Decimal(11)), (-2010, "Account has insufficient balance for requested action.")),
    ],
)
def test_a_bad_order_is_refused_with_the_venues_words(wish, refusal):
    """Code and message are the venue's."""
    assert judged(wish) == refusal


@pytest.mark.parametrize(
    ("changes", "wish", "message"),
    [
        ({"open_orders": 200}, GOOD, "Filter failure: MAX_NUM_ORDERS"),
        ({"waiting_orders": 5}, STOP, "Filter failure: MAX_NUM_ALGO_ORDERS"),
        ({"halted": True}, MARKET, "Market is closed."),
    ],
)
def test_a_full_or_closed_market_refuses(changes, wish, message):
    """Counts and the halt are judged."""
    assert judged(wish, replace(NOW, **changes))[1] == message


def test_full_books_let_market_orders_and_plain_orders_pass():
    """Only what would rest or wait counts."""
    assert judged(MARKET, replace(NOW, open_orders=200)) is None
    assert judged(GOOD, replace(NOW, waiting_orders=5)) is None


def test_a_stop_is_refused_only_when_every_present_price_would_trigger_it():
    """In lockstep both the last close and the open that is due are present."""
    assert judged(replace(STOP, stop_price=Decimal(98)), replace(NOW, prices=(Decimal(97), HUNDRED))) is None
    assert judged(replace(STOP, stop_price=Decimal(98)), replace(NOW, prices=(Decimal(97), Decimal(96)))) is not None
