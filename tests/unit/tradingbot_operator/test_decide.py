"""The choice for every bot in every state."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_operator as make
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.handover import Post
from tradingbot_operator.domain.lease import Sign
from tradingbot_operator.domain.observed import Keys
from tradingbot_operator.domain.plan import Keep, Ran, Remove, Run, Step
from tradingbot_operator.domain.revision import revision_name
from tradingbot_operator.plan.decide import decide, wants_finalizer

GOING = {"deletionTimestamp": "2026-11-21T14:00:00Z", "finalizers": ["tradingbot.io/operator"]}
NAME = revision_name(make.bot().spec)


def plan(bot, seen=None, site=make.SITE, now=make.NOW):
    return decide(bot, seen or make.observed(), site, now)


def test_new_bot_runs_its_first_revision():
    """The first revision has number one and one replica."""
    assert plan(make.bot()).action == Run(NAME, 1, 1, request=NAME)


def test_name_that_was_taken_is_not_asked_for_again():
    """The count in the status makes another name of the same request."""
    collided = replace(make.bot(), status={"collisionCount": 1})
    name = revision_name(make.bot().spec, 1)
    assert plan(collided).action == Run(name, 1, 1, request=name)


def test_suspended_bot_has_no_replica():
    """suspend changes how many run, not what would run."""
    assert plan(make.bot({**make.MINIMAL, "suspend": True})).action == Run(NAME, 1, 0, request=NAME)


def test_same_request_keeps_its_number():
    """The newest revision stays as it is."""
    seen = make.observed(revisions=(make.revision(1), make.revision(2, NAME)))
    assert plan(make.bot(), seen).action.number == 2


def test_request_that_comes_back_is_the_newest_again():
    """Going back raises the number of the old revision above all others."""
    seen = make.observed(revisions=(make.revision(1, NAME), make.revision(2)))
    assert plan(make.bot(), seen).action.number == 3


def test_history_is_cut_but_what_runs_is_spared():
    """The oldest beyond the limit go; those of a Deployment or a pod, and the wanted one, stay."""
    history = (make.revision(1), make.revision(2), make.revision(3), make.revision(4), make.revision(5, NAME))
    spec = {**make.MINIMAL, "rollout": {"historyLimit": 2}}
    assert plan(make.bot(spec), make.observed(revisions=history)).action.prune == ("r3", "r2", "r1")
    running = make.observed(
        revisions=history, workloads=(make.workload(revision="r1"),), pods=(make.pod(revision="r3"),)
    )
    assert plan(make.bot(spec), running).action.prune == ("r2",)


def test_image_that_serves_is_recorded_once():
    """A revision names the first image its pod was ready with; a tag that means another one later changes nothing."""
    fresh = make.observed(revisions=(make.revision(1), make.revision(2)), pods=(make.pod(image_id="bot@sha256:a"),))
    assert plan(make.bot(), fresh).ran == (Ran("r1", "uid-r1", "bot@sha256:a"),)
    known = replace(fresh, revisions=(make.revision(1, image_id="bot@sha256:b"),))
    assert plan(make.bot(), known).ran == ()


@pytest.mark.parametrize("changes", [{"image_id": ""}, {"ready": False}, {"revision": "r9"}])
def test_image_that_does_not_serve_is_not_recorded(changes):
    """Not one that is unknown, not one that may never start, not one of a revision that is not there."""
    pod = make.pod(**{"image_id": "bot@sha256:a", **changes})
    assert plan(make.bot(), make.observed(revisions=(make.revision(1),), pods=(pod,))).ran == ()


def test_rejected_spec_touches_nothing():
    """What cannot be understood is told, and nothing is done."""
    action = plan(make.bot({**make.MINIMAL, "modus": "x"})).action
    assert action == Keep("SpecRejected", "spec.modus: this field is not known; remove it or correct its spelling")


def test_live_bot_waits_for_an_operator_that_allows_it():
    """Without permission a live bot is kept as it is; with it one that is live already goes on."""
    assert plan(make.bot(make.LIVE)).action == Keep(
        "LiveNotAllowed",
        "spec.mode: 'live' is not allowed by this operator; start the operator with OPERATOR_ALLOW_LIVE=true"
        " (chart value allowLive), or use mode paper",
    )
    allowed = replace(make.SITE, allow_live=True)
    assert plan(make.bot(make.LIVE), site=allowed).action.reason == "PromotionBlocked"
    trading = {"active": {"colour": "blue", "revision": "r1", "mode": "live"}}
    assert plan(make.bot(make.LIVE, trading), site=allowed).action.replicas == 1


@pytest.mark.parametrize(
    ("step", "posts"),
    [
        ("Starting", (Post("blue", "r1", 1), Post("green", "r2", 1))),
        ("Done", (Post("blue", "r1", 1), Post("green", "r2", 0))),
    ],
)
def test_refused_spec_begins_no_hand_over_and_calls_none_off(step, posts):
    """What is under way goes on to where it was going; at rest what trades goes on."""
    record = {
        "uid": "u",
        "kind": "swap",
        "step": step,
        "from": {"colour": "blue", "revision": "r1"},
        "to": {"colour": "green", "revision": "r2"},
        "startedAt": "2026-11-21T13:59:55.000Z",
        "stepSince": "2026-11-21T13:59:55.000Z",
    }
    green = make.workload(name="btc-green", uid="deployment-2", colour="green", revision="r2")
    seen = make.observed(workloads=(make.workload(), green), pods=(make.pod(),), row=make.row())
    said = plan(make.bot(make.LIVE, status={"rollout": record}), seen)
    assert said.action.reason == "LiveNotAllowed"
    assert (said.move.rollout.step, said.move.posts, said.move.effect) == (step, posts, None)


REFUSED = Rejection("spec.modus", "spec.modus: this field is not known; remove it")
BLUE, GREEN = {"colour": "blue", "revision": "r1"}, {"colour": "green", "revision": "r2"}


@pytest.mark.parametrize(
    ("kind", "step", "to", "after"),
    [
        ("swap", "Starting", GREEN, "Idle"),
        ("promotion", "Verifying", GREEN, "Idle"),
        ("swap", "Starting", {**BLUE, "revision": "r2"}, "Starting"),
        ("rollback", "Starting", GREEN, "Starting"),
        ("swap", "Observing", GREEN, "Observing"),
    ],
)
def test_spec_that_cannot_be_understood_drops_only_what_gates_would_judge(kind, step, to, after):
    """What has no gates, what has no other trader beside it, and what has gone over goes on with the spec before."""
    at = "2026-11-21T13:59:55.000Z"
    record = {"uid": "u", "kind": kind, "step": step, "from": BLUE, "to": to, "startedAt": at, "stepSince": at}
    over = make.row(holder="green", instance="pod-2/1", signs=(Sign("pod-2/1", "trader", 100),))
    green = make.workload(name="btc-green", uid="deployment-2", colour="green", revision="r2")
    seen = make.observed(
        workloads=(make.workload(revision=to["revision"] if to["colour"] == "blue" else "r1"), green),
        pods=(make.pod(),),
        row=over if step == "Observing" else make.row(),
        reports={"pod-1": make.said()},
    )
    subject = replace(make.bot(status={"rollout": record}), refused=REFUSED)
    said = plan(subject, seen)
    assert said.action == Keep("SpecRejected", REFUSED.message)
    assert said.move.rollout.step == after


def test_refused_spec_of_a_bot_that_never_ran_moves_nothing():
    """There is no revision to go on with."""
    assert plan(make.bot(make.LIVE)).move is None


def test_ledger_that_is_not_served_is_refused():
    """A server of the person's is served; one that the operator would have to run is not."""
    assert plan(make.bot({**make.MINIMAL, "database": make.LIVE["database"]})).action.replicas == 1
    assert plan(make.bot({**make.MINIMAL, "database": {"mode": "managed"}})).action == Keep(
        "DatabaseModeUnavailable",
        "spec.database.mode: 'managed' is not served by this operator;"
        " use postgres with a server of yours, or embedded",
    )


