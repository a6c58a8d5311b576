"""What becomes of a task."""

from datetime import UTC, datetime, timedelta

import pytest

import make_operator as make
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.plan.tasks import expires_in, refusal
from tradingbot_operator.report.reasons import TASK_REASONS
from tradingbot_operator.report.task import failed


def asked(**spec):
    return make.task({"bot": "btc", "type": "rollback", **spec})


def test_type_that_is_not_served_is_said_so():
    """No task is taken and then forgotten."""
    assert refusal(asked(type="drDrill"), True, make.NOW) == Keep(
        "TypeNotServed", "spec.type: 'drDrill' is not carried out by this operator yet"
    )


def test_task_of_no_bot_fails():
    """The bot must exist when the task is looked at."""
    assert refusal(asked(), False, make.NOW) == Keep(
        "BotNotFound", "spec.bot: there is no TradingBot 'btc' in namespace trading"
    )


@pytest.mark.parametrize(("seconds", "reason"), [(-1, "TypeNotServed"), (0, "Expired"), (1, "Expired")])
def test_task_does_not_start_after_its_time(seconds, reason):
    """What was asked for then is not done now."""
    late = asked(type="restore", target="b1", notAfter="2026-11-21T14:00:00Z")
    assert refusal(late, True, make.NOW + timedelta(seconds=seconds)).reason == reason


def test_task_that_has_begun_is_not_stopped_by_its_time():
    """The time is that of its start."""
    spec = {"bot": "btc", "type": "rollback", "notAfter": "2026-11-21T13:00:00Z"}
    assert refusal(make.task(spec), True, make.NOW).reason == "Expired"
    assert refusal(make.task(spec, status={"startedAt": "2026-11-21T12:59:59Z"}), True, make.NOW) is None


@pytest.mark.parametrize("kind", ["rollback", "promote", "restart", "flatten", "reconcile"])
def test_served_task_is_not_refused(kind):
    """A type the operator serves passes every check."""
    assert refusal(asked(type=kind), True, make.NOW) is None


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"bot": "btc", "type": "dance"}, "spec.type: 'dance' cannot be used"),
        ({"bot": "btc"}, "spec.type: this field is required; add it"),
        ({"bot": "btc", "type": "backup", "notAfter": "tomorrow"}, "spec.notAfter: 'tomorrow' is not a time"),
    ],
)
def test_task_that_cannot_be_understood_fails(spec, sentence):
    """The sentence names the field."""
    why = refusal(make.task(spec), True, make.NOW)
    assert why.reason == "SpecRejected"
    assert why.message.startswith(sentence)


def test_finished_task_is_kept_for_its_time():
    """Seven days by default; an unfinished one is not counted."""
    ended = {"finishedAt": "2026-11-21T14:00:00Z"}
    assert expires_in(asked(), make.NOW) is None
    assert expires_in(make.task(status=ended), make.NOW) == 604800
    assert expires_in(make.task(status=ended), datetime(2026, 12, 1, tzinfo=UTC)) == 0
    assert expires_in(make.task({"bot": "btc"}, status=ended), make.NOW) == 604800


def test_failed_task_says_why():
    """Failed, not Complete, with reason, time and result."""
    said = failed(asked(), Keep("TypeNotServed", "why"), make.NOW)
    seen = {each["type"]: (each["status"], each["reason"]) for each in said["conditions"]}
    assert seen == {"Complete": ("False", "NotDone"), "Failed": ("True", "TypeNotServed")}
    assert (said["phase"], said["finishedAt"], said["result"]) == ("Failed", "2026-11-21T14:00:00Z", "why")
    known = {(each.condition, each.status, each.reason) for each in TASK_REASONS}
    assert {(kind, *rest) for kind, rest in seen.items()} <= known


def test_task_being_deleted_is_known_as_such():
    """Nothing is done for a task that goes."""
    assert make.task().deleted is False
