"""Gates before a switch and checks after it: each passes, and each refuses or waits."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

import make_operator as make
from tradingbot_operator.domain.handover import Bar, Kind, Place, Rollout, Seen, Side, Step, Terms, Verdict
from tradingbot_operator.domain.observed import Schema, Shadow
from tradingbot_operator.domain.operations import Window
from tradingbot_operator.domain.windows import within
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.gates import verdicts
from tradingbot_operator.plan.observation import worse
from tradingbot_operator.plan.sides import skipped

GOOD = make.said(
    instance="pod-2/1",
    state="standby",
    trading_active=False,
    exchange="ok",
    database="ok",
    schema=Schema("0002", "0002"),
    shadow=Shadow(10, 0, Decimal(0)),
)
TRADER = make.said(unresolved=0, journal=0)


def case(said=GOOD, trader=TRADER, row=None, ready=True, **terms):
    blue = Side("blue", "r1", 1, "btc-blue-1", True, None, "pod-1/1", 100, trader)
    green = Side("green", "r2", 1, "btc-green-1", ready, None, "pod-2/1", 100, said)
    here = Place("blue", "r1")
    rollout = Rollout("u", Kind.SWAP, Step.VERIFYING, here, Place("green", "r2"), make.NOW, make.NOW)
    return Case(rollout, Seen(row or make.row(), blue, green, here, "r2", Terms(**terms)), make.NOW)


def said_of(gate, given):
    return next(each for each in verdicts(given) if each.gate == gate)


def test_candidate_that_is_all_well_passes_every_gate():
    """Seven gates always stand."""
    assert [(each.gate, each.result) for each in verdicts(case())] == [
        ("ready", "passed"),
        ("standby", "passed"),
        ("exchange", "passed"),
        ("database", "passed"),
        ("schema", "passed"),
        ("unresolved", "passed"),
        ("journal", "passed"),
    ]


@pytest.mark.parametrize(
    ("gate", "given", "message"),
    [
        ("ready", case(ready=False), "the pod is not ready"),
        ("standby", case(replace(GOOD, state="starting")), "the process is starting"),
        ("standby", case(replace(GOOD, instance="pod-2/0")), "the process is standby"),
        ("standby", case(None), "the process is silent"),
        ("exchange", case(replace(GOOD, exchange="the venue answers 503")), "the venue answers 503"),
        ("exchange", case(replace(GOOD, exchange=None)), "the process has not said"),
        ("database", case(replace(GOOD, database="locked")), "locked"),
        ("schema", case(replace(GOOD, schema=None)), "the process has not said which schema it was written for"),
        (
            "schema",
            case(replace(GOOD, schema=Schema("0003", "0002"))),
            "the ledger has schema 0002; this revision needs 0003",
        ),
        ("unresolved", case(trader=replace(TRADER, unresolved=2)), "the trader has writes whose outcome is unknown: 2"),
        ("unresolved", case(trader=None), "the trader has not said"),
        ("journal", case(trader=replace(TRADER, journal=1)), "the trader has exits that are not in the ledger yet: 1"),
    ],
)
def test_gate_that_does_not_pass_waits_and_says_for_what(gate, given, message):
    """Unknown is not passed, and no fact here condemns the revision."""
    assert said_of(gate, given) == Verdict(gate, "waiting", message)


def test_silent_trader_holds_up_no_gate():
    """It will be shut out; what it left is settled by who follows."""
    silent = make.row(signs=())
    assert said_of("unresolved", case(trader=None, row=silent)).result == "passed"
    assert said_of("journal", case(trader=None, row=silent)).result == "passed"


def shadowed(compared, differing, threshold="10", bars=5):
    shadow = Shadow(compared, differing, Decimal(0))
    return said_of("shadow", case(replace(GOOD, shadow=shadow), gates=(Bar("shadow", threshold, bars),)))


def test_shadow_waits_for_its_bars_then_passes_or_refuses():
    """The share of differing decisions, over at least so many bars."""
    assert shadowed(4, 0) == Verdict("shadow", "waiting", "4 of 5 bars compared")
    assert shadowed(10, 1) == Verdict("shadow", "passed")
    assert shadowed(10, 2) == Verdict("shadow", "refused", "20.0 % of 10 decisions differ; 10 % are allowed")
    assert shadowed(10, 1, None).result == "refused"


def test_gate_that_is_not_measured_is_refused_rather_than_forgotten():
    """A wish about money is not passed over in silence."""
    said = said_of("latency", case(gates=(Bar("latency", "5", 3),)))
    assert said.result == "refused"
    assert said.message.startswith("spec.rollout.gates: 'latency' is not measured by this operator; remove it")


@pytest.mark.parametrize(
    ("note", "names"),
    [
        ("shadow the model was replaced", ("shadow",)),
        ("shadow,exchange maintenance", ("shadow", "exchange")),
        ("shadow", ()),
        ("", ()),
    ],
)
def test_gate_is_skipped_only_with_a_reason(note, names):
    """The annotation names gates, and why."""
    assert skipped(note) == names
    verdict = said_of("exchange", case(replace(GOOD, exchange="away"), skipped=skipped(note)))
    assert verdict.result == ("skipped" if "exchange" in names else "waiting")


WELL = Side("green", "r2", 1, "p", True, None, "pod-2/1", 100, GOOD)


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (WELL, None),
        (replace(WELL, trouble="CrashLoopBackOff"), "crash loop: CrashLoopBackOff"),
        (replace(WELL, ready=False), "readiness: the pod is not ready"),
        (replace(WELL, report=replace(GOOD, exchange="away")), "errors: away"),
    ],
)
def test_new_trader_is_worse_only_where_the_old_colour_passes(new, sentence):
    """What both fail is not the revision's fault."""
    assert worse(new, WELL) == sentence
    assert worse(new, new) is None


@pytest.mark.parametrize(
    ("window", "now", "inside"),
    [
        (Window(start="09:00", end="17:00"), "2026-11-20T12:00:00+00:00", True),
        (Window(start="09:00", end="17:00"), "2026-11-20T17:00:00+00:00", False),
        (Window(start="22:00", end="02:00", days=("Fri",)), "2026-11-21T01:00:00+00:00", True),
        (Window(start="22:00", end="02:00", days=("Fri",)), "2026-11-20T01:00:00+00:00", False),
        (Window(start="22:00", end="02:00", days=("Sat",)), "2026-11-20T23:00:00+00:00", False),
        (Window(start="09:00", end="17:00", timezone="Europe/Berlin"), "2026-11-20T08:30:00+00:00", True),
    ],
)
def test_blackout_window_is_read_in_its_own_zone_and_over_midnight(window, now, inside):
    """A window that ends before it starts ends on the next day."""
    at = datetime.fromisoformat(now).astimezone(UTC)
    assert within((window,), at) is inside
    assert within((), at) is False