def test_wish_to_close_positions_is_not_taken_and_forgotten():
    """What the operator cannot do on deletion it refuses beforehand."""
    action = plan(make.bot({**make.MINIMAL, "deletion": {"positions": "Flatten"}})).action
    assert action.reason == "DeletionModeUnavailable"
    assert plan(make.bot({**make.MINIMAL, "deletion": {"positions": "Keep"}})).action.revision == NAME


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (Keys("keys", False), "Secret 'keys' does not exist"),
        (Keys("keys", True, ("apiKey", "secret")), "Secret 'keys' lacks apiKey and secret"),
    ],
)
def test_bot_without_its_keys_is_not_started(keys, what):
    """The Secret is named with what it lacks, and looked for again since it makes no event."""
    made = plan(make.bot(make.SANDBOX), make.observed(keys=keys))
    assert made.action.reason == "CredentialsMissing"
    assert what in made.action.message
    assert made.again_seconds == 10.0
    suspended = plan(make.bot({**make.SANDBOX, "suspend": True}), make.observed(keys=keys))
    assert suspended.action.replicas == 0


def test_bot_with_its_keys_is_started():
    """Nothing is lacking."""
    made = plan(make.bot(make.SANDBOX), make.observed(keys=Keys("keys", True)))
    assert made.action.replicas == 1
    assert made.again_seconds == 300.0


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (make.observed(workloads=(make.workload(),), pods=(make.pod(),)), Step.STOP),
        (make.observed(workloads=(make.workload(replicas=0),), pods=(make.pod(),)), Step.WAIT),
        (make.observed(workloads=(make.workload(replicas=0),)), Step.RELEASE),
        (make.observed(), Step.RELEASE),
    ],
)
def test_deletion_goes_step_by_step(seen, step):
    """First the pod is stopped, then waited for, then the bot is let go."""
    made = plan(make.bot(**GOING), seen)
    assert made.action == Remove(step, last=True)
    assert made.again_seconds == (None if step is Step.RELEASE else 5.0)


