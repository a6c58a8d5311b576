"""The hand-over's table against a tiny model of ledger and node: it always ends, and at rest it does nothing."""

import os
from collections import Counter
from dataclasses import replace

import pytest

from planted import NEW, NEWER, OLD, Operator, Planted, running, states, verdict
from tradingbot_operator.domain.handover import AT_REST, Held, Kind, Request, Step
from tradingbot_operator.plan.handover import RULES

# One of so many planted states is tried by default; DEEP=1 tries them all, which takes half an hour.
EVERY_NTH = 1 if os.environ.get("DEEP") else 997


def test_edit_swaps_and_the_old_colour_stops_after_the_observation():
    """Green starts, passes its gates, takes the lease; blue stays warm, then stops."""
    at = running(NEW)
    steps = []
    at.until(lambda: steps.append(at.rollout and at.rollout.step) or at.step_is(Step.OBSERVING))
    assert [each for each in dict.fromkeys(steps) if each not in (None, Step.VERIFYING)] == [
        Step.STARTING,
        Step.DRAINING,
        Step.ADOPTING,
        Step.OBSERVING,
    ]
    assert at.trades() == NEW
    assert at.deployed == {"blue": (OLD, 1), "green": (NEW, 1)}
    at.settle()
    assert (at.rollout.step, at.ledger.epoch) == (Step.DONE, 2)
    assert at.deployed == {"blue": (OLD, 0), "green": (NEW, 1)}


def test_every_step_has_a_last_rule_that_always_holds():
    """No moment is without an answer."""
    for step in Step:
        last = [rule for rule in RULES if step in rule.steps][-1]
        assert last.test.__name__ == "always", step


def test_lease_that_is_unknown_moves_nothing_and_the_swap_goes_on_after_an_hour():
    """The ledger was away for an hour: nothing was concluded from it."""
    at = running(NEW)
    at.until(lambda: at.rollout is not None)
    at.ledger.away = True
    before = at.deployed
    for _ in range(20):
        at.once()
    assert (at.effects, at.deployed, at.rollout.step) == ([], before, Step.STARTING)
    at.ledger.away = False
    at.node.pass_time(10)
    at.until(lambda: at.step_is(Step.OBSERVING))


def test_operator_away_for_an_hour_after_the_order_finds_what_came_of_it():
    """The order was void long since, or obeyed: either way one colour trades and the swap ends."""
    for busy in (False, True):
        at = running(NEW)
        at.node.processes["blue"].busy = busy
        at.until(lambda at=at: "Order" in at.effects)
        at.node.pass_time(3_000)
        at.node.pass_time(30_000)
        at.node.processes["blue"].busy = False
        at.settle()
        assert at.trades() == (NEW if not busy or at.rollout.step is Step.DONE else OLD)
        assert at.rollout.step in AT_REST


@pytest.mark.parametrize("when", [Step.STARTING, Step.ADOPTING, Step.OBSERVING])
def test_someone_deletes_green(when):
    """Its Deployment comes back while it is needed, and the hand-over ends; what trades is not held."""
    at = running(NEW)
    at.until(lambda: at.step_is(when))
    at.node.stop("green") if "green" in at.node.processes else None
    at.deployed.pop("green", None)
    at.settle()
    assert (at.trades(), at.rollout.held) == (NEW, None)
    assert at.rollout.step in AT_REST


def test_deleted_trader_comes_back_as_it_was():
    """At rest the active colour's Deployment is made again with the revision the lease names."""
    at = running()
    at.node.stop("blue")
    at.deployed.clear()
    at.settle()
    assert (at.trades(), at.deployed) == (OLD, {"blue": (OLD, 1)})


def test_held_revision_is_not_tried_again_until_the_spec_differs():
    """A refused revision stays refused; another one is tried at once."""
    at = running(NEW)
    at.node.broken = {NEW: "it crashes"}
    at.until(lambda: at.step_is(Step.REFUSED))
    assert at.rollout.held == Held(NEW, "it crashes")
    at.settle()
    assert (at.deployed["green"], at.trades()) == ((NEW, 0), OLD)
    at.wanted = NEWER
    at.settle()
    assert (at.trades(), at.rollout.held) == (NEWER, None)


