"""The money on paper: what the paper venue's account holds is what the ledger's fills say, whatever was traded."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, START, candle, instrument, order, write
from tradingbot.domain.order import Fill, Order, OrderType, Purpose, Side
from tradingbot.execution.book import Book
from tradingbot.execution.outside import apart
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.replay import ReplayClock

D = Decimal
CAPITAL = D(10000)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "limit", "stop"]),
        st.integers(11, 3000),
        st.integers(90, 110),
    ),
    min_size=1,
    max_size=12,
)


def wish(kind: str, thousandths: int, price: int) -> Order:
    quantity = D(thousandths) / 1000
    match kind:
        case "buy":
            return order(quantity=quantity)
        case "limit":
            return order(quantity=quantity, type=OrderType.LIMIT, price=D(price))
        case "sell":
            return order(quantity=quantity, side=Side.SELL, purpose=Purpose.EXIT)
        case _:
            stop = {"type": OrderType.STOP, "stop_price": D(price) - 5}
            return order(quantity=quantity, side=Side.SELL, purpose=Purpose.STOP, **stop)


async def played(steps: list[tuple[str, int, int]]) -> tuple[Book, dict[str, Decimal], Decimal]:
    """An order and a bar at each of *steps*: the ledger's book, what the account holds, and the last price."""
    mark = D(100)

    async def quoted(_: str) -> Decimal:
        return mark

    venue = PaperVenue({BTC: instrument()}, {"USDT": CAPITAL}, ReplayClock(START), quoted)
    book, known = Book({BTC: instrument()}, CAPITAL), set[str]()
    for number, (kind, size, price) in enumerate(steps):
        # Refused ones change nothing, which is part of the rule.
        await venue.send(write(wish(kind, size, price), number))
        top, low = max(mark, D(price)) + 1, min(mark, D(price)) - 1
        for _ in venue.observe(candle(number, f"{mark} {top} {low} {price}")):
            pass
        mark = D(price)
        fills: tuple[Fill, ...] = await venue.fills(BTC, START)
        for fill in fills:
            if fill.trade_id not in known:
                book.apply(fill)
            known.add(fill.trade_id)
    return book, dict(await venue.balances()), mark


@given(STEPS)
def test_virtual_ledger_invariant(steps: list[tuple[str, int, int]]) -> None:
    """Cash and positions are the equity, and both are what the account on paper holds: to the last digit, always."""
    book, totals, mark = asyncio.run(played(steps))
    assert apart(book, totals, {BTC: mark}) == 0
    worth = totals.get("BTC", D(0)) * mark + totals["USDT"]
    assert abs(book.equity({BTC: mark}) - worth) < D("1e-18")


def test_the_account_of_that_rule_trades() -> None:
    """Control: what is held after a buy and half a sell is neither nothing nor all."""
    book, _, _ = asyncio.run(played([("buy", 1000, 101), ("sell", 400, 102), ("stop", 300, 104)]))
    assert book.positions[BTC].quantity == D("0.599")


@pytest.mark.parametrize(
    ("totals", "worth"),
    [
        ({"USDT": D("9999.5")}, "0.50000000"),
        ({"USDT": D("10000.25"), "BTC": D("0.01")}, "1.25000000"),
        ({}, "10000.00000000"),
        ({"USDT": CAPITAL, "ETH": D(3)}, "0E-8"),
    ],
)
def test_what_differs_is_told_by_its_worth(totals: dict[str, Decimal], worth: str) -> None:
    """More and less do not make up for each other, and coins of other markets are nobody's error."""
    assert str(apart(Book({BTC: instrument()}, CAPITAL), totals, {BTC: D(100)})) == worth
