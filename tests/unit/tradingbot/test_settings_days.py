"""When a trading day begins, also where clocks are put forward and back."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingbot.start.days import day_starts

# Without a zone, as hypothesis wants its bounds.
FIRST = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)

CASES = [
    ("UTC", "00:00", "2026-11-21T13:00", "2026-11-21T00:00"),
    ("UTC", "00:00", "2026-11-21T00:00", "2026-11-21T00:00"),
    ("UTC", "17:00", "2026-11-21T16:59", "2026-11-20T17:00"),
    ("Europe/Berlin", "00:00", "2026-07-01T21:59", "2026-06-30T22:00"),
    ("Europe/Berlin", "00:00", "2026-07-01T22:00", "2026-07-01T22:00"),
    # Clocks go from 02:00 to 03:00: a reset at 02:30 happens at 03:30 local time, an hour after it would have.
    ("Europe/Berlin", "02:30", "2026-03-29T12:00", "2026-03-29T01:30"),
    # Samoa left out 30 December 2011: on the morning of the 31st the day that began on the 29th still runs.
    ("Pacific/Apia", "12:00", "2011-12-30T11:00", "2011-12-29T22:00"),
    # Clocks go from 03:00 to 02:00: the first 02:30 counts, the second begins no other day.
    ("Europe/Berlin", "02:30", "2026-10-25T01:45", "2026-10-25T00:30"),
]


@pytest.mark.parametrize(("zone", "reset", "instant", "began"), CASES)
def test_the_day_began_at_the_last_reset(zone: str, reset: str, instant: str, began: str) -> None:
    """The day of an instant began at the reset before it, in the zone's own time."""
    hour, minute = map(int, reset.split(":"))
    start = day_starts(time(hour, minute), zone)(datetime.fromisoformat(instant).replace(tzinfo=UTC))
    assert start == datetime.fromisoformat(began).replace(tzinfo=UTC)


@given(
    st.datetimes(FIRST, FIRST + timedelta(days=3653)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.times(),
)
def test_a_day_is_about_a_day_and_holds_its_instant(naive: datetime, zone: str, reset: time) -> None:
    """Whatever the zone does, the day began at most 25 hours ago and not in the future."""
    instant = naive.replace(tzinfo=UTC)
    age = instant - day_starts(reset.replace(tzinfo=None, second=0, microsecond=0), zone)(instant)
    assert timedelta(0) <= age <= timedelta(hours=25)