def test_hold_ends_when_the_spec_asks_for_what_trades():
    """Nothing is to be done then, and the same revision may be tried again later."""
    at = running(NEW)
    at.node.broken = {NEW: "it crashes"}
    at.until(lambda: at.step_is(Step.REFUSED))
    at.wanted = OLD
    at.settle()
    assert (at.trades(), at.rollout.held) == (OLD, None)


def test_promote_task_lifts_the_hold():
    """What was refused is tried again when a person says so."""
    at = running(NEW)
    at.node.broken = {NEW: "it crashes"}
    at.until(lambda: at.step_is(Step.REFUSED))
    at.node.broken = {}
    at.request = Request("t", "u", "promote")
    at.settle()
    assert at.trades() == NEW
    assert at.told[0] == "what was held may be tried again"


def test_promote_task_ends_the_waiting_and_the_observation():
    """Gates that wait are passed over, and so is the rest of the observation."""
    at = running(NEW)
    at.until(lambda: at.rollout is not None)
    at.node.processes["green"].exchange = "the venue is away"
    at.until(lambda: at.step_is(Step.VERIFYING))
    assert at.rollout.reason == "gate exchange: the venue is away"
    at.request = Request("t", "u", "promote")
    at.until(lambda: at.step_is(Step.OBSERVING))
    at.request = Request("t2", "u2", "promote")
    at.once()
    assert at.rollout.step is Step.DONE


def test_restart_task_brings_the_same_revision_up_in_the_other_colour():
    """Nobody is without a trader meanwhile."""
    at = running()
    at.request = Request("t", "u", "restart")
    at.settle()
    assert (at.trades(), at.ledger.holder, at.rollout.kind) == (OLD, "green", Kind.RESTART)


def test_blackout_window_lets_nothing_begin_and_a_rollback_through():
    """A swap waits; the way back does not."""
    at = running(NEW)
    at.until(lambda: at.step_is(Step.OBSERVING))
    at.terms = replace(at.terms, blackout=True)
    at.wanted = NEWER
    for _ in range(10):
        at.once()
    assert at.trades() == NEW
    at.request = Request("t", "u", "rollback", OLD)
    at.settle()
    assert at.trades() == OLD


def test_new_revision_while_observing_takes_the_warm_colour():
    """The colour of the old revision starts the newest one; there is no warm way back meanwhile."""
    at = running(NEW)
    at.until(lambda: at.step_is(Step.OBSERVING))
    at.wanted = NEWER
    at.until(lambda: at.step_is(Step.STARTING))
    assert at.deployed == {"blue": (NEWER, 1), "green": (NEW, 1)}
    at.settle()
    assert (at.trades(), at.ledger.holder) == (NEWER, "blue")


def test_warm_colour_takes_over_from_a_trader_that_is_lost():
    """With standby warm nobody needs the lost pod: the other colour trades within 30 s."""
    at = running(warm=True)
    at.until(lambda: "green" in at.node.processes and at.side("green").instance)
    at.node.processes["blue"].frozen = True
    began = at.ledger.now
    at.until(lambda: at.trades() == OLD and at.ledger.holder == "green")
    assert at.ledger.now - began < 30_000
    at.settle()
    assert at.rollout.kind is Kind.TAKEOVER


def test_lost_trader_in_the_observation_is_taken_back_and_held():
    """What just took over and vanished is not tried again by itself."""
    at = running(NEW)
    at.until(lambda: at.step_is(Step.OBSERVING))
    at.node.processes["green"].frozen = True
    at.until(lambda: at.trades() == OLD)
    at.settle()
    assert at.rollout.held.revision == NEW


def test_frozen_trader_is_replaced_within_five_seconds_of_being_asked():
    """Shut out, its last request waited out, the other colour named."""
    at = running(NEW)
    at.until(lambda: at.rollout is not None and at.side("green").instance is not None)
    at.node.processes["blue"].frozen = True
    at.until(lambda: "Order" in at.effects)
    asked = at.ledger.now
    at.until(lambda: at.trades() == NEW)
    assert at.ledger.now - asked <= 5_000
    assert at.effects == ["Order", "Fence", "Grant"]


