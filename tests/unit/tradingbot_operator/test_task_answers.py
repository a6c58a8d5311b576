"""What a task that steers a hand-over is told: that it began, and how it ended."""

import pytest

import make_operator as make
from tradingbot_operator.domain.handover import Kind, Move, Place, Request, Rollout, Step
from tradingbot_operator.domain.plan import Answer
from tradingbot_operator.plan.tasks import answers, takes
from tradingbot_operator.report.reasons import TASK_REASONS
from tradingbot_operator.report.task import answered

BACK = Request("t", "task-1", "rollback", "r1")
BEGUN = {"tasks": [{"name": "t", "uid": "task-1"}]}
STARTED = {"startedAt": "2026-11-21T13:59:00Z", "target": "r1"}


def moved(step=Step.STARTING, task="t", reason="", ends=None):
    here, there = Place("green", "r2"), Place("blue", "r1")
    rollout = Rollout("u", Kind.ROLLBACK, step, here, there, make.NOW, make.NOW, reason=reason, task=task)
    return Move(rollout, (), "green", ends=ends)


NOTHING = Move(None, (), "blue")


def told(move, request=BACK, status=None, bot_status=None, **spec):
    """The answer to the only task there is, or None."""
    one = make.task({"bot": "btc", "type": "rollback", **spec}, status=status or {})
    said = answers(make.bot(status=bot_status), make.observed(tasks=(one,)), request, move)
    assert all(each.task == one for each in said)
    return (said[0].target, said[0].result, said[0].failed) if said else None


def test_task_begins_when_a_hand_over_bears_its_name():
    """From then on its target is fixed; until then it waits in silence."""
    assert told(moved()) == ("r1", None, None)
    assert told(moved(task="another")) is None
    assert told(NOTHING) is None


def test_task_that_is_done_at_once_is_told_so():
    """The rule that fits has the words."""
    assert told(moved(ends="that revision trades already")) == ("r1", "that revision trades already", None)


@pytest.mark.parametrize("request_", [None, Request("another", "task-2", "rollback", "r1")])
def test_task_whose_turn_has_not_come_is_told_nothing(request_):
    """One after the other."""
    assert told(moved(), request=request_) is None


@pytest.mark.parametrize(("spec", "name"), [({}, "previous"), ({"target": "r9"}, "r9")])
def test_way_back_to_nowhere_fails(spec, name):
    """It does not wait for a revision that never comes."""
    sentence = f"spec.target: there is no revision '{name}' to go back to in this mode"
    assert told(NOTHING, Request("t", "task-1", "rollback", None), **spec) == (None, None, sentence)


def test_restart_needs_no_target():
    """What trades is started anew."""
    assert told(moved(), Request("t", "task-1", "restart", None), type="restart") == (None, None, None)


@pytest.mark.parametrize(
    ("move", "answer"),
    [
        (moved(Step.DRAINING), None),
        (moved(Step.ADOPTING), None),
        (moved(Step.OBSERVING), ("r1", "revision r1 trades in colour blue", None)),
        (moved(Step.DONE), ("r1", "revision r1 trades in colour blue", None)),
        (moved(Step.ROLLED_BACK), ("r1", "revision r1 trades in colour blue", None)),
        (moved(Step.REFUSED, reason="it crashes"), ("r1", None, "it crashes")),
        (moved(Step.IDLE), ("r1", None, "called off")),
        (moved(Step.STARTING, task="another"), ("r1", "carried out; another hand-over has followed", None)),
        (NOTHING, ("r1", "carried out; another hand-over has followed", None)),
    ],
)
def test_begun_task_ends_with_its_hand_over(move, answer):
    """It is complete when the revision trades, and failed when the hand-over was refused or called off."""
    assert told(move, request=None, status=STARTED, bot_status=BEGUN) == answer


def test_task_whose_beginning_was_not_noted_is_told_again():
    """The bot's status was written, the task's was not: the next pass makes up for it."""
    assert told(moved(Step.DRAINING), request=None, bot_status=BEGUN) == ("r1", None, None)


def test_task_of_a_name_that_was_used_before_is_not_carried_out():
    """Which of both was meant cannot be told."""
    other = {"tasks": [{"name": "t", "uid": "task-0"}]}
    sentence = "a task of this name was carried out before; create one of another name"
    assert told(moved(), bot_status=other) == (None, None, sentence)


@pytest.mark.parametrize(
    ("request_", "move", "takes_it"),
    [
        (BACK, moved(), True),
        (BACK, moved(task=None, ends="the pod is started anew"), True),
        (BACK, moved(task="another"), False),
        (BACK, NOTHING, False),
        (None, moved(), False),
    ],
)
def test_task_is_remembered_once_its_work_begins_or_ends(request_, move, takes_it):
    """No task is carried out twice, and none is lost before it began."""
    assert takes(request_, move) is takes_it


def conditions(status):
    return [(each["type"], each["status"], each["reason"], each["message"]) for each in status["conditions"]]


def test_begun_task_runs():
    """It says when and to which revision."""
    assert answered(Answer(make.task(), "r1"), make.NOW) == {
        "observedGeneration": 1,
        "phase": "Running",
        "startedAt": "2026-11-21T14:00:00Z",
        "target": "r1",
    }


def test_begun_task_is_not_written_again():
    """It says so already."""
    assert answered(Answer(make.task(status=STARTED), "r1"), make.NOW) is None


def test_done_task_is_complete_and_keeps_its_beginning():
    """Complete, not Failed, with the time and the words of the end."""
    said = answered(Answer(make.task(status=STARTED), "r1", "revision r1 trades in colour blue"), make.NOW)
    assert conditions(said) == [
        ("Complete", "True", "Done", "revision r1 trades in colour blue"),
        ("Failed", "False", "Done", "the task was carried out"),
    ]
    del said["conditions"]
    assert said == {
        "observedGeneration": 1,
        "phase": "Complete",
        "finishedAt": "2026-11-21T14:00:00Z",
        "result": "revision r1 trades in colour blue",
        "startedAt": "2026-11-21T13:59:00Z",
        "target": "r1",
    }


def test_task_that_failed_at_once_began_and_ended_then():
    """Failed, not Complete; without a target where there was none."""
    said = answered(Answer(make.task(), None, failed="there is no revision"), make.NOW)
    assert conditions(said) == [
        ("Complete", "False", "NotDone", "the task was not carried out"),
        ("Failed", "True", "NotCarriedOut", "there is no revision"),
    ]
    del said["conditions"]
    assert said == {
        "observedGeneration": 1,
        "phase": "Failed",
        "finishedAt": "2026-11-21T14:00:00Z",
        "result": "there is no revision",
        "startedAt": "2026-11-21T14:00:00Z",
    }


def test_every_reason_a_task_is_told_is_in_the_reference():
    """Done, and not carried out."""
    known = {(each.condition, each.status, each.reason) for each in TASK_REASONS}
    for answer in (Answer(make.task(), None, "done"), Answer(make.task(), None, failed="not done")):
        assert {each[:3] for each in conditions(answered(answer, make.NOW))} <= known
