"""What halted by itself is named in conditions by its one word."""

import pytest

import make_operator as make
from tradingbot_operator.cluster.reading import report
from tradingbot_operator.domain.revision import revision_name
from tradingbot_operator.report.conditions import conditions
from tradingbot_operator.report.reasons import CAUSES

HALT = {"id": "x", "kind": "reduce", "source": "limit", "reason": "lost 101", "since": "2026-11-21T12:00:00Z"}


def reason(kind, **changes):
    pods = (make.pod(ready=False, **changes.pop("pod", {})),)
    facts = make.facts(seen=make.observed(pods=pods, **changes))
    return next((each.status, each.reason) for each in conditions(facts) if each.type == kind)


@pytest.mark.parametrize("cause", [cause for cause, _ in CAUSES])
def test_a_limit_names_the_halted_condition(cause):
    """An alert or a person can tell a daily loss from a flash drawdown without reading the sentence."""
    said = report({"halts": [{**HALT, "cause": cause}]})
    assert reason("Halted", report=said) == ("True", cause)


def test_a_requested_halt_is_named_by_what_it_leaves_allowed():
    """A person's halt, and that of a bot that tells no cause, are as before."""
    assert reason("Halted", report=report({"halts": [HALT]})) == ("True", "Reduce")


def test_an_unsafe_key_has_a_reason_of_its_own():
    """The sentence with which the process ended tells it from any other failing pod."""
    told = "pod btc-blue-1: CrashLoopBackOff: UnsafeKeyPermissions: the key may withdraw"
    assert reason("Stalled", pod={"trouble": told, "revision": revision_name(make.bot().spec)}) == (
        "True",
        "UnsafeKeyPermissions",
    )
