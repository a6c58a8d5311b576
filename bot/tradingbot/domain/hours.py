"""When a market that closes is open. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY, CLOCK = f"({'|'.join(DAYS)})", "([01][0-9]|2[0-3]):([0-5][0-9])"
FORM = re.compile(f"{DAY}(?:-{DAY})? {CLOCK}-{CLOCK}")


@dataclass(frozen=True, slots=True)
class Hours:
    """From *opens* up to, and without, *closes* on each of *days*, Monday being 0."""

    days: frozenset[int]
    opens: time
    closes: time


def parse_hours(text: str) -> Hours | None:
    """What ``Mon-Fri 09:30-16:00`` says; None for what says nothing, or of a day that would end before it begins."""
    match = FORM.fullmatch(text)
    if match is None:
        return None
    first = DAYS.index(match[1])
    last = DAYS.index(match[2]) if match[2] else first
    opens, closes = time(int(match[3]), int(match[4])), time(int(match[5]), int(match[6]))
    days = frozenset(day % 7 for day in range(first, first + (last - first) % 7 + 1))
    return Hours(days, opens, closes) if opens < closes else None


@dataclass(frozen=True, slots=True)
class Calendar:
    """A market's hours in its *zone*, and the days on which it does not open; without hours it never closes."""

    zone: ZoneInfo
    hours: Hours | None = None
    holidays: frozenset[date] = frozenset()

    def is_open(self, instant: datetime) -> bool:
        there = instant.astimezone(self.zone)
        if there.date() in self.holidays:
            return False
        if self.hours is None:
            return True
        return there.weekday() in self.hours.days and self.hours.opens <= there.time() < self.hours.closes
