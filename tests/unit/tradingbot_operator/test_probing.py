"""Jobs and queries that ask a colour: which are asked when, and what their answers mean."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

import make_operator as make
from tradingbot_operator.domain.handover import Bar, Kind, Launch, Place, Rollout, Seen, Side, Step, Terms, Verdict
from tradingbot_operator.domain.lease import Sign
from tradingbot_operator.domain.observed import Schema
from tradingbot_operator.domain.probe import Check, Command, JobState, Probe
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.gates import can_be_asked, verdicts
from tradingbot_operator.plan.handover import move
from tradingbot_operator.plan.probing import asks, due, over, unanswered, worse_analysis

STANDBY = make.said(
    instance="pod-2/1",
    state="standby",
    trading_active=False,
    exchange="ok",
    database="ok",
    schema=Schema("0002", "0002"),
)
TRADER = make.said(unresolved=0, journal=0)
SMOKE = Bar("smoke", None, 3)
OWN = Command(("check", "--all"), None, 300)
ERRORS = Check("errors", 'rate(errors{colour="$colour"}[1m])', "0.05")
PATH = Check("path", command=OWN)


def case(step=Step.VERIFYING, probes=(), kind=Kind.SWAP, samples=None, at=0, said=STANDBY, **terms):
    blue = Side("blue", "r1", 1, "btc-blue-1", True, None, "pod-1/1", 100, TRADER)
    green = Side("green", "r2", 1, "btc-green-1", True, None, "pod-2/1", 100, said)
    observing = step is Step.OBSERVING
    active = Place("green", "r2") if observing else Place("blue", "r1")
    row = (
        make.row(holder="green", instance="pod-2/1", signs=(Sign("pod-2/1", "trader", 100),))
        if observing
        else make.row()
    )
    rollout = Rollout("u", kind, step, Place("blue", "r1"), Place("green", "r2"), make.NOW, make.NOW)
    seen = Seen(row, blue, green, active, "r2", Terms(**terms), probes=probes, samples=samples or {})
    return Case(rollout, seen, make.NOW + timedelta(seconds=at))


def answered(given, state, words="", place=0):
    """*given* after the Job at that place of what it asks has come that far."""
    key = asks(given)[place].key
    probe = Probe(key, f"btc-{key}", "uid", state, words)
    return replace(given, seen=replace(given.seen, probes=(*(given.seen.probes or ()), probe)))


def said_of(gate, given):
    return next(each for each in verdicts(given) if each.gate == gate)


@pytest.mark.parametrize(
    ("given", "result", "message"),
    [
        (case(gates=(SMOKE,), probes=None), "waiting", "its Job cannot be seen yet"),
        (case(gates=(SMOKE,), said=None), "waiting", "its Job has not begun"),
        (answered(case(gates=(SMOKE,)), JobState.RUNS), "waiting", "its Job runs"),
        (answered(case(gates=(SMOKE,)), JobState.DONE), "passed", ""),
        (answered(case(gates=(SMOKE,)), JobState.FAILED, "database is 'away'"), "refused", "database is 'away'"),
    ],
)
def test_smoke_test_passes_only_when_its_job_is_complete(given, result, message):
    """A Job that is not seen, has not begun or runs is waited for; only one that failed refuses, in its own words."""
    assert said_of("smoke", given) == Verdict("smoke", result, message)


def test_job_that_failed_without_a_word_is_named():
    """The person knows which Job to look at."""
    failed = answered(case(gates=(Bar("job", None, 3, OWN),)), JobState.FAILED)
    assert said_of("job", failed).message == f"Job {failed.seen.probes[0].name} failed and said nothing"


def test_job_asks_the_process_that_is_to_be_named():
    """Another start of the candidate is asked anew; without a process nothing can be asked."""
    first, again, nobody = (
        replace(each, seen=replace(each.seen, green=replace(each.seen.green, instance=instance)))
        for each in [case(gates=(SMOKE,))]
        for instance in ("pod-2/1", "pod-2/2", None)
    )
    assert due(first) == Launch(asks(first)[0])
    assert asks(first)[0].key != asks(again)[0].key
    assert (asks(nobody), due(nobody)) == ((), None)
    assert said_of("smoke", nobody) == Verdict("smoke", "waiting", "its Job cannot be seen yet")


def test_job_begins_only_when_the_candidate_serves():
    """A candidate that is not up would fail a test that says nothing but that."""
    ready = case(gates=(SMOKE,))
    assert can_be_asked(verdicts(ready))
    starting = case(gates=(SMOKE,), said=replace(STANDBY, state="starting"))
    assert not can_be_asked(verdicts(starting))
    assert move(starting.rollout, starting.seen, starting.now).effect is None
    assert move(ready.rollout, ready.seen, ready.now).effect == due(ready)


def test_one_job_begins_at_a_time_and_none_while_they_cannot_be_seen():
    """What exists is not begun again."""
    given = case(gates=(SMOKE, Bar("job", None, 3, OWN)))
    assert [each.name for each in asks(given)] == ["smoke", "job"]
    assert due(answered(given, JobState.RUNS)) == Launch(asks(given)[1])
    assert due(answered(answered(given, JobState.RUNS), JobState.RUNS, place=1)) is None
    assert due(case(gates=(SMOKE,), probes=None)) is None


def test_gates_that_all_pass_let_the_order_go():
    """The Job's answer stands in the record, and the Job is over."""
    done = answered(case(gates=(SMOKE,)), JobState.DONE)
    made = move(done.rollout, done.seen, done.now)
    assert (made.rollout.step, made.rollout.gates[-1]) == (Step.DRAINING, Verdict("smoke", "passed"))


