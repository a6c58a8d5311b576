"""When a trading day begins, also where clocks are put forward and back."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradingbot.domain.hours import Hours, parse_hours
from tradingbot.settings import TradingDay
from tradingbot.start.days import closings, day_starts

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


SESSION = {"timezone": "America/New_York", "hours": "Mon-Fri 09:30-16:00", "holidays": ["2026-12-25"]}


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-11-20T14:29", False),
        ("2026-11-20T14:30", True),
        ("2026-11-20T20:59", True),
        ("2026-11-20T21:00", False),
        ("2026-11-21T17:00", False),  # a Saturday
        ("2026-11-22T17:00", False),
        ("2026-11-23T17:00", True),
        ("2026-12-25T17:00", False),
        # Summer time: the same hours there are others here.
        ("2026-07-01T13:30", True),
        ("2026-07-01T20:00", False),
    ],
)
def test_a_market_that_closes_is_open_in_its_hours(instant: str, is_open: bool) -> None:
    """In its own zone, on its days, and not on holidays."""
    why = closings(TradingDay.model_validate(SESSION))(datetime.fromisoformat(instant).replace(tzinfo=UTC))
    closed = "the market is closed: it opens Mon-Fri 09:30-16:00 (America/New_York), but for holidays"
    assert why == (None if is_open else closed)


def test_a_market_without_hours_closes_on_holidays_only() -> None:
    """Crypto never closes."""
    saturday = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    assert closings(TradingDay())(saturday) is None
    assert closings(TradingDay(holidays=("2026-11-21",)))(saturday) is not None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon-Fri 09:30-16:00", {0, 1, 2, 3, 4}),
        ("Sun 09:30-16:00", {6}),
        ("Fri-Mon 09:30-16:00", {4, 5, 6, 0}),
        ("Mon-Sun 09:30-16:00", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_days_may_go_over_the_end_of_a_week(text: str, days: set[int]) -> None:
    assert parse_hours(text) == Hours(frozenset(days), time(9, 30), time(16, 0))


@pytest.mark.parametrize("text", ["", "Mon", "Mon-Fri", "mon-fri 09:30-16:00", "Mon 16:00-09:30", "Mon 09:00-24:00"])
def test_what_says_no_hours_is_refused_with_an_example(text: str) -> None:
    """As the field of the settings says it."""
    assert parse_hours(text) is None
    with pytest.raises(ValidationError, match="is not the hours of a market: write days and times, for example"):
        TradingDay(hours=text)


def test_what_is_no_day_is_refused_with_an_example() -> None:
    with pytest.raises(ValidationError, match="is not a day: write for example 2026-12-25"):
        TradingDay(holidays=("25.12.2026",))
