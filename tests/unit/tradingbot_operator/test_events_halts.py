"""The Event of a halt that is gone."""

import pytest

from tradingbot_operator.cluster.events import reason

HALTED = {"conditions": [{"type": "Halted", "status": "True", "reason": "DailyLossLimit"}]}
CLEAR = {"type": "Halted", "status": "False", "reason": "NotHalted"}
READY = {"type": "Ready", "status": "False", "reason": "PodNotReady"}


@pytest.mark.parametrize(
    ("before", "condition", "word"),
    [(HALTED, CLEAR, "HaltCleared"), ({}, CLEAR, "NotHalted"), (HALTED, READY, "PodNotReady")],
)
def test_only_a_halt_that_stood_is_cleared(before, condition, word):
    """A bot that answers for the first time has cleared nothing."""
    assert reason(before, condition) == word
