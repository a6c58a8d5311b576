"""What the doctor finds of a bot from outside: each check passes and refuses."""

import pytest

from kubectl_tradingbot.domain.doctor import examined

RISK = {"maxOrderNotional": "1", "maxPositionNotional": "1", "maxDrawdownPercent": "1", "maxOrdersPerMinute": 1}
LIVE = {"mode": "live", "risk": {**RISK, "maxDailyLossPercent": "2"}, "contacts": [{"name": "ann"}]}
WELL = {"state": "trading", "halts": [], "blocks": []}


def conditions(**said):
    return [{"type": name, "status": each[0], "reason": each[1], "message": each[2]} for name, each in said.items()]


def bot(spec=None, generation=3, acted=3, **said):
    held = {"SingleWriter": ("True", "LeaseHeld", "epoch 4 is held by blue"), **said}
    status = {"observedGeneration": acted, "conditions": conditions(**held)}
    return {"metadata": {"name": "btc", "generation": generation}, "spec": spec or LIVE, "status": status}


def failed(resource, live=WELL, failing=()):
    return [(each.check, each.message) for each in examined(resource, live, failing) if not each.ok]


def test_bot_at_work_passes_every_check():
    """Eight checks, live or not."""
    assert failed(bot()) == []
    assert len(examined(bot(), WELL, ())) == 8
    assert failed(bot({"mode": "paper"})) == []


def test_halted_bot_is_not_sick():
    """The doctor is asked before a resume; which halt stands is told."""
    halted = {**WELL, "state": "halted", "halts": [{"id": "h1"}]}
    assert failed(bot(), halted) == []
    assert "halted, halted by h1" in [each.message for each in examined(bot(), halted, ())]


@pytest.mark.parametrize(
    ("found", "check"),
    [
        (failed(bot(acted=2)), ("spec", "generation 3 is asked for, 2 is acted on")),
        (failed(bot(Stalled=("True", "Refused", "gate smoke: away"))), ("stalled", "Refused: gate smoke: away")),
        (failed(bot(), None), ("process", "no process answers")),
        (failed(bot(), {**WELL, "blocks": ["stale data"]}), ("blocks", "stale data")),
        (failed(bot(), WELL, ["exchange: away"]), ("reach", "exchange: away")),
        (
            failed(bot(SingleWriter=("Unknown", "NobodyHolds", "epoch 4 is held by no process"))),
            ("one trader", "epoch 4 is held by no process"),
        ),
        (failed(bot({**LIVE, "risk": {}})), ("limits", f"spec.risk lacks {', '.join(RISK)}, maxDailyLoss")),
        (failed(bot({**LIVE, "contacts": []})), ("contacts", "spec.contacts is empty")),
    ],
)
def test_each_check_names_what_is_wrong(found, check):
    """One thing is wrong, and one check says so."""
    assert found == [check]


def test_bot_that_nobody_has_seen_yet_is_named_so():
    """No status is not a good one."""
    unseen = {"metadata": {"name": "btc", "generation": 1}, "spec": {}}
    assert [check for check, _ in failed(unseen)] == ["spec", "one trader"]
