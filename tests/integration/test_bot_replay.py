"""Five hundred recorded bars with a crash, or a hand-over, around the commits: the orders are those of a calm day.

A crash after one commit is a crash before the next call, for a process does nothing in between that outlives it. One
place is different by the protocol: an intent that was committed and not sent ends absent, for it is sent at most once
and nobody can know that it was not; the day after it is another one.
"""

import asyncio
import os
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from exchange import Calls, Crash, FakeExchange
from killing import World, check, run
from swapping import SharedLedger, Swap, faults
from trading import recorded
from tradingbot.domain.lease import Successor
from tradingbot.domain.order import OrderStatus
from tradingbot.venues.replay import ReplayClock

BARS = 500
# Between two crashes so many calls succeed; every call comes before a crash in one of as many runs.
APART = 40
COMMITS = ("decide", "intend", "settle", "record_fills", "record_equity")
NEVER = 10**9
DEEP = bool(os.environ.get("DEEP"))
OFFSETS = range(APART) if DEEP else (13,)
Trades = list[tuple[str, str, str, str]]


class Day(World):
    """Five hundred bars that fill whatever is ordered."""

    def __init__(self) -> None:
        super().__init__()
        self.bars = [replace(bar, volume=Decimal(1000)) for bar in recorded("BTCUSDT-1m")[:BARS]]
        self.clock = ReplayClock(self.bars[0].open_time)
        self.exchange = FakeExchange(self.bars, self.clock, Decimal(10000))


def trades(exchange: FakeExchange) -> Trades:
    """Side, type, quantity and fill of every order, oldest first."""
    return [(order.side, order.type, f"{order.quantity}", f"{order.filled}") for order in exchange.orders]


@dataclass
class Again(Calls):
    """Ends the process before the first call from number *at* on that is not one of *spared*."""

    spared: tuple[str, ...] = ()

    def begin(self, name: str) -> bool:
        self.made.append(name)
        if self.at < len(self.made) and name not in self.spared:
            raise Crash(name)
        return False


@pytest.fixture(scope="module")
def calm() -> tuple[Day, list[str]]:
    day, calls = Day(), Calls()
    assert run(day, calls)
    check(day)
    return day, calls.made


def test_the_day_holds_a_hundred_round_trips(calm):
    """What the crashes below have to leave as it was: a hundred entries, each with its stop and its exit."""
    day, calls = calm
    assert (len(day.exchange.orders), calls.count("decide"), calls.count("send")) == (300, 500, 300)


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_crash_before_every_fortieth_call_changes_no_order(calm, offset):
    """Each start gets forty calls further, and the list is the calm day's."""
    day, crashes = Day(), 0
    while not run(day, Again(offset if crashes == 0 else APART, spared=("send",))):
        crashes += 1
    check(day)
    assert crashes > 50
    assert trades(day.exchange) == trades(calm[0].exchange)


@pytest.mark.parametrize("number", range(300) if DEEP else range(0, 300, 71))
def test_an_intent_that_was_committed_and_not_sent_ends_absent(calm, number):
    """Killed before one sending: that order is never sent by anybody, and the ledger says so."""
    at = [place for place, name in enumerate(calm[1]) if name == "send"][number]
    day = Day()
    assert not run(day, Calls(at))
    assert run(day)
    check(day)
    absent = [record for record in day.ledger.orders() if record.status is OrderStatus.ABSENT]
    assert len(absent) == 1
    assert trades(day.exchange)[:number] == trades(calm[0].exchange)[:number]


class Restless(SharedLedger):
    """A ledger in which the other colour is ordered at every *apart*-th commit, counted from *offset*."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.switches, self.left = 0, offset
        self.others: dict[str, Successor] = {}

    def __getattribute__(self, name: str) -> object:
        if name in COMMITS and super().__getattribute__("others"):
            self._before()
        return super().__getattribute__(name)

    def _before(self) -> None:
        self.left -= 1
        if self.left < 0 and self.order_stands() is None:
            self.left, self.switches = APART, self.switches + 1
            self.order(self.others[self.instance])


async def swapped(offset: int) -> tuple[Swap, int]:
    """The day in which the colours take turns, after its last bar, and how often they did."""
    ledger = Restless(offset)
    swap = Swap(list(Day().bars), ledger)
    blue = swap.start("blue")
    await swap.until(lambda: blue.state == "trading")
    green = swap.start("green")
    await swap.until(lambda: green.state == "standby")
    if offset < NEVER:
        ledger.others = {blue.instance.name: green.successor, green.instance.name: blue.successor}
    while len(swap.market.closed) < BARS:
        await swap.bar()
        # The last hour of the day is halted by its loss, which changes hands like everything else.
        await swap.until(lambda: ledger.order_stands() is None and {blue.state, green.state} & {"trading", "halted"})
    ledger.others = {}
    await swap.end()
    return swap, ledger.switches


@pytest.fixture(scope="module")
def undisturbed() -> Trades:
    day, orders = asyncio.run(swapped(NEVER))
    assert (orders, faults(day)) == (0, [])
    return trades(day.market.exchange)


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_hand_over_at_every_fortieth_commit_changes_no_order(undisturbed, offset):
    """Blue and green take turns all day: each bar is decided once, by one of them, as by a single trader."""
    day, orders = asyncio.run(swapped(offset))
    assert faults(day) == []
    assert orders > 30
    assert len(undisturbed) > 250
    assert trades(day.market.exchange) == undisturbed
