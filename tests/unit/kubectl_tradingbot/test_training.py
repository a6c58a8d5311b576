"""What the verb train asks for."""

import pytest

from kubectl_tradingbot.training import unreadable


def test_grid_that_can_be_asked_for_is_asked_for():
    """What the values mean is the strategy's business."""
    assert unreadable(("fast=5,10", "slow=30")) is None
    assert unreadable(()) is None


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (("fast",), "--grid 'fast' names nothing to try; write NAME=VALUE,VALUE"),
        (("fast=",), "--grid 'fast=' names nothing to try; write NAME=VALUE,VALUE"),
        (("=5",), "--grid '=5' names nothing to try; write NAME=VALUE,VALUE"),
        (("fast=5", "fast=6"), "--grid names fast twice; write all its values once, fast=VALUE,VALUE"),
    ],
)
def test_grid_that_says_nothing_is_refused_before_anything_is_asked(grid, sentence):
    """In one sentence with the cure, as the bot would refuse it a minute later."""
    assert unreadable(grid) == sentence
