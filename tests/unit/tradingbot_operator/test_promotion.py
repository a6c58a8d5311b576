"""The gates before money: each passes, each refuses with field and cure, and each can be skipped with a reason."""

from dataclasses import replace
from datetime import timedelta

import pytest

import make_operator as make
from tradingbot_operator.domain.handover import Verdict
from tradingbot_operator.domain.names import SKIP_GATES
from tradingbot_operator.domain.observed import Halt
from tradingbot_operator.domain.plan import Keep, Run
from tradingbot_operator.domain.practice import Evidence, Spell, config_hash
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.plan.promotion import RULES, verdicts
from tradingbot_operator.report.practice import practice, promotion

SERVER = {"monitoring": {"prometheus": "http://prometheus:9090"}}
LIVE = {**make.LIVE, **SERVER}
CONFIG = config_hash(make.bot(LIVE).spec)
FORTNIGHT = 14 * 86400
PAPER = Spell("paper", CONFIG, "r1", FORTNIGHT, None, "2026-11-20T09:00:00Z")
DRY = Spell("dry-run", CONFIG, "r0", 3600)
PROVED = Evidence((PAPER, DRY), RULES)
TRADING = {"active": {"colour": "blue", "revision": "r1", "mode": "paper"}}
ALLOWED = make.site(allow_live=True)


def said(evidence=PROVED, spec=LIVE, status=TRADING, note="", report=None):
    bot = make.bot(spec, status, annotations={SKIP_GATES: note} if note else {})
    return verdicts(bot, bot.spec, make.observed(evidence=evidence, report=report), make.NOW)


def results(**given):
    return {each.gate: each.result for each in said(**given)}


def only(gate):
    return {name: "refused" if name == gate else "passed" for name in results()}


def sentence(gate, **given):
    return next(each.message for each in said(**given) if each.gate == gate)


def test_practised_bot_passes_every_gate():
    """Fourteen days on paper, a dry-run, alert rules, a halt that was obeyed, and a trader to be examined beside."""
    assert results() == dict.fromkeys(("paper-days", "dry-run", "alerts", "kill-path", "doctor"), "passed")


@pytest.mark.parametrize(
    ("gate", "given", "words"),
    [
        (
            "paper-days",
            {"evidence": Evidence((replace(PAPER, seconds=FORTNIGHT - 43200), DRY), RULES)},
            "status.practice: 13.5 of 14 days of mode paper with this configuration; let it trade on paper",
        ),
        (
            "dry-run",
            {"evidence": Evidence((PAPER, replace(DRY, seconds=59)), RULES)},
            "status.practice: NoDryRun: no mode dry-run with this configuration; let it run for a minute",
        ),
        (
            "alerts",
            {"evidence": Evidence((PAPER, DRY), RULES - {"TradingHalted"})},
            "spec.monitoring.prometheus: 'http://prometheus:9090' lacks TradingHalted; load manifests/monitoring",
        ),
        (
            "alerts",
            {"evidence": Evidence((PAPER, DRY), None)},
            "spec.monitoring.prometheus: 'http://prometheus:9090' does not say which rules it has;"
            " mend it or the address",
        ),
        (
            "alerts",
            {"spec": make.LIVE},
            "spec.monitoring.prometheus: not set, so nobody knows whether alert rules are loaded; set its address",
        ),
        (
            "kill-path",
            {"evidence": Evidence((replace(PAPER, halted="2026-10-22T13:00:00Z"), DRY), RULES)},
            "status.practice: no halt of this configuration in 30 days; halt it on paper once, and resume it",
        ),
        (
            "kill-path",
            {"evidence": Evidence((replace(PAPER, halted=None), DRY), RULES)},
            "status.practice: no halt of this configuration in 30 days; halt it on paper once, and resume it",
        ),
        (
            "doctor",
            {"status": {}},
            "spec.mode: nothing trades beside which a candidate could be examined; run atb doctor with these settings",
        ),
        (
            "doctor",
            {"spec": {**LIVE, "rollout": {"strategy": "Recreate"}}},
            "spec.mode: nothing trades beside which a candidate could be examined; run atb doctor with these settings",
        ),
    ],
)
def test_gate_that_is_not_passed_says_field_value_and_cure(gate, given, words):
    """And no other gate refuses for it."""
    assert results(**given) == only(gate)
    assert sentence(gate, **given) == words


def test_practice_of_another_configuration_does_not_count():
    """Fourteen days of another strategy prove nothing of this one."""
    other = Evidence(tuple(replace(each, config="0123456789") for each in PROVED.spells), RULES)
    refused = [name for name, result in results(evidence=other).items() if result == "refused"]
    assert refused == ["paper-days", "dry-run", "kill-path"]


def test_practice_adds_up_over_bots_and_counts_what_runs_now():
    """A ledger keeps one book, so that the bot that practised may have another name."""
    half = replace(PAPER, seconds=FORTNIGHT - 86400, since=None)
    running = replace(PAPER, seconds=0, since=make.NOW - timedelta(days=1), revision="r7")
    assert results(evidence=Evidence((half, running, DRY), RULES))["paper-days"] == "passed"


