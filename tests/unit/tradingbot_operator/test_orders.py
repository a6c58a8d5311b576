"""A task that orders a bot to be flat: when it stands, how it reaches the process, and what it is told."""

from dataclasses import replace

import pytest

import make_operator as make
from tradingbot_operator.domain.order import Orders, Written
from tradingbot_operator.domain.plan import Answer, Ask, Note, Wait
from tradingbot_operator.handover import decided
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.plan.halts import UNSEEN, notes, order_id, raised, roused, standing
from tradingbot_operator.plan.orders import ASLEEP as ASLEEP_SAID
from tradingbot_operator.plan.orders import FLAT, GOING, TAKEN
from tradingbot_operator.report.reasons import TASK_REASONS
from tradingbot_operator.report.task import answered

SPEC = {"bot": "btc", "type": "flatten", "notAfter": "2026-11-21T15:00:00Z", "reason": "the feed is wrong"}
BEGUN = {"tasks": [{"name": "t", "uid": "task-1"}]}
ASLEEP = {**make.MINIMAL, "suspend": True}
HALT, ID, ORIGIN = "tradingbot.io/halt", "tradingbot.io/halt-id", "tradingbot.io/halt-origin"


def flatten(**changes):
    return replace(make.task(SPEC), **changes)


def seen(*tasks, **changes):
    return make.observed(tasks=tasks or (flatten(),), **changes)


def planned(bot, observed, now=make.NOW):
    return decide(bot, observed, make.SITE, now)


def told(bot, observed, now=make.NOW):
    """The only answer of a pass."""
    (answer,) = planned(bot, observed, now).answers
    return answer


def test_order_stands_once_the_status_remembers_it():
    """Its name is written before anything is done about it, so that no task of that name is obeyed twice."""
    new = make.bot()
    assert standing(new, seen()) is None
    plan = planned(new, seen())
    assert plan.answers == (Answer(flatten(), None),)
    assert decided(new, plan) == BEGUN
    assert standing(make.bot(status=BEGUN), seen()) == "flatten: the feed is wrong"


def test_order_without_a_reason_names_its_task():
    """Every exit carries why it was made."""
    silent = make.task({name: value for name, value in SPEC.items() if name != "reason"})
    assert standing(make.bot(status=BEGUN), seen(silent)) == "flatten: task t"


def test_bot_that_is_asked_twice_remembers_both():
    """Tasks that steer are remembered beside those that order."""
    known = {"tasks": [{"name": "back", "uid": "task-0"}]}
    bot = make.bot(status=known)
    after = decided(bot, planned(bot, seen()))
    assert after["tasks"] == [{"name": "back", "uid": "task-0"}, {"name": "t", "uid": "task-1"}]


@pytest.mark.parametrize(
    "gone",
    [
        flatten(deleted=True),
        flatten(status={"finishedAt": "2026-11-21T13:59:00Z"}),
        flatten(spec=None),
        make.task({"bot": "btc", "type": "rollback"}),
    ],
)
def test_task_that_is_over_orders_nothing(gone):
    """Finished, deleted, not understood, or of another type: the halt it led to stays latched in the ledger."""
    assert standing(make.bot(status=BEGUN), seen(gone)) is None


def test_order_of_a_task_reaches_every_pod_under_one_name():
    """A restarted operator gives it the same name, for a task never changes."""
    bot, running = make.bot(status=BEGUN), seen(pods=(make.pod(),))
    name = order_id(bot, running, UNSEEN)
    carried = {HALT: "flatten: the feed is wrong", ID: name, ORIGIN: "tradingbot"}
    assert notes(bot, running) == (Note("btc-blue-abc", "pod-1", tuple(sorted(carried.items()))),)
    assert name == order_id(bot, running, Orders(own=Written("uid-1", "99", None)))
    assert name != order_id(
        make.bot(status={"tasks": [{"name": "t", "uid": "task-2"}]}), seen(flatten(uid="task-2")), UNSEEN
    )
    assert raised(bot, running) is None


