"""What a status says of a hand-over: how far it is, who holds the lease, and whether there is a way back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_operator as make
from tradingbot_operator.domain.handover import Held, Kind, Move, Place, Post, Request, Rollout, Step, Terms
from tradingbot_operator.domain.lease import Sign
from tradingbot_operator.domain.outcome import Applied, Trouble
from tradingbot_operator.domain.plan import Keep, Plan, Run
from tradingbot_operator.domain.rollout import written
from tradingbot_operator.report.conditions import conditions
from tradingbot_operator.report.facts import Facts
from tradingbot_operator.report.reasons import REASONS
from tradingbot_operator.report.status import KEPT_TASKS, carried, report

OLD, NEW = Place("blue", "r1"), Place("green", "r2")
BLUE = make.pod(name="btc-blue-1", uid="pod-1")
GREEN = make.pod(name="btc-green-1", uid="pod-2", colour="green", revision="r2")
SWAP = Rollout("u", Kind.SWAP, Step.STARTING, OLD, NEW, make.NOW, make.NOW, reason="the process is not up yet")
TRADER = make.said(holder=None)


def at(step, rollout=SWAP, **changes):
    return replace(rollout, step=step, **changes)


def told(rollout=None, active=OLD, **given):
    """A bot whose spec asks for r2 while *active* has the lease."""
    running = given.pop("replicas", 1)
    row = given.pop("row", make.row(holder=active.colour))
    trader = BLUE if active.colour == "blue" else GREEN
    seen = make.observed(
        pods=given.pop("pods", (trader,)),
        row=row,
        reports=given.pop("reports", {trader.uid: TRADER}),
        revisions=given.pop("revisions", (make.revision(1), make.revision(2))),
    )
    move = Move(rollout, (Post(active.colour, active.revision, running),), active.colour, rule=given.pop("rule", ""))
    action = given.pop("action", Run("r2", 2, running))
    plan = Plan(action, move=move, terms=Terms(**given.pop("terms", {})))
    applied, status = Applied(given.pop("trouble", None)), given.pop("status", None)
    facts = Facts(make.bot(status=status), seen, plan, applied, given.pop("now", make.NOW))
    assert not given, given
    return facts


def said(facts):
    return {each.type: (each.status.value, each.reason, each.message) for each in conditions(facts)}


def status(facts):
    return report(facts.bot, facts.observed, facts.plan, facts.applied, facts.now)


def test_hand_over_under_way_is_reconciling_with_its_step_and_what_it_waits_for():
    """The trader goes on meanwhile, so the bot is ready and nothing is stalled; its phase is the step."""
    facts = told(SWAP)
    assert said(facts)["Reconciling"] == (
        "True",
        "Starting",
        "revision r2 in colour green: the process is not up yet",
    )
    assert said(facts)["Progressing"] == said(facts)["Reconciling"]
    assert said(facts)["Ready"] == ("True", "PodReady", "pod btc-blue-1 serves")
    assert "Stalled" not in said(facts)
    assert status(facts)["phase"] == "Starting"
    assert status(told(at(Step.DRAINING)))["phase"] == "Draining"


def test_step_that_waits_for_nothing_names_only_the_place():
    """A record without a reason."""
    facts = told(at(Step.RELEASING, reason=""))
    assert said(facts)["Reconciling"] == ("True", "Releasing", "revision r2 in colour green")


@pytest.mark.parametrize("rollout", [None, at(Step.DONE), at(Step.OBSERVING), at(Step.IDLE)])
def test_nothing_is_under_way_at_rest_and_while_observing(rollout):
    """What has the lease trades: kstatus takes the bot for current."""
    facts = told(rollout, active=NEW)
    assert said(facts)["Progressing"] == ("False", "Settled", "nothing is under way")
    assert "Reconciling" not in said(facts)
    assert status(facts)["phase"] == "Running"


@pytest.mark.parametrize("rollout", [None, at(Step.DONE), at(Step.IDLE), at(Step.ROLLED_BACK)])
def test_who_waits_for_a_version_that_may_not_start_yet_waits_on(rollout):
    """The old one serves and no hand-over has begun, so kstatus and `helm --wait` must not take the bot for current."""
    facts = told(rollout, rule="lease unknown")
    waits = ("True", "Waiting", "revision r2 is asked for and r1 serves: lease unknown")
    assert said(facts)["Reconciling"] == waits
    assert said(facts)["Progressing"] == waits
    assert said(facts)["Ready"][0] == "True"
    assert status(facts)["observedGeneration"] == 1
    assert status(facts)["phase"] == "Running"


def test_version_that_is_held_is_not_waited_for():
    """It never starts by itself: the bot is stalled instead."""
    assert "Reconciling" not in said(told(at(Step.REFUSED, held=Held("r2", "it crashes"))))


def test_trouble_of_a_candidate_is_not_the_bots_while_the_hand_over_is_under_way():
    """The table judges it, with its own patience."""
    broken = replace(BLUE, ready=False, trouble="it crashes")
    assert "Stalled" not in said(told(SWAP, pods=(broken,)))
    assert said(told(at(Step.DONE), pods=(broken,)))["Stalled"] == ("True", "PodFailing", "it crashes")


def test_other_revision_serves_until_the_lease_goes_over():
    """What runs is not what the spec asks for, and Ready speaks of the generation that runs."""
    assert said(told(SWAP))["ConfigInSync"] == (
        "False",
        "OtherRevisionRuns",
        "revision r1 serves; the spec asks for r2",
    )
    assert said(told(at(Step.DONE), active=NEW))["ConfigInSync"] == ("True", "RevisionRuns", "revision r2 runs")


@pytest.mark.parametrize(
    ("kind", "step", "reason", "message"),
    [
        (Kind.SWAP, Step.REFUSED, "Refused", "revision r2 is held: it crashes"),
        (Kind.ROLLBACK, Step.ROLLED_BACK, "RolledBack", "revision r2 is held: it crashes"),
    ],
)
def test_held_revision_stalls_the_bot_until_the_spec_names_another_one(kind, step, reason, message):
    """A person must act: the spec asks for what is not tried again."""
    held = at(step, kind=kind, held=Held("r2", "it crashes"))
    assert said(told(held))["Stalled"] == ("True", reason, message)
    assert status(told(held))["phase"] == "Stalled"
    assert "Stalled" not in said(told(replace(held, held=Held("r9", "it crashes"))))
    assert "Stalled" not in said(told(replace(held, step=Step.ROLLING_BACK)))


LATE = timedelta(seconds=30)
STUCK = at(Step.FORCED, reason="nobody can take the lease: the process that was to is gone")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (told(STUCK), "nobody can take the lease: the process that was to is gone"),
        (
            told(at(Step.ADOPTING), NEW, now=make.NOW + LATE, reports={}),
            "colour green has the lease and has not taken over; no other colour is warm",
        ),
        (
            told(at(Step.ADOPTING), NEW, now=make.NOW + LATE, reports={"pod-2": make.said(trading_active=False)}),
            "colour green has the lease and has not taken over; no other colour is warm",
        ),
    ],
)
def test_bot_that_nobody_can_trade_is_stalled_and_not_reconciling(facts, message):
    """It does not end by itself, so it is not told as if it did."""
    assert said(facts)["Stalled"] == ("True", "NobodyCanTrade", message)
    assert "Reconciling" not in said(facts)
    assert status(facts)["phase"] == "Stalled"


@pytest.mark.parametrize(
    "facts",
    [
        told(at(Step.FORCED, reason="the trader is shut out")),
        told(at(Step.ADOPTING), NEW, now=make.NOW + LATE - timedelta(seconds=1), reports={}),
        told(at(Step.ADOPTING), NEW, now=make.NOW + LATE, reports={"pod-2": TRADER}),
        told(STUCK, replicas=0, pods=()),
        told(SWAP, now=make.NOW + LATE, reports={}),
        told(None),
    ],
)
def test_bot_that_may_yet_trade_is_not_stalled(facts):
    """Three times the deadline of taking over is waited; a suspended bot is to have no trader."""
    assert "Stalled" not in said(facts)


@pytest.mark.parametrize(
    ("row", "reports", "verdict"),
    [
        (make.row(), {}, ("True", "LeaseHeld", "epoch 4 is held by blue, process pod-1/1")),
        (make.row(released=True), {"pod-1": TRADER}, ("Unknown", "NobodyHolds", "epoch 4 is held by no process")),
        (make.row(instance=None), {}, ("Unknown", "NobodyHolds", "epoch 4 is held by no process")),
        (None, {"pod-1": make.said()}, ("True", "LeaseHeld", "epoch 4 is held by blue")),
        (None, {"pod-1": TRADER}, ("True", "LeaseHeld", "epoch 4 is held by pod-1/1")),
        (None, {"pod-1": make.said(epoch=None)}, ("Unknown", "NotReported", "no process has named its epoch")),
        (None, {}, ("Unknown", "NotReported", "no process has named its epoch")),
    ],
)
def test_single_writer_is_what_the_lease_says_and_else_what_a_process_said(row, reports, verdict):
    """The row is the truth; who says nothing holds nothing for all we know."""
    assert said(told(row=row, reports=reports))["SingleWriter"] == verdict


def beating(silent_ms, **changes):
    signs = (Sign("pod-1/1", "standby", silent_ms), Sign("pod-2/1", "trader", 100))
    return make.row(holder="green", instance="pod-2/1", signs=signs, **changes)


def warm(rollout=None, **given):
    standing = rollout or at(Step.OBSERVING)
    given = {"row": beating(1999), "pods": (BLUE, GREEN), "revisions": (make.revision(2),)} | given
    return said(told(standing, NEW, **given))["RollbackAvailable"]


def test_way_back_is_warm_while_the_other_colour_beats():
    """It says until when; what is kept warm for good has no end."""
    until = "revision r1 is warm in colour blue until 2026-11-21T14:15:00.000Z"
    assert warm() == ("True", "Warm", until)
    assert warm(terms={"warm": True}) == ("True", "Warm", "revision r1 is warm in colour blue")
    assert warm(at(Step.DONE)) == ("True", "Warm", "revision r1 is warm in colour blue")


@pytest.mark.parametrize(
    "given",
    [
        {"row": beating(2000)},
        {"row": None},
        {"pods": (GREEN,)},
        {"pods": (replace(BLUE, deleting=True), GREEN)},
        {"rollout": at(Step.ADOPTING)},
    ],
)
def test_way_back_is_not_warm_when_nobody_could_take_the_lease_at_once(given):
    """Silent, unknown, gone, going, or on its way itself."""
    nowhere = ("False", "OneColour", "btc has one colour; there is none to go back to")
    assert warm(**given) == nowhere


def test_way_back_is_cold_where_only_an_older_revision_is_recorded():
    """It would be started first."""
    cold = "cold only: no other colour is warm; an older revision would be started first"
    assert warm(pods=(GREEN,), revisions=(make.revision(1), make.revision(2))) == ("False", "ColdOnly", cold)


def test_what_another_colour_says_is_not_taken_for_the_traders_word():
    """While a hand-over is recorded, only a pod of the active colour speaks for the bot."""
    standby = {"pod-2": make.said(instance="pod-2/1", state="standby", trading_active=False)}
    facts = told(SWAP, reports=standby, pods=(BLUE, GREEN))
    assert facts.report is None
    assert said(facts)["TradingActive"] == ("Unknown", "NotReported", "the bot's process has not answered")


@pytest.mark.parametrize("order", [("pod-1", "pod-3"), ("pod-3", "pod-1")])
def test_a_twin_of_the_traders_colour_does_not_speak_for_it(order):
    """Somebody scaled the colour to two, or its old pod still ends: the one that trades is the one that counts."""
    twin = make.pod(uid="pod-3", name="btc-blue-2", colour="blue")
    words = {
        "pod-1": make.said(instance="pod-1/1", epoch=7),
        "pod-3": make.said(instance="pod-3/1", state="standby", trading_active=False, epoch=None),
    }
    pods = {"pod-1": BLUE, "pod-3": twin}
    facts = told(None, reports=words, pods=tuple(pods[each] for each in order))
    assert said(facts)["TradingActive"] == ("True", "Trading", "pod-1/1 trades under epoch 7")


def test_record_is_in_the_status_and_stays_where_nothing_can_move():
    """Whoever comes next goes on from it."""
    facts = told(SWAP)
    assert status(facts)["rollout"] == written(SWAP, Terms())
    assert "rollout" not in status(told(None, status={"rollout": {"uid": "old"}}))
    still = replace(facts, plan=Plan(Keep("SpecRejected", "why")), bot=make.bot(status={"rollout": {"uid": "old"}}))
    assert status(still)["rollout"] == {"uid": "old"}


def test_bot_whose_spec_is_refused_says_that_and_nothing_of_its_hand_over():
    """Without terms nothing is known of what is late or warm."""
    record = {"rollout": written(at(Step.ADOPTING), Terms())}
    facts = replace(
        told(row=beating(100), pods=(BLUE, GREEN), now=make.NOW + LATE),
        plan=Plan(Keep("SpecRejected", "spec.mode: 'money' cannot be used")),
        bot=make.bot(status=record),
    )
    assert said(facts)["Stalled"] == ("True", "SpecRejected", "spec.mode: 'money' cannot be used")
    done = replace(facts, bot=make.bot(status={"rollout": written(at(Step.DONE), Terms())}))
    assert said(done)["RollbackAvailable"][:2] == ("False", "ColdOnly")


def test_task_that_steers_is_remembered_once_and_the_oldest_is_forgotten():
    """So many names are kept."""
    plan = Plan(Keep("r", "m"), takes=Request("t", "task-1", "rollback"))
    begun = [{"name": "t", "uid": "task-1"}]
    assert carried(make.bot(), plan) == {"tasks": begun}
    assert carried(make.bot(status={"tasks": begun}), plan) == {"tasks": begun}
    assert carried(make.bot(), Plan(Keep("r", "m"))) == {}
    full = [{"name": f"t{number}", "uid": str(number)} for number in range(KEPT_TASKS)]
    kept = carried(make.bot(status={"tasks": full}), plan)["tasks"]
    assert (len(kept), kept[0]["name"], kept[-1]) == (64, "t1", begun[0])


def test_place_that_serves_is_that_of_the_lease():
    """Colour, revision and epoch; since when moves only with the first two."""
    before = {"colour": "blue", "revision": "r1", "epoch": 3, "since": "2026-11-21T12:00:00Z"}
    same = status(told(SWAP, status={"active": before}))["active"]
    assert same == {"colour": "blue", "revision": "r1", "epoch": 4, "since": "2026-11-21T12:00:00Z"}
    gone_over = status(told(at(Step.OBSERVING), NEW, status={"active": before}))["active"]
    assert gone_over == {"colour": "green", "revision": "r2", "epoch": 4, "since": "2026-11-21T14:00:00Z"}


def test_place_is_not_named_before_a_revision_is_known():
    """A lease alone names no revision; what served last stays."""
    nothing = {"pods": (), "trouble": Trouble("NameTaken", "Service btc exists")}
    assert "active" not in status(told(**nothing))
    kept = {"colour": "blue", "since": "2026-11-21T12:00:00Z"}
    assert status(told(**nothing, status={"active": kept}))["active"] == kept


@given(
    st.sampled_from(Kind),
    st.sampled_from(Step),
    st.sampled_from((OLD, NEW)),
    st.sampled_from((None, make.row(), make.row(released=True), beating(100))),
    st.booleans(),
    st.sampled_from((0, 60, 3600)),
)
def test_every_moment_of_a_hand_over_has_reasons_from_the_reference(kind, step, active, row, held, seconds):
    """Whatever stands, what it means and what to do can be looked up."""
    rollout = at(step, kind=kind, held=Held("r2", "it crashes") if held else None)
    pods = (BLUE, GREEN) if active is OLD else (GREEN,)
    facts = told(rollout, active, row=row, pods=pods, now=make.NOW + timedelta(seconds=seconds))
    known = {(each.condition, each.status, each.reason) for each in REASONS}
    assert {(kind, *rest[:2]) for kind, rest in said(facts).items()} - known == set()