def test_gate_is_skipped_with_a_reason_and_only_the_gate_that_is_named():
    """Without a reason nothing is."""
    nothing = Evidence()
    skipping = said(evidence=nothing, note="paper-days,dry-run proved elsewhere, ticket 7")
    assert skipping[:2] == (
        Verdict("paper-days", "skipped", "proved elsewhere, ticket 7"),
        Verdict("dry-run", "skipped", "proved elsewhere, ticket 7"),
    )
    assert [each.result for each in skipping[2:]] == ["refused", "refused", "passed"]
    assert results(evidence=nothing, note="paper-days")["paper-days"] == "refused"


@pytest.mark.parametrize(
    "given",
    [
        {"status": {"active": {"colour": "blue", "revision": "r1", "mode": "live"}}},
        {"report": make.said(mode="live")},
        {"spec": make.MINIMAL},
        {"spec": {**LIVE, "suspend": True}},
    ],
)
def test_nothing_is_promoted_that_is_live_already_practises_or_rests(given):
    """A live bot is never stopped by a gate; one that is suspended is asked when it starts."""
    assert said(**given) == ()


def plan(evidence, note="", status=TRADING):
    seen = make.observed(evidence=evidence, workloads=(make.workload(),), pods=(make.pod(),))
    annotations = {SKIP_GATES: note} if note else {}
    return decide(make.bot(LIVE, status, annotations=annotations), seen, ALLOWED, make.NOW)


def test_blocked_promotion_touches_nothing_that_runs():
    """The paper colour trades on; the person is told every gate and how to skip them."""
    blocked = plan(Evidence(spells=(PAPER,), rules=RULES))
    assert blocked.action == Keep(
        "PromotionBlocked",
        "status.practice: NoDryRun: no mode dry-run with this configuration; let it run for a minute;"
        " or skip with the annotation tradingbot.io/skip-gates: 'dry-run REASON'",
        60.0,
    )
    assert [(each.colour, each.revision, each.replicas) for each in blocked.move.posts] == [("blue", "r1", 1)]
    assert isinstance(plan(PROVED).action, Run)
    assert isinstance(plan(Evidence((PAPER,), RULES), "dry-run proved in the lab").action, Run)


def facts(said_mode="paper", state="trading", spec=make.MINIMAL, status=None, revision=None, **report):
    bot = make.bot(spec)
    asked = decide(bot, make.observed(), make.SITE, make.NOW).action
    revision = revision or (asked.revision if isinstance(asked, Run) else "r1")
    heard = make.said(mode=said_mode, state=state, **report)
    pod = make.pod(revision=revision)
    seen = make.observed(
        workloads=(make.workload(revision=revision),), pods=(pod,), report=heard, reports={pod.uid: heard}
    )
    return make.facts(spec, seen=seen, status=status)


def test_report_notes_what_trades_without_money():
    """The configuration is that of the spec where what runs is what it asks for."""
    (spell,) = practice(facts())
    assert (spell["mode"], spell["config"], spell["seconds"]) == ("paper", config_hash(make.bot().spec), 0)
    assert spell["since"] == "2026-11-21T14:00:00Z"
    assert practice(facts("sim")) is None
    assert practice(facts("live")) is None
    assert practice(make.facts()) is None


def test_report_of_another_revision_than_the_spec_asks_for_names_no_configuration():
    """What is held or behind is known only by its own spell."""
    assert practice(facts(revision="ff" * 10)) is None


def test_report_notes_the_halt_that_was_obeyed():
    """Of a person; what a limit did proves nothing of the way a person stops it."""
    trading = {"practice": practice(facts())}
    asked, limit = Halt("h1", "halt", "http", "x", "2026-11-21T13:59:00Z"), make.halt(cause="DailyLossLimit", id="h2")
    (spell,) = practice(facts(state="halted", status=trading, halts=(asked, limit), trading_active=False))
    assert (spell["halted"], "since" in spell) == ("2026-11-21T13:59:00Z", False)
    (spell,) = practice(facts(state="halted", status=trading, halts=(limit,), trading_active=False))
    assert "halted" not in spell
    (spell,) = practice(facts(state="trading", status=trading, halts=(asked,)))
    assert "halted" not in spell


def test_report_says_the_gates_and_keeps_what_they_were_after_the_promotion():
    """So that it can be seen later who skipped what."""
    live = make.facts(LIVE, status=TRADING, site=ALLOWED)
    shown = promotion(live)
    assert (shown["config"], shown["gates"][0]["gate"]) == (CONFIG, "paper-days")
    done = {"active": {"mode": "live"}, "promotion": shown}
    assert promotion(make.facts(LIVE, status=done, site=ALLOWED)) == shown
    assert promotion(make.facts({}, status=done)) == shown
    assert promotion(make.facts()) is None
