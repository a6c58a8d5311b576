"""The venue's clock: how far off it may be before it is told, before entries wait, and what an exit does about it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from trading import BTC, START, CountingMetrics, MemoryLedger, instrument, order
from tradingbot.domain.clock import ClockState, Tolerance
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import Outcome, Purpose, Refused, Side, VenueWrite
from tradingbot.execution import send
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.journal import ExitJournal
from tradingbot.venues.clock import Measured, Pace, VenueClock

EXIT = order(side=Side.SELL, purpose=Purpose.EXIT)
OFF = timedelta(seconds=1.2)


class Measuring(VenueClock):
    """It is *off* until it is measured, which takes *lasts* seconds, or fails."""

    def __init__(self, off: timedelta = OFF, lasts: float = 0.0, fails: bool = False) -> None:
        super().__init__(None, "http://nowhere", None)  # type: ignore[arg-type]
        self.lasts, self.fails, self.times = lasts, fails, 0
        self.be_off(off)

    def be_off(self, by: timedelta, pace: Pace = Pace.WALL) -> None:
        now, boot = datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME)
        self._measured = Measured(now + by, boot, now, pace)

    async def measure(self) -> None:
        self.times += 1
        await asyncio.sleep(self.lasts)
        if self.fails:
            raise VenueUnavailable("no time")
        self.be_off(timedelta(0))


@pytest.mark.parametrize(
    ("milliseconds", "state"),
    [(0, "ok"), (199, "ok"), (-199, "ok"), (201, "skewed"), (-201, "skewed"), (999, "skewed"), (1001, "off")],
)
def test_a_clock_is_told_from_200_ms_and_keeps_entries_back_from_a_second(milliseconds: int, state: str) -> None:
    """Ahead and behind are the same."""
    assert Measuring(timedelta(milliseconds=milliseconds)).state == state


def test_the_settings_may_want_less() -> None:
    """A tenth of a second and a half are further off then."""
    clock = Measuring(timedelta(milliseconds=600))
    clock.tolerance = Tolerance(timedelta(milliseconds=100), timedelta(milliseconds=500))
    assert clock.state is ClockState.OFF


def test_a_simulation_that_runs_faster_is_not_off() -> None:
    """Its time has nothing to do with ours."""
    clock = Measuring()
    clock.be_off(timedelta(days=900), Pace.FREE)
    assert clock.state is ClockState.OK


class Shop:
    """A venue that refuses everything and notes when it was asked."""

    request_life = timedelta(seconds=2)

    def __init__(self) -> None:
        self.sent: list[VenueWrite] = []

    async def room(self, _: object) -> str:
        return ""

    async def send(self, write: VenueWrite) -> Outcome:
        self.sent.append(write)
        return Refused("-1", "no")

    def book(self) -> None:
        return None


def desk(clock: VenueClock) -> Desk:
    ledger = MemoryLedger()
    lease = ledger.claim(Instance("pod-1", "start-1", "blue", "r" * 20), START)
    book = Book({BTC: instrument()}, Decimal(10000))
    step, age = timedelta(minutes=1), timedelta(seconds=5)
    return Desk(Shop(), ledger, lease, clock, CountingMetrics(), book, step, age)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["by the ledger", "by a decision", "by the journal"])
def test_what_leaves_has_the_time_measured_again_first(way: str, tmp_path: Path) -> None:
    """It is sent with the venue's time as it is now, and the clock is not in doubt any more."""
    clock = Measuring()
    at = desk(clock)
    match way:
        case "by the ledger":
            asyncio.run(send.place(at, EXIT))
        case "by a decision":
            asyncio.run(send.decide(at, Decision("s", BTC, START, None, None), EXIT))
        case _:
            asyncio.run(send.journaled(at, ExitJournal(tmp_path / "exits.jsonl"), EXIT))
    assert (clock.times, clock.doubt()) == (1, None)
    (sent,) = at.venue.sent  # type: ignore[attr-defined]
    assert abs(sent.timestamp - datetime.now(UTC)) < timedelta(seconds=1)


def test_a_time_that_is_not_in_doubt_is_not_measured_for_an_exit() -> None:
    """Skewed is not off."""
    clock = Measuring(timedelta(milliseconds=500))
    asyncio.run(send.place(desk(clock), EXIT))
    assert clock.times == 0


@pytest.mark.parametrize("clock", [Measuring(fails=True), Measuring(lasts=3600)], ids=["fails", "hangs"])
def test_an_exit_is_sent_though_nobody_tells_the_time(clock: Measuring, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits a moment for it once, and the next one does not wait again so soon."""
    monkeypatch.setattr("tradingbot.venues.clock.ASSURE_SECONDS", 0.01)
    at = desk(clock)
    asyncio.run(send.place(at, EXIT))
    asyncio.run(send.place(at, EXIT))
    assert (len(at.venue.sent), clock.times) == (2, 1)  # type: ignore[attr-defined]
    assert clock.state is ClockState.OFF


def test_a_decision_that_sends_nothing_does_not_ask_for_the_time() -> None:
    """A bar that is only noted costs no request."""
    clock = Measuring()
    asyncio.run(send.decide(desk(clock), Decision("s", BTC, START, None, None), None))
    assert clock.times == 0
