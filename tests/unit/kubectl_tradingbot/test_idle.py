"""Why a bot does not trade: each of five questions passes and refuses."""

import pytest

from kubectl_tradingbot.domain.idle import idle

BUSY = {
    "halts": [],
    "strategies": [{"name": "sma_cross", "enabled": True}],
    "wishes": {"enter": 4, "exit": 3},
    "blocks": [],
    "refused": [],
    "started_at": "2026-11-21T12:00:00Z",
}
SMALL = "notional 1 is below the venue's 5: max_order_notional leaves 1"


def told(**changes):
    return [(each.check, each.message) for each in idle({**BUSY, **changes}) if not each.ok]


def test_a_bot_that_trades_passes_five_questions():
    """In the order in which the runbooks ask them."""
    found = idle(BUSY)
    assert [each.check for each in found] == ["halted", "strategies", "signals", "market", "limits"]
    assert all(each.ok for each in found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"halts": [{"id": "h1", "reason": "spread"}]}, ("halted", "h1 (spread)")),
        ({"strategies": [{"name": "rsi", "enabled": False}]}, ("strategies", "rsi is switched off")),
        ({"wishes": {"enter": 0, "exit": 0}}, ("signals", "0 wishes to enter since 2026-11-21T12:00:00Z")),
        ({"blocks": ["the market is closed"]}, ("market", "the market is closed")),
        (
            {"refused": [{"reason": "BelowMinimum", "times": 3, "message": SMALL}]},
            ("limits", f"3 times BelowMinimum, last: {SMALL}"),
        ),
    ],
)
def test_what_keeps_it_from_trading_is_told(changes, said):
    """One question each."""
    assert told(**changes) == [said]


def test_the_newest_refusal_comes_first():
    """Older ones follow."""
    refused = [{"reason": reason, "times": 1, "message": reason} for reason in ("Old", "New")]
    assert [message for _, message in told(refused=refused)] == ["1 times New, last: New", "1 times Old, last: Old"]


def test_a_bot_that_does_not_answer_is_told_so():
    """Nothing else can be known."""
    (only,) = idle(None)
    assert (only.check, only.ok, only.message) == ("process", False, "no process answers")