def test_suspended_bot_wakes_for_the_order_and_sleeps_when_it_is_over():
    """Its pod is born with the order, and ends with the task."""
    bot = make.bot(ASLEEP, status=BEGUN)
    awake = roused(bot, seen(), UNSEEN)
    assert awake.spec.suspend is False
    assert dict(awake.born)[HALT] == "flatten: the feed is wrong"
    assert roused(bot, seen(flatten(status={"finishedAt": "2026-11-21T14:00:00Z"})), UNSEEN) == bot


def test_order_of_the_bot_itself_comes_first():
    """The same severity: what a person wrote keeps its words."""
    bot = make.bot(status=BEGUN, annotations={HALT: "flatten: by hand"})
    assert standing(bot, seen()) == "flatten: by hand"
    assert standing(make.bot(status=BEGUN, annotations={HALT: "reduce: x"}), seen()) == "flatten: the feed is wrong"


def obeying(**changes):
    halts = changes.pop("halts", (make.halt(kind="flatten"),))
    pod = make.pod(**changes.pop("pod", {}))
    said = make.said(state="halted", trading_active=False, halts=halts, **changes)
    return seen(pods=(pod,), reports={"pod-1": said}, report=said)


def test_task_is_complete_when_the_venue_says_flat():
    """By the word of the process that holds the epoch and has latched the order."""
    assert told(make.bot(status=BEGUN), obeying(flat=True)) == Answer(flatten(), None, FLAT)


@pytest.mark.parametrize(
    "not_yet",
    [
        obeying(flat=False),
        obeying(flat=True, halts=(make.halt(kind="halt"),)),
        obeying(flat=True, halts=()),
    ],
)
def test_task_waits_for_the_process_to_be_flat(not_yet):
    """Neither what is held nor another halt ends it."""
    wait = Wait("the process closes what is held and cancels its orders")
    assert told(make.bot(status=BEGUN), not_yet).waits == wait


@pytest.mark.parametrize(
    "nobody",
    [seen(), seen(pods=(make.pod(),)), obeying(flat=True, epoch=None), obeying(flat=True, pod={"deleting": True})],
)
def test_task_waits_for_a_process_with_the_lease(nobody):
    """A standby, a process on its way out, or none at all cannot be flat."""
    assert told(make.bot(status=BEGUN), nobody).waits == Wait("a process is awaited that holds the lease")


def test_task_of_a_bot_that_cannot_start_is_stuck_and_says_what_helps():
    """Exit 78: a person must mend the settings; the order stands until then."""
    failing = seen(pods=(make.pod(ready=False, trouble="pod btc-blue-abc: exit code 78: unknown strategy"),))
    assert told(make.bot(status=BEGUN), failing).waits == Wait(
        "pod btc-blue-abc: exit code 78: unknown strategy; mend the spec or write back the one that worked: "
        "its process then closes all",
        stuck=True,
    )


def test_task_of_a_refused_bot_without_a_pod_is_stuck():
    """Nothing can be started that would close anything."""
    refused = make.bot({**make.MINIMAL, "mode": "dance"}, status=BEGUN)
    wait = told(refused, seen()).waits
    assert wait.stuck
    assert wait.message.startswith("SpecRejected: spec.mode")


def test_second_task_of_a_name_fails():
    """Git or a restore may make it again; it is not obeyed again."""
    assert told(make.bot(status=BEGUN), seen(flatten(uid="task-2"))).failed == TAKEN


def test_task_of_a_bot_that_goes_fails():
    """After the deletion nothing is started any more."""
    going = replace(make.bot(status=BEGUN), deleted_at=make.NOW)
    assert told(going, seen()).failed == GOING


