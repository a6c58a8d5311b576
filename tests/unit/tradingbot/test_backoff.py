"""The pauses of who was told to wait, and not for how long."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tradingbot.domain.backoff import Backoff

Note = Callable[[str, str], None]


@pytest.mark.row("S4-094")
def test_backoff_sequence(evidence: Note) -> None:
    """Five seconds first, twice as long each time, two minutes at the most."""
    pauses = [Backoff().pause(times).total_seconds() for times in range(1, 8)]
    evidence("pytest -k backoff_sequence", str(pauses))
    assert pauses == [5, 10, 20, 40, 80, 120, 120]


def test_a_million_answers_later_the_pause_is_still_the_longest() -> None:
    """No number grows without a bound."""
    assert Backoff(timedelta(seconds=1), timedelta(seconds=9)).pause(10**6) == timedelta(seconds=9)