def test_failed_smoke_test_refuses_and_holds_the_candidate():
    """The trader is not disturbed; the revision is not tried again."""
    failed = answered(case(gates=(SMOKE,)), JobState.FAILED, "metrics: no answer")
    made = move(failed.rollout, failed.seen, failed.now)
    assert (made.rollout.step, made.rollout.held.revision) == (Step.REFUSED, "r2")
    assert made.rollout.reason == "gate smoke: metrics: no answer"
    assert over(Case(made.rollout, failed.seen, failed.now)) == failed.seen.probes


def test_promotion_is_smoke_tested_and_seen_by_the_doctor_unasked():
    """A gate the spec asks for as well is not asked twice; one that a person skips is not asked."""
    promoted = case(kind=Kind.PROMOTION, gates=(SMOKE,))
    assert [each.name for each in asks(promoted)] == ["doctor", "smoke"]
    skipping = case(kind=Kind.PROMOTION, skipped=("doctor",))
    assert [each.name for each in asks(skipping)] == ["smoke"]


def test_skipped_job_is_noted_as_skipped():
    """The record shows what a person left out."""
    assert said_of("smoke", case(gates=(SMOKE,), skipped=("smoke",))) == Verdict("smoke", "skipped")


@pytest.mark.parametrize("kind", [Kind.RESTART, Kind.TAKEOVER, Kind.ROLLBACK])
def test_way_back_is_asked_nothing(kind):
    """What was proved before needs no proof."""
    assert asks(case(kind=kind, gates=(SMOKE,), analysis=(PATH,))) == ()
    assert asks(case(Step.OBSERVING, kind=kind, analysis=(PATH,))) == ()


@pytest.mark.parametrize(("step", "left"), [(Step.DRAINING, 0), (Step.ADOPTING, 0), (Step.DONE, 1), (Step.REFUSED, 1)])
def test_jobs_are_removed_when_the_lease_is_not_on_its_way(step, left):
    """Nothing may take time between two traders."""
    done = answered(case(gates=(SMOKE,)), JobState.DONE)
    assert len(over(Case(replace(done.rollout, step=step), done.seen, done.now))) == left


def test_without_a_hand_over_nothing_is_asked():
    """A bot that was never swapped has no Jobs to ask; what is left of old ones goes."""
    stray = Probe("k", "btc-k", "uid", JobState.DONE)
    given = case(probes=(stray,))
    assert asks(replace(given, rollout=None)) == ()
    assert over(replace(given, rollout=None)) == (stray,)