def test_task_does_not_begin_after_its_time():
    """The pass of the task itself says that it has expired; one that has begun goes on."""
    late = make.NOW.replace(hour=15)
    assert planned(make.bot(), seen(), late).answers == ()
    assert told(make.bot(status=BEGUN), seen(), late).waits is not None
    assert planned(make.bot(), seen(flatten(spec=flatten().spec.model_copy(update={"not_after": None}))), late).begins


def test_waiting_task_says_so_once():
    """Who waits with kstatus sees InProgress, or Failed while a person must act."""
    waits = Answer(flatten(), None, waits=Wait("a process is awaited that holds the lease"))
    first = answered(waits, make.NOW)
    assert [(each["type"], each["status"], each["reason"]) for each in first["conditions"]] == [
        ("Complete", "False", "Running"),
        ("Reconciling", "True", "Running"),
    ]
    assert (first["phase"], first["startedAt"]) == ("Running", "2026-11-21T14:00:00Z")
    assert answered(replace(waits, task=flatten(status=first)), make.NOW) is None
    stuck = answered(Answer(flatten(status=first), None, waits=Wait("exit 78", stuck=True)), make.NOW)
    assert [each["type"] for each in stuck["conditions"]] == ["Complete", "Stalled"]
    known = {(each.condition, each.status, each.reason) for each in TASK_REASONS}
    assert {
        (each["type"], each["status"], each["reason"]) for each in first["conditions"] + stuck["conditions"]
    } <= known


def test_finished_task_waits_for_nothing():
    """What it waited for is no longer told."""
    waits = answered(Answer(flatten(), None, waits=Wait("x")), make.NOW)
    done = answered(Answer(flatten(status=waits), None, FLAT), make.NOW)
    assert [(each["type"], each["status"]) for each in done["conditions"]] == [
        ("Complete", "True"),
        ("Failed", "False"),
    ]


WISH = {"bot": "btc", "type": "reconcile", "parameters": {"action": "adopt"}, "reason": "it is ours"}


def trading(**changes):
    return seen(make.task(WISH), pods=(make.pod(**changes),), reports={"pod-1": make.said()})


def test_process_with_the_lease_is_asked_once_the_status_remembers_the_task():
    """The name first, as with every other task; while it is asked its answer is awaited and nothing else is told."""
    new = planned(make.bot(), trading())
    assert (new.begins, new.asks) == ((make.task(WISH),), ())
    plan = planned(make.bot(status=BEGUN), trading())
    assert (plan.asks, plan.answers) == ((Ask(make.task(WISH), "10.0.0.5"),), ())
    assert plan.again_seconds == 1.0
    assert standing(make.bot(status=BEGUN), trading()) is None


@pytest.mark.parametrize("nobody", [trading(deleting=True), trading(ip=None), seen(make.task(WISH))])
def test_wish_waits_for_a_process_with_the_lease(nobody):
    """Nobody else may write the ledger."""
    plan = planned(make.bot(status=BEGUN), nobody)
    assert plan.asks == ()
    assert plan.answers[0].waits == Wait("a process is awaited that holds the lease")


def test_wish_to_a_suspended_bot_is_stuck():
    """It does not wake for a question."""
    wait = told(make.bot(ASLEEP, status=BEGUN), seen(make.task(WISH))).waits
    assert (wait.message, wait.stuck) == (ASLEEP_SAID, True)


@pytest.mark.parametrize(("given", "named"), [({"action": "sell"}, "sell"), ({}, "")])
def test_wish_that_no_process_knows_fails(given, named):
    """With the value and what could be written instead."""
    said = told(make.bot(), seen(make.task({**WISH, "parameters": given}))).failed
    known = "show, adopt, close-unexpected, mark-closed"
    assert said == f"spec.parameters.action: '{named}' cannot be asked for; write one of {known}"


def test_bot_that_goes_is_asked_nothing():
    """Its end creates nothing."""
    going = replace(make.bot(status=BEGUN), deleted_at=make.NOW)
    assert planned(going, trading()).asks == ()
