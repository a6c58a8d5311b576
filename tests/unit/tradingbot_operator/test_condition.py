"""A condition's time is when its status changed."""

from tradingbot_operator.domain.condition import Condition, Truth, placed

OLD, NEW = "2026-11-21T13:00:00Z", "2026-11-21T14:00:00Z"


def ready(status, reason="R", generation=1):
    return Condition("Ready", status, reason, "text", generation)


def times(before, after):
    return [each["lastTransitionTime"] for each in placed([before.at(OLD)] if before else [], [after], NEW)]


def test_time_stays_while_the_status_stays():
    """Another reason, message or generation is no transition."""
    assert times(ready(Truth.TRUE), ready(Truth.TRUE, "Other", 2)) == [OLD]


def test_time_moves_with_the_status():
    """A status that changed has changed now."""
    assert times(ready(Truth.TRUE), ready(Truth.FALSE)) == [NEW]


def test_new_condition_begins_now():
    """What was not there before begins now."""
    assert times(None, ready(Truth.TRUE)) == [NEW]


def test_condition_has_all_fields_of_the_convention():
    """Type, status, reason, message, generation and time."""
    assert ready(Truth.UNKNOWN).at(NEW) == {
        "type": "Ready",
        "status": "Unknown",
        "reason": "R",
        "message": "text",
        "observedGeneration": 1,
        "lastTransitionTime": NEW,
    }
