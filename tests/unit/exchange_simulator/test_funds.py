"""What orders lock and what fills move, to the last digit."""

from dataclasses import replace
from decimal import Decimal

import pytest

from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.order import Kind, Order, Side, Status, Trade
from exchange_simulator.domain.rules import Fees, Rules
from exchange_simulator.funds.lock import needed
from exchange_simulator.funds.settle import Commission, commission, ended, locked, settled

RULES = Rules("BTCUSDT", "BTC", "USDT")


def account(**balances):
    return Account("k", "s", {asset: Balance(free=Decimal(free)) for asset, free in balances.items()})


def order(side=Side.BUY, **changes):
    made = Order(1, "k", "BTCUSDT", "c", side, Kind.LIMIT, Decimal(2), 0, 0, price=Decimal(100))
    return replace(made, **changes)


def trade(quantity, price, fee="0", asset="BTC", side=Side.BUY):
    return Trade(1, 1, "k", "BTCUSDT", side, Decimal(price), Decimal(quantity), Decimal(fee), asset, 5, False)


def held(one, asset):
    return (one.balance(asset).free, one.balance(asset).locked)


@pytest.mark.parametrize(
    ("made", "amount"),
    [
        (order(), 200),
        (order(Side.SELL), 2),
        (order(kind=Kind.STOP_LOSS, price=Decimal(0), stop_price=Decimal(110)), 220),
        (order(price=Decimal(0)), 14),
        (order(executed=Decimal("0.5")), 150),
    ],
)
def test_an_open_order_needs_the_worst_it_can_pay(made, amount):
    """Limit before stop price before the price given; a sell needs its coins."""
    assert needed(made, Decimal(7)) == amount


def test_a_lock_moves_from_free_to_locked():
    """Nothing comes or goes."""
    after, made = locked(account(USDT=500), order(), Decimal(200), RULES)
    assert (held(after, "USDT"), made.locked) == ((300, 200), 200)


def test_more_than_is_free_cannot_be_locked():
    """A balance below zero is a defect and looks like one."""
    with pytest.raises(ValueError, match="would become -100 free"):
        locked(account(USDT=100), order(), Decimal(200), RULES)


def test_a_partial_fill_below_the_limit_frees_what_it_saved():
    """Of 200 locked, 1 at 90 is paid, 100 stay locked, 10 are free again; the coin arrives less its commission."""
    start, made = locked(account(USDT=500), order(), Decimal(200), RULES)
    after, made = settled(start, made, trade(1, 90, "0.001"), RULES)
    assert (held(after, "USDT"), held(after, "BTC")) == ((310, 100), (Decimal("0.999"), 0))
    assert (made.status, made.locked, made.quote_executed) == (Status.PARTIALLY_FILLED, 100, 90)


def test_the_last_fill_leaves_nothing_locked():
    """A filled order holds no coin back."""
    start, made = locked(account(BTC=2), order(Side.SELL), Decimal(2), RULES)
    after, made = settled(start, made, trade(2, 100, "0.2", "USDT", Side.SELL), RULES)
    assert (held(after, "BTC"), held(after, "USDT")) == ((0, 0), (Decimal("199.8"), 0))
    assert made.status is Status.FILLED


def test_an_ended_order_gives_its_lock_back():
    """Cancelled or expired, the rest is free."""
    start, made = locked(account(USDT=500), order(), Decimal(200), RULES)
    after, made = ended(start, made, Status.CANCELED, 9, RULES)
    assert (held(after, "USDT"), made.status, made.locked, made.updated_ms) == ((500, 0), Status.CANCELED, 0, 9)


def test_commission_is_a_share_of_what_is_received():
    """Base coin for a buy, quote coin for a sell; maker and taker differ."""
    fees = Fees(maker=Decimal("0.0005"), taker=Decimal("0.001"))
    fill = (Decimal(100), Decimal(2), False)
    assert commission(order(), fill, account(), (RULES, fees)) == Commission("BTC", Decimal("0.002"))
    assert commission(order(Side.SELL), fill, account(), (RULES, fees)) == Commission("USDT", Decimal("0.2"))
    maker = (Decimal(100), Decimal(2), True)
    assert commission(order(), maker, account(), (RULES, fees)) == Commission("BTC", Decimal("0.001"))


def test_an_accounts_own_rates_win():
    """Maker and taker of the account, not of the venue."""
    own = replace(account(), rates=(Decimal(0), Decimal("0.01")))
    fill = (Decimal(100), Decimal(2), False)
    assert commission(order(), fill, own, (RULES, Fees())) == Commission("BTC", Decimal("0.02"))


def test_the_third_coin_pays_while_it_lasts():
    """200 USDT at 0.1 % are 0.0008 of a coin at 250; with less than that, the received coin pays."""
    fill = (Decimal(100), Decimal(2), False)
    rich = replace(account(BNB="0.0008"), fee_asset="BNB")
    assert commission(order(), fill, rich, (RULES, Fees())) == Commission("BNB", Decimal("0.0008"))
    poor = replace(account(BNB="0.0007"), fee_asset="BNB")
    assert commission(order(), fill, poor, (RULES, Fees())) == Commission("BTC", Decimal("0.002"))
    same = replace(account(USDT="5"), fee_asset="USDT")
    assert commission(order(), fill, same, (RULES, Fees())) == Commission("BTC", Decimal("0.002"))


def test_a_fill_dearer_than_its_lock_is_paid_by_the_lock_of_the_rest():
    """A stop-buy of 2 locked 200 and gets 1 at 150 with 10 free: 60 stay locked for the rest, nothing is below zero."""
    start, made = locked(account(USDT=210), order(), Decimal(200), RULES)
    after, made = settled(start, made, trade(1, 150), RULES)
    assert (held(after, "USDT"), made.locked) == ((0, 60), 60)
