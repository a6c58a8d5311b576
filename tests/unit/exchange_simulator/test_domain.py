"""The words: statuses, amounts, accounts."""

from decimal import Decimal

import pytest

from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.numbers import floored, is_multiple, truncated
from exchange_simulator.domain.order import NEXT, Kind, Order, Side, Status, Trade


def order(**changes):
    return Order(1, "k", "BTCUSDT", "c", Side.BUY, changes.pop("kind", Kind.LIMIT), Decimal(2), 0, 0, **changes)


def test_every_status_has_its_row():
    """The table of moves is whole."""
    assert set(NEXT) == set(Status)


@pytest.mark.parametrize("status", list(Status))
def test_an_order_is_open_while_it_can_move(status):
    """Filled, cancelled and expired are the end."""
    assert order(status=status).is_open == (status in (Status.NEW, Status.PARTIALLY_FILLED))


def test_a_stop_waits_until_triggered():
    """A limit never waits."""
    assert order(kind=Kind.STOP_LOSS).is_waiting
    assert not order(kind=Kind.STOP_LOSS, triggered=True).is_waiting
    assert not order().is_waiting


def test_amounts_are_floored_and_cut():
    """Down to the step, cut at eight decimals."""
    assert floored(Decimal("1.239"), Decimal("0.01")) == Decimal("1.23")
    assert truncated(Decimal("0.000000019")) == Decimal("0.00000001")
    assert is_multiple(Decimal("1.23"), Decimal("0.01"))
    assert not is_multiple(Decimal("1.234"), Decimal("0.01"))


def test_an_account_moves_only_what_it_has():
    """Free and locked never fall below zero."""
    account = Account("k", "s", {"USDT": Balance(free=Decimal(5))})
    assert account.moved("USDT", free=Decimal(-5), locked=Decimal(5)).balance("USDT") == Balance(Decimal(0), Decimal(5))
    for free, locked in ((-6, 0), (0, -1)):
        with pytest.raises(ValueError, match="USDT of k would become"):
            account.moved("USDT", free=Decimal(free), locked=Decimal(locked))
    assert account.balance("BTC") == Balance()


def test_a_trade_is_worth_price_times_quantity():
    """Exact."""
    made = Trade(1, 1, "k", "BTCUSDT", Side.BUY, Decimal("0.1"), Decimal("0.3"), Decimal(0), "BTC", 0, False)
    assert made.quote_quantity == Decimal("0.03")
