"""When a trading day begins, and when the market is closed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tradingbot.domain.hours import Calendar, parse_hours
from tradingbot.settings import TradingDay


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


def closings(said: TradingDay) -> Callable[[datetime], str | None]:
    """A function that tells, for an instant, why nothing can be entered; None while the market is open."""
    holidays = frozenset(map(date.fromisoformat, said.holidays))
    calendar = Calendar(ZoneInfo(said.timezone), parse_hours(said.hours or ""), holidays)
    why = f"the market is closed: it opens {said.hours or 'every day'} ({said.timezone}), but for holidays"
    return lambda instant: None if calendar.is_open(instant) else why
