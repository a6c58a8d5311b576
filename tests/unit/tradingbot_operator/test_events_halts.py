"""Which changes are told as Events, and in which words."""

import pytest

from tradingbot_operator.cluster.events import changes, reason

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


def status(epoch=None, **conditions):
    said = [{"type": name, "status": value, "reason": reason} for name, (value, reason) in conditions.items()]
    return {"conditions": said, **({"highestEpoch": epoch} if epoch is not None else {})}


STARTS = status(Ready=("False", "PodNotReady"), TradingActive=("False", "NoPod"), Halted=("Unknown", "NotReported"))
SERVES = status(0, Ready=("True", "PodReady"), TradingActive=("False", "NotTrading"), Halted=("False", "NotHalted"))
TRADES = status(1, Ready=("True", "PodReady"), TradingActive=("True", "Trading"), Halted=("False", "NotHalted"))
STALLED = status(Ready=("False", "PodNotReady"), Stalled=("True", "PodFailing"), TradingActive=("False", "NoPod"))
HALTED_EARLY = status(0, Ready=("True", "Halted"), TradingActive=("False", "Halted"), Halted=("True", "Halt"))
SILENT = status(1, Ready=("False", "PodNotReady"), TradingActive=("Unknown", "NotReported"))


def told(before, after):
    return [(each["type"], each["reason"]) for each in changes(before, after)]


@pytest.mark.parametrize(("before", "after"), [({}, STARTS), (STARTS, SERVES), (STARTS, TRADES), (SERVES, TRADES)])
def test_start_that_goes_as_it_should_is_told_by_the_status_alone(before, after):
    """Each Event is a write, and a fleet that is installed would make thousands of them for nothing."""
    assert told(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ({}, STALLED, [("Stalled", "PodFailing")]),
        (STARTS, STALLED, [("Stalled", "PodFailing")]),
        (STARTS, HALTED_EARLY, [("Halted", "Halt")]),
        (STALLED, TRADES, [("Ready", "PodReady"), ("TradingActive", "Trading"), ("Halted", "NotHalted")]),
        (TRADES, SILENT, [("Ready", "PodNotReady"), ("TradingActive", "NotReported")]),
        (SILENT, TRADES, [("Ready", "PodReady"), ("TradingActive", "Trading"), ("Halted", "NotHalted")]),
        (TRADES, TRADES, []),
    ],
)
def test_what_was_not_asked_for_is_told(before, after, news):
    """A start that fails or is halted, that it goes well after all, and every change of a bot that has traded."""
    assert told(before, after) == news
