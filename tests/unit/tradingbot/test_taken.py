"""Coins of ours that somebody else sold: the account's own trades are in the book, once, and under their ids."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, START, MemoryLedger, instrument
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import Fill, OrderReport, Side
from tradingbot.domain.position import position_of
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.recount import recount
from tradingbot.execution.taken import LOOKED_BACK, explained
from tradingbot.venues.replay import ReplayClock

D = Decimal
OURS, THEIRS = "tabc123000100000a1", "tzzz999000100000a1"
SIZES = st.decimals("0.00001", "0.2", places=5)


@dataclass
class Till:
    """A fake venue that tells what the account has and what was traded on it."""

    coins: Decimal
    trades: list[Fill] = field(default_factory=list)

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        return ()

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        return tuple(fill for fill in self.trades if fill.at >= since)

    async def balances(self) -> dict[str, Decimal]:
        return {"BTC": self.coins}


def bought(quantity: str = "1") -> Fill:
    return Fill(BTC, "1", OURS, "1", Side.BUY, D(quantity), D(100), D(0), "USDT", START, bar=START)


def sold(number: int, quantity: str | Decimal, client_id: str = "web_1", **changes: object) -> Fill:
    at = START + timedelta(minutes=number)
    made = Fill(BTC, f"{number}", client_id, f"9{number}", Side.SELL, D(quantity), D(90), D(0), "USDT", at, bar=START)
    return replace(made, **changes)


def holding(coins: str | Decimal, *sales: Fill, shared: bool = False) -> Desk:
    """One coin is held by fills; the account has *coins*, and *sales* were made on it."""
    ledger, book = MemoryLedger(), Book({BTC: instrument()}, D(10000))
    lease = ledger.claim(Instance("blue", "pod", "start", "r"), START)
    clock = ReplayClock(START + timedelta(hours=1))
    step = timedelta(minutes=1)
    made = Desk(Till(D(coins)), ledger, lease, clock, NoMetrics(), book, step, step, shared=shared)
    ledger.record_fills(lease, (bought(),))
    book.apply(bought())
    made.venue.trades = [bought(), *sales]
    return made


def counted(made: Desk) -> Desk:
    asyncio.run(recount(made, BTC))
    return made


def state(made: Desk) -> tuple[object, ...]:
    return made.book.positions[BTC], tuple(made.ledger.trades.values()), made.book.cash, made.book.missing.get(BTC)


def test_a_sale_of_others_that_explains_the_gap_is_a_fill_under_its_ids():
    """The position is what the account has, the loss is counted, and nothing is missing any more."""
    made = counted(holding("0.6", sold(2, "0.4")))
    position = made.book.positions[BTC]
    assert (position.quantity, position.realised) == (D("0.6"), D("-4.0"))
    assert made.ledger.position(instrument()) == position
    assert made.book.there(BTC) == D("0.6")
    (fill,) = (each for each in made.ledger.trades.values() if each.side is Side.SELL)
    assert (fill.trade_id, fill.venue_id, fill.client_id) == ("2", "92", "foreign-92")
    assert made.outside.said(START)[0] == "a trade of somebody else: sell 0.4 BTC/USDT at 90"


def test_taken_in_twice_changes_nothing():
    """Nor does a process that starts anew with the ledger, and counts again."""
    made = counted(holding("0.6", sold(2, "0.4")))
    first = state(made)
    assert state(counted(made)) == first
    again = holding("0.6", sold(2, "0.4"))
    again.ledger.trades, again.book = made.ledger.trades, Book({BTC: instrument()}, D(10000))
    again.book.load((), made.ledger.fills())
    assert state(counted(again))[:3] == first[:3]


def test_a_gap_that_no_sales_explain_stays_a_gap():
    """Coins were withdrawn, or some of those sold were never ours: nobody can say what was, so nothing is invented."""
    for made in (holding("0.6"), holding("0.6", sold(2, "0.5")), holding("0.6", sold(2, "0.1"), sold(3, "0.1"))):
        assert counted(made).book.positions[BTC].quantity == D(1)
        assert made.book.missing[BTC] == D("0.4")


def test_only_the_newest_sales_that_make_up_the_gap_are_taken():
    """What was sold before that was somebody's own."""
    made = counted(holding("0.6", sold(2, "0.7"), sold(3, "0.1"), sold(4, "0.3")))
    assert sorted(fill.trade_id for fill in made.ledger.trades.values()) == ["1", "3", "4"]


def test_what_is_not_of_others_or_not_of_now_is_not_taken():
    """Our own sale that is still to be told of, a buy, one of before the position, one of long ago."""
    ours = sold(2, "0.4", "tabc123000100000a2")
    buy = sold(2, "0.4", side=Side.BUY)
    early = sold(2, "0.4", at=START - timedelta(seconds=1))
    late = holding("0.6", sold(2, "0.4"))
    late.clock.move_to(START + LOOKED_BACK + timedelta(hours=1))
    for made in (holding("0.6", buy), holding("0.6", early), late):
        assert counted(made).book.missing[BTC] == D("0.4")
    made = counted(holding("0.6", ours))
    assert [fill.client_id for fill in made.ledger.trades.values()] == [OURS, "tabc123000100000a2"]


def test_on_a_shared_account_nothing_is_taken():
    """It may be another bot's, also when it bears no bot's name."""
    made = counted(holding("0.6", sold(2, "0.4"), shared=True))
    assert made.book.missing[BTC] == D("0.4")
    assert counted(holding("0.6", sold(2, "0.4", THEIRS))).book.missing[BTC] == D(0)


def test_a_fee_in_the_coin_is_gone_too():
    """The account has so much less."""
    made = counted(holding("0.599", sold(2, "0.4", commission=D("0.001"), commission_asset="BTC")))
    assert made.book.positions[BTC].quantity == D("0.599")


def test_less_than_a_step_is_no_difference():
    """Whatever rounding left behind."""
    market = instrument()
    assert explained([sold(2, "0.4")], D("0.400009"), market) == (sold(2, "0.4"),)
    assert explained([sold(2, "0.4")], D("0.40001"), market) == ()


def test_nothing_is_taken_while_the_position_moves():
    """An own fill that came while the trades were asked for makes the count of the account an old one."""
    made = holding("0.6", sold(2, "0.4"))
    told = made.venue.fills
    calls = []

    async def moved(symbol: str, since: datetime) -> tuple[Fill, ...]:
        calls.append(symbol)
        if len(calls) == 2:
            made.book.apply(replace(bought("0.1"), trade_id="7"))
        return await told(symbol, since)

    made.venue.fills = moved
    assert counted(made).book.taken == set()


@given(st.lists(SIZES, max_size=5), st.lists(SIZES, max_size=5))
def test_the_sums_are_the_venues_to_the_last_digit(first: list[Decimal], then: list[Decimal]):
    """Sold in two rounds, each counted twice: the position is what the account has, by the venue's own trades."""
    made, number = holding("1"), 1
    for sizes in (first, then):
        for size in sizes:
            number += 1
            if made.venue.coins - size < D("0.01"):
                continue
            made.venue.trades.append(sold(number, size))
            made.venue.coins -= size
        counted(counted(made))
        position = made.book.positions[BTC]
        assert position.quantity == made.venue.coins
        assert position == made.ledger.position(instrument()) == position_of(BTC, made.venue.trades, "BTC", "USDT")
        assert len(made.ledger.trades) == len(made.venue.trades)
