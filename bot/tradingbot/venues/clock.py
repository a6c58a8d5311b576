"""The venue's clock, from its own answers and a clock of ours that no one can set."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import aiohttp

from tradingbot.domain.clock import ClockState, Tolerance
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.snapshot import Metrics, NoMetrics
from tradingbot.venues.dialect import UNREADABLE

# An exit waits for a measurement no longer than this, nor again within that.
ASSURE_SECONDS, ASSURE_EVERY = 0.5, 5.0
# A measurement older than this says nothing any more.
LONGEST_TRUST = 600.0
LOCKSTEP_LOOK = 0.02


class Pace(StrEnum):
    WALL = "wall"
    FREE = "free"  # a simulation that runs faster
    LOCKSTEP = "lockstep"  # a simulation that stands until it is stepped


@dataclass(frozen=True, slots=True)
class Measured:
    """Venue time at one instant of our clocks; *doubt_for* is half the way the question and the answer took."""

    venue: datetime
    boot: float
    wall: datetime
    pace: Pace = Pace.WALL
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class TimeUrl:
    """Where a venue tells its time; *read* gives None for what is no answer to that."""

    url: str
    read: Callable[[Any], datetime | None]


def _binance(base: str) -> TimeUrl:
    return TimeUrl(f"{base}/api/v3/time", lambda body: _moment(body["serverTime"]) if "serverTime" in body else None)


class VenueClock:
    """Venue time since the last measurement; a sandbox that answers ``/control/clock`` may run it faster.

    *source* as text is the address of a venue that tells its time as Binance does.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        source: str | TimeUrl,
        control: str | None,
        proxy: str | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._session = session
        self._source = _binance(source) if isinstance(source, str) else source
        self._control_url = f"{control}/control/clock" if control else None
        self._proxy = proxy
        self._metrics = metrics or NoMetrics()
        self._measured: Measured | None = None
        self._assured_at = float("-inf")
        self.tolerance = Tolerance()

    @property
    def pace(self) -> Pace:
        return self._measured.pace if self._measured else Pace.WALL

    @property
    def offset(self) -> timedelta:
        """How far the venue is ahead of our wall clock; zero where that means nothing."""
        if self._measured is None or self._measured.pace is not Pace.WALL:
            return timedelta(0)
        return self._measured.venue - self._measured.wall

    def now(self) -> datetime:
        measured = self._measured
        if measured is None:
            return datetime.now(UTC)
        if measured.pace is Pace.LOCKSTEP:
            return measured.venue
        return measured.venue + timedelta(seconds=(_boot() - measured.boot) * measured.speed)

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return _boot()

    def scaled(self, duration: timedelta) -> timedelta:
        return duration * self._measured.speed if self._measured else duration

    def doubt(self) -> str | None:
        if self._measured is None:
            return "the venue's clock has not been measured"
        if self._measured.pace is not Pace.WALL:
            return None
        age = _boot() - self._measured.boot
        drift = (datetime.now(UTC) - self._measured.wall).total_seconds() - age
        if abs(self.offset) > self.tolerance.most:
            return f"the venue's clock is {self.offset.total_seconds():.1f} s from ours"
        if abs(drift) > self.tolerance.most.total_seconds():
            return f"our wall clock was moved by {drift:.1f} s"
        return f"the venue's clock was last measured {age:.0f} s ago" if age > LONGEST_TRUST else None

    @property
    def state(self) -> ClockState:
        if self.doubt() is not None:
            return ClockState.OFF
        return ClockState.SKEWED if abs(self.offset) > self.tolerance.warn else ClockState.OK

    async def assure(self) -> None:
        if self.doubt() is None or _boot() - self._assured_at < ASSURE_EVERY:
            return
        self._assured_at = _boot()
        with contextlib.suppress(VenueUnavailable, TimeoutError):
            await asyncio.wait_for(self.measure(), ASSURE_SECONDS)

    async def sleep(self, duration: timedelta) -> None:
        """Where the venue's time stands still, this returns after a moment all the same: callers look again."""
        if self.pace is Pace.LOCKSTEP:
            await asyncio.sleep(LOCKSTEP_LOOK)
            await self.measure()
        else:
            await asyncio.sleep(duration.total_seconds() / (self._measured.speed if self._measured else 1.0))

    def observed(self, moment: datetime) -> None:
        """The venue has spoken of *moment*: a standing clock stands there at least."""
        measured = self._measured
        if measured is not None and measured.pace is Pace.LOCKSTEP and moment > measured.venue:
            self._measured = Measured(moment, _boot(), datetime.now(UTC), measured.pace, measured.speed)

    async def measure(self) -> None:
        """The clock is as the venue says now; the quickest of three answers counts."""
        await self._measure()
        self._metrics.clock(self.offset.total_seconds())

    async def _measure(self) -> None:
        if self._control_url is not None and await self._measure_control(self._control_url):
            return
        venue: datetime | None = None
        answers = [await self._asked(self._source.url) for _ in range(3)]
        began, ended, wall, answer = min(answers, key=lambda asked: asked[1] - asked[0])
        with contextlib.suppress(*UNREADABLE):
            venue = self._source.read(answer)
        if venue is None:
            raise VenueUnavailable(f"{self._source.url} does not tell the time")
        self._measured = Measured(venue + timedelta(seconds=(ended - began) / 2), ended, wall)

    async def keep(self, every: timedelta) -> None:
        """Measures again and again, until cancelled; a failure leaves the last measurement."""
        while True:
            await asyncio.sleep(LOCKSTEP_LOOK * 10 if self.pace is Pace.LOCKSTEP else every.total_seconds())
            try:
                await self.measure()
            except VenueUnavailable:
                continue

    async def _measure_control(self, url: str) -> bool:
        began, ended, wall, answer = await self._asked(url)
        if answer is None:
            self._control_url = None
            return False
        pace = Pace(str(answer["mode"]))
        if pace is Pace.WALL:
            return False
        speed = 1.0 if pace is Pace.LOCKSTEP else float(answer["speed"])
        venue = _moment(answer["venue_ms"]) + timedelta(seconds=(ended - began) / 2 * speed)
        if pace is Pace.LOCKSTEP:
            venue = max(_moment(answer["venue_ms"]), self._measured.venue if self._measured else _moment(0))
        self._measured = Measured(venue, ended, wall, pace, speed)
        return True

    async def _asked(self, url: str) -> tuple[float, float, datetime, dict[str, str | int] | None]:
        began = _boot()
        try:
            async with self._session.get(url, proxy=self._proxy) as response:
                body = await response.json(content_type=None) if response.status == 200 else None
                if response.status not in (200, 404):
                    raise VenueUnavailable(f"{url} answered {response.status}")
                return began, _boot(), datetime.now(UTC), body
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise VenueUnavailable(f"{url}: {type(error).__name__} {error}".strip()) from error


class WallClock:
    """Our own time, for modes that ask no venue."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return _boot()

    def scaled(self, duration: timedelta) -> timedelta:
        return duration

    def doubt(self) -> None:
        return None

    @property
    def state(self) -> ClockState:
        return ClockState.OK

    async def assure(self) -> None:
        return

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


def steady() -> Callable[[], datetime]:
    """Our UTC as it was when this was made, counted on from there by a clock that nobody can set."""
    began, boot = datetime.now(UTC), _boot()
    return lambda: began + timedelta(seconds=_boot() - boot)


def _moment(milliseconds: str | int) -> datetime:
    return datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=int(milliseconds))


def _boot() -> float:
    # CLOCK_BOOTTIME goes on while the machine sleeps, and nobody can set it.
    return time.clock_gettime(time.CLOCK_BOOTTIME)
