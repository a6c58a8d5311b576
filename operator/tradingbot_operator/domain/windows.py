"""Spans of the day in which nothing begins."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tradingbot_operator.domain.operations import Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def within(windows: Iterable[Window], now: datetime) -> bool:
    """Whether *now* lies in one of them; one that ends before it starts ends on the day after the one it names."""
    return any(_within(each, now.astimezone(ZoneInfo(each.timezone))) for each in windows)


def _within(window: Window, here: datetime) -> bool:
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    clock = here.time()
    if start < end:
        return start <= clock < end and _on(window, here)
    return (clock >= start and _on(window, here)) or (clock < end and _on(window, here - timedelta(days=1)))


def _on(window: Window, day: datetime) -> bool:
    return not window.days or DAYS[day.weekday()] in window.days
