"""What sells have brought, summed up fill by fill: no digit is lost, and nothing is counted twice."""

from decimal import Context, Decimal, localcontext
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, START
from tradingbot.domain.order import Fill, Side
from tradingbot.domain.trade import Trade, Walked, by_strategy, together, total, walk

D = Decimal
NUMBERS = count(1)
AMOUNTS = st.decimals("0.00000001", "9999.99999999", places=8)
FILLS = st.lists(
    st.builds(
        lambda side, quantity, price, fee, coin: fill(side, quantity, price, fee, coin),
        st.sampled_from(Side),
        AMOUNTS,
        AMOUNTS,
        st.decimals("0", "0.00000009", places=8),
        st.sampled_from(["BTC", "USDT", "BNB"]),
    ),
    max_size=30,
)


def fill(side: Side, quantity: Decimal | str, price: Decimal | str, fee: Decimal | str = "0", coin: str = "USDT"):
    name = str(next(NUMBERS))
    return Fill(BTC, name, f"order-{name}", name, side, D(quantity), D(price), D(fee), coin, START)


def walked(fills: list[Fill]) -> tuple[Walked, list[Trade]]:
    walks, trades = Walked(BTC), []
    for each in fills:
        walks, trade = walk(walks, each)
        trades += [trade] if trade else []
    return walks, trades


def test_a_sell_brings_its_price_less_its_share_of_cost_and_fees():
    """Bought two for 100 and 110 with one of fees each; one is sold for 120, and costs half of all that."""
    bought = [fill(Side.BUY, "1", "100", "1"), fill(Side.BUY, "1", "110", "1")]
    left, trades = walked([*bought, fill(Side.SELL, "1", "120", "0.5")])
    assert trades == [Trade(BTC, D("13.5"), D("1.5"), START)]
    assert left == Walked(BTC, D(1), D(105), D(1))


def test_fees_in_the_coin_make_the_holding_smaller():
    """A buy brings less, a sell takes more; a fee in a third coin is nobody's here."""
    assert walked([fill(Side.BUY, "1", "100", "0.1", "BTC")])[0] == Walked(BTC, D("0.9"), D(100))
    assert walked([fill(Side.BUY, "1", "100", "0.1", "BNB")])[0] == Walked(BTC, D(1), D(100))
    left, trades = walked([fill(Side.BUY, "1", "100"), fill(Side.SELL, "0.9", "100", "0.1", "BTC")])
    assert (left, trades[0].pnl) == (Walked(BTC), D(-10))


def test_what_was_never_bought_has_no_cost():
    """More is sold than is held: all of the cost is gone with it, and no more than that."""
    left, trades = walked([fill(Side.BUY, "1", "100"), fill(Side.SELL, "3", "50")])
    assert (left.held, left.cost, trades[0].pnl) == (D(-2), D(0), D(50))


def test_the_fills_of_one_order_are_one_trade():
    """Their sums, and the later end."""
    first, second = Trade(BTC, D("1.5"), D("0.1"), START), Trade(BTC, D("-0.5"), D("0.2"), START)
    assert together(first, second) == Trade(BTC, D("1.0"), D("0.3"), START)


@given(FILLS)
def test_no_digit_is_lost(fills: list[Fill]):
    """What all sells have brought, and what is left, is what was taken in less what was paid: to the last digit."""
    left, trades = walked(fills)
    with localcontext(Context(prec=80)):
        taken = sum((each.quantity * each.price for each in fills if each.side is Side.SELL), D(0))
        paid = sum((each.quantity * each.price for each in fills if each.side is Side.BUY), D(0))
        fees = sum((each.commission for each in fills if each.commission_asset == "USDT"), D(0))
        assert total(trades) == taken - (paid - left.cost) - (fees - left.fees)


def test_a_trade_belongs_to_who_entered_it_whoever_sold():
    """Also the rest that another order sells; what is bought beside it without a decision changes nothing."""
    walks, _ = walk(Walked(BTC), fill(Side.BUY, "2", "100"), "rsi")
    walks, _ = walk(walks, fill(Side.BUY, "1", "100"))
    for quantity in ("1", "2"):
        walks, trade = walk(walks, fill(Side.SELL, quantity, "110"))
        assert trade.strategy == "rsi"
    assert walks == Walked(BTC)
    walks, trade = walk(walks, fill(Side.SELL, "1", "110"))
    assert trade.strategy == ""


@given(FILLS, st.lists(st.sampled_from(["", "rsi", "sma_cross"]), min_size=30, max_size=30))
def test_what_all_strategies_brought_together_is_what_the_bot_brought(made, strategies):
    """Digit by digit, whoever entered what; and each trade is counted once."""
    walks, trades = Walked(BTC), []
    for each, strategy in zip(made, strategies, strict=False):
        walks, trade = walk(walks, each, strategy)
        trades += [trade] if trade else []
    parts = by_strategy(trades)
    assert sum(len(part) for part in parts.values()) == len(trades)
    with localcontext(Context(prec=80)):
        assert sum((total(part) for part in parts.values()), D(0)) == total(trades)
