"""The venue clock: wall time, a multiple of it, or standing until stepped."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    WALL = "wall"
    FREE = "free"
    LOCKSTEP = "lockstep"


@dataclass(frozen=True, slots=True)
class Pace:
    """How the venue clock runs. `speed` is venue time per wall time."""

    mode: Mode
    speed: float = 1.0


@dataclass(slots=True)
class VenueClock:
    """Tells venue time from the wall clock it is given; in lockstep it stands until moved."""

    pace: Pace
    wall: Callable[[], float]
    venue_start_ms: int
    wall_start: float
    standing_ms: int = 0

    @classmethod
    def started(
        cls, pace: Pace, wall: Callable[[], float], start_ms: int | None, lockstep_start_ms: int
    ) -> "VenueClock":
        """A clock that begins now: at *start_ms* when given, else at wall time (in lockstep at *lockstep_start_ms*)."""
        now = wall()
        fallback = lockstep_start_ms if pace.mode is Mode.LOCKSTEP else int(now * 1000)
        begin = fallback if start_ms is None else start_ms
        return cls(pace, wall, venue_start_ms=begin, wall_start=now, standing_ms=begin)

    def now_ms(self) -> int:
        """Venue time in milliseconds."""
        if self.pace.mode is Mode.LOCKSTEP:
            return self.standing_ms
        return self.venue_start_ms + int((self.wall() - self.wall_start) * 1000 * self.pace.speed)

    def move_to(self, venue_ms: int) -> None:
        """The lockstep clock stands at *venue_ms*."""
        self.standing_ms = venue_ms
        self.wall_start = self.wall()

    def wall_seconds_until(self, venue_ms: int) -> float:
        """Wall time to wait for *venue_ms*."""
        return max(0.0, (venue_ms - self.now_ms()) / 1000 / self.pace.speed)

    @property
    def scale(self) -> float:
        """Venue milliseconds per wall millisecond: windows that guard the network are this much longer."""
        return self.pace.speed if self.pace.mode is Mode.FREE else 1.0

    def standing_wall_ms(self) -> int:
        """In lockstep, the wall time since the clock last moved; else 0. A client's own clock has run on that far."""
        if self.pace.mode is not Mode.LOCKSTEP:
            return 0
        return int((self.wall() - self.wall_start) * 1000)
