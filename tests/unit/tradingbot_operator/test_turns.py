"""Moments of a hand-over that the model of ledger and node rarely brings about, each with what is done then."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

import make_operator as make
from planted import NEW, OLD, running
from tradingbot_operator.domain.handover import (
    Admit,
    Bar,
    Fence,
    Grant,
    Held,
    Kind,
    Order,
    Place,
    Request,
    Rollout,
    Seen,
    Side,
    Step,
    Terms,
)
from tradingbot_operator.domain.lease import Sign, Successor
from tradingbot_operator.domain.observed import Adoption, Schema, Shadow, Shut
from tradingbot_operator.plan import turns
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.handover import move

STANDBY = make.said(
    instance="pod-2/1",
    state="standby",
    trading_active=False,
    exchange="ok",
    database="ok",
    schema=Schema("0002", "0002"),
    shadow=Shadow(10, 5, Decimal(0)),
)
BLUE = Side("blue", "r1", 1, "btc-blue-1", True, None, "pod-1/1", 100, make.said(unresolved=0, journal=0))
GREEN = Side("green", "r2", 1, "btc-green-1", True, None, "pod-2/1", 100, STANDBY)
GONE = Side("green", "r2", 1)
HERE, THERE = Place("blue", "r1"), Place("green", "r2")
SUCCESSOR = Successor("green", "pod-2/1", "r2")
BACK = Request("t", "task-1", "rollback", None)


def at(step, kind=Kind.SWAP, **changes):
    return replace(Rollout("u", kind, step, HERE, THERE, make.NOW, make.NOW, epoch=4), **changes)


def look(blue=BLUE, green=GREEN, row=None, active=HERE, **given):
    return Seen(row or make.row(revision="r1"), blue, green, active, given.pop("wanted", "r2"), **given)


def done(rollout, seen, later=timedelta(0)):
    """The step, the effect and the reason of the next move."""
    made = move(rollout, seen, make.NOW + later)
    return made.rollout.step, made.effect, made.rollout.reason


def test_rule_that_asks_for_what_is_not_there_is_a_fault_of_the_table():
    """No record and no lease are never guessed at."""
    nothing = Case(None, replace(look(), row=None), make.NOW)
    assert nothing.step is Step.IDLE
    with pytest.raises(LookupError, match="no hand-over is recorded"):
        _ = nothing.now_on
    with pytest.raises(LookupError, match="the lease is unknown"):
        _ = nothing.row


@pytest.mark.parametrize("kind", ["rollback", "promote", "restart"])
def test_task_that_names_no_revision_wants_nowhere(kind):
    """Only a way back has a place, and only one that was found."""
    case = Case(None, look(request=Request("t", "task-1", kind, None if kind == "rollback" else "r1")), make.NOW)
    assert case.wanted_back is None
    assert case.asks(kind)


def test_candidate_that_a_gate_condemns_is_refused_and_held():
    """Half of its decisions differ; a tenth may."""
    seen = look(terms=Terms(gates=(Bar("shadow", "10", 5),)))
    made = move(at(Step.VERIFYING), seen, make.NOW)
    sentence = "gate shadow: 50.0 % of 10 decisions differ; 10 % are allowed"
    assert (made.rollout.step, made.effect, made.rollout.reason) == (Step.REFUSED, None, sentence)
    assert made.rollout.held == Held("r2", sentence)


def test_candidate_that_passed_its_gates_waits_for_the_end_of_a_blackout_window():
    """No swap begins in one; the order is given after it."""
    blackout = "spec.rollout.blackoutWindows: no swap begins now"
    assert done(at(Step.VERIFYING), look(terms=Terms(blackout=True))) == (Step.VERIFYING, None, blackout)
    order = Order(4, None, SUCCESSOR, 3000)
    assert done(at(Step.VERIFYING), look())[:2] == (Step.DRAINING, order)


def test_process_that_is_not_heard_of_is_given_no_order():
    """Nobody is named who might not be there."""
    turn = turns.order(Case(at(Step.DRAINING), look(green=GONE), make.NOW))
    assert (turn.effect, turn.rollout.step) == (None, Step.DRAINING)
    assert turn.rollout.reason == "the process that is to take over is not heard of"


def test_way_back_without_a_place_to_go_to_begins_nothing():
    """The record is as it was."""
    turn = turns.roll_back_cold(Case(at(Step.OBSERVING), look(request=BACK), make.NOW))
    assert (turn.effect, turn.rollout) == (None, at(Step.OBSERVING))


def test_what_traded_before_is_asked_for_again_while_the_trader_drains():
    """The order is taken back, then the hand-over is called off: the trader never stopped."""
    at_work = running(NEW)
    at_work.until(lambda: at_work.rollout is not None and at_work.side("green").instance is not None)
    at_work.node.processes["blue"].busy = True
    at_work.until(lambda: "Order" in at_work.effects)
    at_work.wanted = OLD
    at_work.until(lambda: at_work.step_is(Step.IDLE))
    assert at_work.effects == ["Order", "TakeBack"]
    assert at_work.rollout.reason == "what traded before is asked for again"
    assert (at_work.trades(), at_work.rollout.held, at_work.ledger.successor) == (OLD, None, None)


SILENT = make.row(revision="r1", signs=(Sign("pod-1/1", "trader", 60_000),))
RETURNED = replace(BLUE, instance="pod-9/1")


def test_trader_is_shut_out_before_a_new_process_of_its_colour_is_named():
    """The candidate is gone for good: better the old colour than nobody, once the last request is dead."""
    shut = look(RETURNED, GONE, SILENT)
    assert done(at(Step.FORCED), shut) == (Step.FORCED, Fence(4), "the trader is shut out")
    waiting = replace(shut, shut=Shut(4, 250))
    assert done(at(Step.FORCED), waiting)[1] is None
    over = replace(shut, shut=Shut(4, 0))
    grant = Grant(4, 5, Successor("blue", "pod-9/1", "r1"))
    assert done(at(Step.FORCED), over) == (Step.FORCED, grant, "the lease is granted")


@pytest.mark.parametrize("blue", [BLUE, Side("blue", "r1", 1), replace(RETURNED, silent_ms=60_000)])
def test_nobody_is_named_when_neither_colour_has_a_new_process(blue):
    """The one that was shut out is not named again, nor one that is silent."""
    step, effect, reason = done(at(Step.FORCED), look(blue, GONE, SILENT, shut=Shut(4, 0)))
    assert (step, effect, reason.split(":")[0]) == (Step.FORCED, None, "nobody can take the lease")


def test_role_of_the_trader_may_log_in_again_once_nothing_forced_is_under_way():
    """An operator that died after the fence left it shut out; while a process had retired there is no need."""
    shut_out = make.row(revision="r2", holder="green", instance="pod-2/1", can_login=False)
    assert done(at(Step.DONE), look(row=shut_out, active=THERE))[:2] == (Step.DONE, Admit("green"))
    retired = replace(shut_out, released=True)
    assert done(at(Step.DONE), look(row=retired, active=THERE))[1] is None


@pytest.mark.parametrize(
    ("said", "adopted"),
    [
        ({"epoch": 4, "trading_active": True}, True),
        ({"epoch": 4, "trading_active": False, "state": "halted"}, True),
        ({"epoch": 4, "trading_active": False, "state": "blocked"}, True),
        ({"epoch": 4, "trading_active": False, "state": "adopting"}, False),
        ({"epoch": 3, "trading_active": True}, False),
        ({"epoch": 4, "instance": "pod-2/0"}, False),
        ({"epoch": 4, "adoption": Adoption(4, "adopting")}, False),
        ({"epoch": 4, "adoption": Adoption(4, "adopted"), "trading_active": False}, True),
        ({"epoch": 4, "adoption": Adoption(3, "adopted"), "trading_active": False, "state": "adopting"}, False),
    ],
)
def test_new_trader_has_taken_over_when_it_says_so_of_this_epoch(said, adopted):
    """By its adoption, or where it tells none by its state; the word of another process or epoch is not its."""
    row = make.row(holder="green", instance="pod-2/1", revision="r2")
    report = make.said(**({"instance": "pod-2/1", "state": "trading"} | said))
    case = Case(at(Step.ADOPTING), look(green=replace(GREEN, report=report), row=row, active=THERE), make.NOW)
    assert case.adopted is adopted