def test_deletion_ends_at_its_deadline_with_what_is_left_named():
    """Ten minutes by default; a bot whose spec is bad has the same deadline."""
    seen = make.observed(workloads=(make.workload(),), pods=(make.pod(),), siblings=1)
    left = "Deployment btc-blue, pod btc-blue-abc"
    for spec in (None, {**make.MINIMAL, "modus": "x"}):
        before = plan(make.bot(spec, **GOING), seen, now=make.NOW + timedelta(seconds=599))
        assert before.action == Remove(Step.STOP, last=False)
        after = plan(make.bot(spec, **GOING), seen, now=make.NOW + timedelta(seconds=600))
        assert after.action == Remove(Step.RELEASE, last=False, left=left)


def test_bot_that_was_let_go_is_not_held_again():
    """Once the finalizer is off, nothing more is done to a bot that is going."""
    going = {**GOING, "finalizers": ["somebody/else"]}
    assert plan(make.bot(**going), make.observed(pods=(make.pod(),))).action.step is Step.RELEASE


def test_finalizer_is_wanted_only_for_what_runs_and_only_once():
    """A bot that is refused from the start can be deleted without the operator."""
    fresh, held, refused = make.bot(), make.bot(finalizers=["tradingbot.io/operator"]), make.bot(make.LIVE)
    assert wants_finalizer(fresh, plan(fresh))
    assert not wants_finalizer(held, plan(held))
    assert not wants_finalizer(refused, plan(refused))


@given(
    spec=st.sampled_from([make.MINIMAL, make.SANDBOX, make.LIVE, {}, {**make.MINIMAL, "suspend": True}]),
    going=st.booleans(),
    replicas=st.sampled_from([None, 0, 1]),
    pods=st.integers(0, 2),
    revisions=st.lists(st.integers(1, 30), unique=True, max_size=15),
    seconds=st.integers(0, 2000),
)
def test_every_state_has_a_plan(spec, going, replicas, pods, revisions, seconds):
    """decide is total, never prunes what is wanted or runs, and never lets go early with a pod left."""
    seen = make.observed(
        workloads=() if replicas is None else (make.workload(replicas=replicas),),
        pods=tuple(make.pod(name=f"p{n}", uid=f"u{n}") for n in range(pods)),
        revisions=tuple(make.revision(n) for n in revisions),
    )
    action = plan(make.bot(spec, **(GOING if going else {})), seen, now=make.NOW + timedelta(seconds=seconds)).action
    if isinstance(action, Run):
        assert not going
        assert action.number >= max(revisions, default=0)
        assert action.revision not in action.prune
        assert not {pod.revision for pod in seen.pods} & set(action.prune)
    if isinstance(action, Remove) and action.step is Step.RELEASE and action.left is None:
        assert not pods
        assert not replicas