BOTH = {("errors", "green"): Decimal("0.2"), ("errors", "blue"): Decimal("0.01")}


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (BOTH, "analysis errors: 0.2 is above 0.05; revision r1 has 0.01"),
        ({**BOTH, ("errors", "blue"): Decimal("0.05")}, "analysis errors: 0.2 is above 0.05; revision r1 has 0.05"),
        ({**BOTH, ("errors", "green"): Decimal("0.05")}, None),
        ({**BOTH, ("errors", "blue"): Decimal("0.3")}, None),
        ({("errors", "green"): Decimal("0.2")}, None),
        ({("errors", "blue"): Decimal("0.01")}, None),
        ({}, None),
    ],
)
def test_query_rolls_back_only_what_the_old_colour_passes(samples, said):
    """Both fail: not the revision's fault. One is not known: nothing is known."""
    assert worse_analysis(case(Step.OBSERVING, analysis=(ERRORS,), samples=samples)) == said


def test_query_without_an_answer_is_named_and_rolls_nothing_back():
    """People see that nobody looks."""
    mute = case(Step.OBSERVING, analysis=(ERRORS,))
    made = move(mute.rollout, mute.seen, mute.now)
    assert (made.rollout.step, made.rollout.reason) == (
        Step.OBSERVING,
        "analysis errors: Prometheus has no value for each colour",
    )
    assert unanswered(case(Step.OBSERVING, analysis=(ERRORS, PATH), samples=BOTH)) == ""


def test_failed_query_gives_the_lease_back():
    """The old colour is named at once, and the revision is held."""
    given = case(Step.OBSERVING, analysis=(ERRORS,), samples=BOTH)
    made = move(given.rollout, given.seen, given.now)
    assert (made.rollout.step, made.rollout.held.revision) == (Step.ROLLING_BACK, "r2")


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (JobState.FAILED, JobState.DONE, "analysis path: no way out"),
        (JobState.FAILED, JobState.FAILED, None),
        (JobState.FAILED, JobState.RUNS, None),
        (JobState.DONE, JobState.DONE, None),
        (JobState.RUNS, JobState.DONE, None),
    ],
)
def test_job_rolls_back_only_when_it_fails_on_the_new_colour_and_passes_on_the_old(new, old, said):
    """The same Job runs against both."""
    given = case(Step.OBSERVING, analysis=(PATH,))
    both = answered(answered(given, new, "no way out"), old, place=1)
    assert worse_analysis(both) == said


def test_job_of_the_observation_that_says_nothing_is_named():
    """One of the two has not ended: nothing is known."""
    given = case(Step.OBSERVING, analysis=(PATH,))
    assert worse_analysis(given) is None
    assert worse_analysis(answered(given, JobState.FAILED)) is None
    both = answered(answered(given, JobState.FAILED), JobState.DONE, place=1)
    assert worse_analysis(both) == f"analysis path: Job {both.seen.probes[0].name} failed"


def test_job_of_the_observation_is_asked_anew_in_each_window():
    """Both colours in the same round; the Jobs of the round before are over."""
    hourly = replace(PATH, window=timedelta(minutes=1))
    first, second = (case(Step.OBSERVING, analysis=(hourly,), at=at) for at in (59, 61))
    assert [each.colour for each in asks(first)] == ["green", "blue"]
    assert {each.key for each in asks(first)}.isdisjoint(each.key for each in asks(second))
    old = answered(first, JobState.DONE).seen
    assert over(Case(second.rollout, old, second.now)) == old.probes
    once = [case(Step.OBSERVING, analysis=(PATH,), at=at) for at in (59, 61)]
    assert asks(once[0]) == asks(once[1])


def test_job_of_the_observation_begins_while_the_old_colour_is_warm():
    """With nobody to compare with, or to go back to, it would tell nothing."""
    given = case(Step.OBSERVING, analysis=(PATH,))
    assert move(given.rollout, given.seen, given.now).effect == Launch(asks(given)[0])
    cold = replace(given.seen, blue=replace(given.seen.blue, silent_ms=None))
    assert move(given.rollout, cold, given.now).effect is None
    taken = case(Step.OBSERVING, kind=Kind.TAKEOVER, analysis=(PATH, ERRORS))
    made = move(taken.rollout, taken.seen, taken.now)
    assert (made.effect, made.rollout.reason) == (None, "")