def test_colour_that_was_shut_out_gets_another_pod_which_may_log_in_again():
    """The process that was shut out never may: its pod ends, the next one is admitted, and the colour is warm again."""
    at = running(NEW)
    at.until(lambda: at.rollout is not None and at.side("green").instance is not None)
    frozen = at.node.processes["blue"]
    frozen.frozen = True
    at.until(lambda: at.step_is(Step.OBSERVING))
    assert at.ledger.shut == {"blue"}
    at.until(lambda: not at.ledger.shut)
    assert at.node.processes["blue"].uid != frozen.uid
    assert at.effects == ["Order", "Fence", "Grant", "Kill", "Admit"]


def test_way_back_to_a_revision_whose_process_was_shut_out_begins_with_another_pod():
    """Its Deployment is as it should be, so nothing else would bring a process that can log in."""
    at = running(NEW)
    at.until(lambda: at.rollout is not None and at.side("green").instance is not None)
    at.node.processes["blue"].frozen = True
    at.until(lambda: at.step_is(Step.OBSERVING))
    at.wanted, asked = OLD, at.ledger.now
    at.until(lambda: at.trades() == OLD)
    assert at.ledger.now - asked < 60_000


def test_pods_of_a_file_are_ended_before_another_is_named():
    """Nobody can be shut out of a file from afar."""
    at = running(NEW)
    at.embedded = True
    at.until(lambda: at.rollout is not None and at.side("green").instance is not None)
    at.node.processes["blue"].frozen = True
    at.until(lambda: at.trades() == NEW)
    assert at.effects == ["Order", "Kill", "Fence", "Grant"]


def test_recreate_replaces_in_place():
    """One colour: the old pod is gone before the new one has the lease."""
    at = running(NEW)
    at.swappable = False
    at.settle()
    assert (at.trades(), at.deployed, at.rollout.step) == (NEW, {"blue": (NEW, 1)}, Step.DONE)


def test_edit_before_the_first_claim_is_a_swap_all_the_same():
    """The first trader is up and will claim within a moment: it is not stopped for what comes next."""
    at = Operator()
    at.until(lambda: "blue" in at.node.processes)
    at.ledger.beats["pod-blue-1/1"] = ("standby", at.ledger.now)
    at.ledger.epoch, at.ledger.instance = 0, None
    at.wanted = NEW
    at.until(lambda: at.step_is(Step.STARTING))
    assert at.rollout.target.colour == "green"
    at.settle()
    assert (at.trades(), at.ledger.holder) == (NEW, "green")


def test_suspended_bot_runs_nothing_and_comes_back_with_what_is_asked_for():
    """Nothing runs, so nothing is handed over."""
    at = running(NEW)
    at.until(lambda: at.step_is(Step.OBSERVING))
    at.terms = replace(at.terms, suspended=True)
    at.settle()
    assert {replicas for _, replicas in at.deployed.values()} == {0}
    at.wanted = NEWER
    at.settle()
    at.terms = replace(at.terms, suspended=False)
    at.settle()
    assert at.trades() == NEWER


def test_every_planted_state_ends_at_rest_or_says_why_nobody_can_trade():
    """From each, repeated moves end; a second look does nothing; nobody is named while a request may live."""
    every = tuple(states())
    assert len(every) == 98496
    ends = Counter(verdict(each) for each in every[::EVERY_NTH])
    assert {each for each in ends if not each.startswith("nobody")} <= {step.value for step in AT_REST}


@pytest.mark.parametrize(
    "planted",
    [
        Planted(Step.FORCED, Kind.ROLLBACK, False, "source", "none", "busy", "broken", NEWER, False, False),
        Planted(Step.STARTING, Kind.SWAP, True, "target", "none", "broken", "well", NEW, False, False),
        Planted(Step.RELEASING, Kind.ROLLBACK, False, "source", "void", "busy", "deaf", NEWER, False, True),
        Planted(Step.FORCED, Kind.SWAP, False, "source", "valid", "killed", "well", NEW, True, True),
        Planted(Step.DRAINING, Kind.ROLLBACK, False, "target", "none", "retired", "deaf", NEW, False, False),
        Planted(Step.FORCED, Kind.TAKEOVER, False, "source", "valid", "broken", "well", NEWER, True, True),
    ],
    ids=str,
)
def test_states_that_once_did_not_end(planted):
    """Each of these was found by the enumeration."""
    assert verdict(planted)
