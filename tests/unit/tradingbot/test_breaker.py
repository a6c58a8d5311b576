"""The breaker of one operation: what opens it, what it lets through, what closes it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trading import START
from tradingbot.domain.breaker import (
    Breaker,
    BreakerState,
    Resting,
    Rule,
    admitted,
    closed,
    failed,
    succeeded,
    unasked,
)

SECOND = timedelta(seconds=1)
RULE = Rule(failures=3, within=10 * SECOND, recovery=60 * SECOND)
NEW = Breaker("binance/enter", RULE)
OPEN = replace(NEW, opened_at=START, last_error="503", trips=1)


def after(*seconds: float) -> Breaker:
    """A breaker that failed at these times."""
    breaker = NEW
    for each in seconds:
        breaker = failed(breaker, f"error {each:g}", START + each * SECOND)
    return breaker


def test_enough_failures_within_the_window_open_it():
    """The third within ten seconds does; the last error is kept, and it has tripped once."""
    breaker = after(0, 4, 9)
    assert breaker.state(START + 9 * SECOND) is BreakerState.OPEN
    assert (breaker.last_error, breaker.trips) == ("error 9", 1)


def test_failures_that_lie_apart_do_not_open_it():
    """The first has left the window when the third comes."""
    assert after(0, 4, 10).state(START + 10 * SECOND) is BreakerState.CLOSED


def test_a_closed_breaker_admits_and_changes_nothing():
    """Nothing is counted but failures."""
    assert admitted(NEW, START) is NEW
    assert succeeded(after(0, 4), START + 5 * SECOND) == after(0, 4)


def test_an_open_breaker_refuses_and_says_why():
    """The sentence names the operation and its last error."""
    assert admitted(OPEN, START + 59 * SECOND) == Resting("binance/enter failed 3 times, last: 503")


def test_nothing_closes_an_open_breaker_before_its_time():
    """What is never refused may succeed or fail meanwhile; only the last error is newer."""
    assert succeeded(OPEN, START + 59 * SECOND) == OPEN
    assert failed(OPEN, "502", START + 59 * SECOND, "away") == replace(OPEN, last_error="502", kind="away")


def test_after_its_time_one_call_may_try():
    """The second is refused while the first is under way, and for no longer than a recovery."""
    trying = admitted(OPEN, START + 60 * SECOND)
    assert trying == replace(OPEN, probing_since=START + 60 * SECOND)
    assert isinstance(admitted(trying, START + 61 * SECOND), Resting)
    assert isinstance(admitted(trying, START + 120 * SECOND), Breaker)
    assert isinstance(admitted(unasked(trying), START + 61 * SECOND), Breaker)


def test_the_call_that_tries_decides():
    """A success closes it and keeps what was counted; a failure opens it again, which is no new trip."""
    trying = replace(OPEN, probing_since=START + 60 * SECOND)
    assert succeeded(trying, START + 61 * SECOND) == Breaker("binance/enter", RULE, last_error="503", trips=1)
    again = failed(trying, "504", START + 61 * SECOND)
    assert (again.state(START + 120 * SECOND), again.state(START + 121 * SECOND)) == (
        BreakerState.OPEN,
        BreakerState.HALF_OPEN,
    )
    assert (again.trips, again.probing_since) == (1, None)


@pytest.mark.parametrize("breaker", [OPEN, after(0, 4), replace(OPEN, probing_since=START)])
def test_a_reset_forgets_the_failures(breaker):
    """But not how often it tripped, nor why."""
    assert closed(breaker) == replace(NEW, last_error=breaker.last_error, trips=breaker.trips)


def test_a_clock_that_was_set_back_keeps_nothing_shut():
    """An opening in the future is long ago."""
    assert OPEN.state(START - SECOND) is BreakerState.HALF_OPEN


class BreakerMachine(RuleBasedStateMachine):
    """Calls, answers and time in any order, beside the plainest model of what must come of them."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.breaker = START, NEW
        self.opened = None
        self.under_way = False

    @rule(seconds=st.integers(0, 70))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @precondition(lambda self: not self.under_way)
    @rule()
    def call(self) -> None:
        made = admitted(self.breaker, self.now)
        open_ = self.opened is not None and self.now < self.opened + 60 * SECOND
        assert isinstance(made, Resting) == open_
        if isinstance(made, Breaker):
            self.breaker, self.under_way = made, True

    @precondition(lambda self: self.under_way)
    @rule(works=st.booleans())
    def answer(self, works: bool) -> None:
        self.under_way = False
        half = self.breaker.state(self.now) is BreakerState.HALF_OPEN
        self.breaker = succeeded(self.breaker, self.now) if works else failed(self.breaker, "no", self.now)
        if half:
            self.opened = None if works else self.now
        elif self.opened is None and self.breaker.opened_at is not None:
            assert not works
            self.opened = self.now

    @rule()
    def reset(self) -> None:
        self.breaker, self.opened = closed(self.breaker), None

    @invariant()
    def is_as_the_model_says(self) -> None:
        assert self.breaker.opened_at == self.opened
        assert len(self.breaker.failed_at) < RULE.failures
        if self.opened is not None:
            # It recovers by time alone: nothing has to happen for the next call to be admitted one day.
            assert isinstance(admitted(self.breaker, self.now + 121 * SECOND), Breaker)


BreakerMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestBreaker = BreakerMachine.TestCase
