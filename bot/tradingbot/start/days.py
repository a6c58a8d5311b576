"""When a trading day begins."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def day_starts(reset: time, timezone: str) -> Callable[[datetime], datetime]:
    """A function that tells, for an instant, when its trading day began (UTC)."""
    zone = ZoneInfo(timezone)

    def begins(day: date) -> datetime:
        # A reset inside the hour that summer time skips is taken an hour later, one in the hour that comes twice at its
        # first passing: what zoneinfo makes of fold 0 once it goes through UTC.
        return datetime.combine(day, reset, zone).astimezone(UTC)

    def day_start(instant: datetime) -> datetime:
        today = instant.astimezone(zone).date()
        # The day before is needed when the reset is still to come, the one before that where a zone left out a day.
        days = (begins(today - timedelta(days=back)) for back in (0, 1, 2))
        return next(start for start in days if start <= instant)

    return day_start
