"""What a candidate must pass before it may be named: small pure checks. Unknown waits; only a fact refuses."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from tradingbot_operator.domain.handover import Bar, Verdict
from tradingbot_operator.domain.probe import JOB, SMOKE
from tradingbot_operator.plan import probing
from tradingbot_operator.plan.case import SILENT_MS, Case
from tradingbot_operator.plan.modes import standing_open
from tradingbot_operator.plan.probing import PASSED, REFUSED, SKIPPED, WAITING

Gate = Callable[[Case], Verdict]


def ready(case: Case) -> Verdict:
    """Its pod can serve."""
    if case.target.ready:
        return Verdict("ready", PASSED)
    return Verdict("ready", WAITING, case.target.trouble or "the pod is not ready")


def standby(case: Case) -> Verdict:
    """Its process could trade if it were named."""
    said = case.target.report
    if said is not None and said.state == "standby" and said.instance == case.target.instance:
        return Verdict("standby", PASSED)
    return Verdict("standby", WAITING, f"the process is {said.state if said else 'silent'}")


def exchange(case: Case) -> Verdict:
    """It reaches the venue."""
    return _word("exchange", case.target.report.exchange if case.target.report else None)


def database(case: Case) -> Verdict:
    """It reaches the ledger."""
    return _word("database", case.target.report.database if case.target.report else None)


def schema(case: Case) -> Verdict:
    """The ledger is not behind what it was written for."""
    said = case.target.report.schema if case.target.report else None
    if said is None:
        return Verdict("schema", WAITING, "the process has not said which schema it was written for")
    if said.code <= said.ledger:
        return Verdict("schema", PASSED)
    return Verdict("schema", WAITING, f"the ledger has schema {said.ledger}; this revision needs {said.code}")


def unresolved(case: Case) -> Verdict:
    """The trader has no write whose outcome is unknown."""
    return _none("unresolved", case, "has writes whose outcome is unknown")


def journal(case: Case) -> Verdict:
    """The trader has no exit that the ledger does not know of."""
    return _none("journal", case, "has exits that are not in the ledger yet")


def flat(case: Case) -> Verdict:
    """Nothing is open in the market's book that is left."""
    still = standing_open(case.active.report)
    return Verdict("flat", WAITING, f"the trader leaves something open: {still}") if still else Verdict("flat", PASSED)


def shadow(case: Case, bar: Bar) -> Verdict:
    """It would have decided as the trader did."""
    said = case.target.report.shadow if case.target.report else None
    if said is None or said.compared < bar.bars:
        return Verdict("shadow", WAITING, f"{said.compared if said else 0} of {bar.bars} bars compared")
    share = Decimal(said.differing * 100) / Decimal(said.compared)
    allowed = Decimal(bar.threshold or "0")
    if share <= allowed:
        return Verdict("shadow", PASSED)
    return Verdict("shadow", REFUSED, f"{share:.1f} % of {said.compared} decisions differ; {allowed} % are allowed")


GATES: tuple[tuple[str, Gate], ...] = (
    ("ready", ready),
    ("standby", standby),
    ("exchange", exchange),
    ("database", database),
    ("schema", schema),
    ("unresolved", unresolved),
    ("journal", journal),
)


def verdicts(case: Case) -> tuple[Verdict, ...]:
    """What every gate says now, those the spec asks for last; a person may have skipped some, with a reason."""
    always = tuple(_unless_skipped(case, name, gate) for name, gate in GATES)
    asked = (bar for bar in case.seen.terms.gates if bar.name not in ("ready", SMOKE, JOB))
    measured = tuple(_unless_skipped(case, bar.name, partial(_asked, bar)) for bar in asked)
    leaves = (flat(case),) if case.seen.terms.leaves else ()
    return (*always, *leaves, *measured, *(probing.verdict(case, bar) for bar in probing.wanted(case)))


def can_be_asked(said: tuple[Verdict, ...]) -> bool:
    """A Job that asks a process which cannot serve yet would only tell that."""
    return all(each.result in (PASSED, SKIPPED) for each in said if each.gate in ("ready", "standby"))


def _asked(bar: Bar, case: Case) -> Verdict:
    if bar.name == "shadow":
        return shadow(case, bar)
    cure = "remove it from spec.rollout.gates, or skip it with the annotation tradingbot.io/skip-gates"
    return Verdict(bar.name, REFUSED, f"spec.rollout.gates: '{bar.name}' is not measured by this operator; {cure}")


def _unless_skipped(case: Case, name: str, gate: Gate) -> Verdict:
    terms = case.seen.terms
    return Verdict(name, SKIPPED, terms.skip_reason) if name in terms.skipped else gate(case)


def _word(name: str, said: str | None) -> Verdict:
    return Verdict(name, PASSED) if said == "ok" else Verdict(name, WAITING, said or "the process has not said")


def _none(name: str, case: Case, sentence: str) -> Verdict:
    """Of the trader that answers; one that is silent is shut out, and what it left is settled by who follows."""
    if case.nobody_holds or case.holder_silent_ms >= SILENT_MS:
        return Verdict(name, PASSED)
    said = case.active.report
    count = getattr(said, name) if said else None
    if count is None:
        return Verdict(name, WAITING, "the trader has not said")
    return Verdict(name, PASSED) if count == 0 else Verdict(name, WAITING, f"the trader {sentence}: {count}")


def first_refused(said: tuple[Verdict, ...]) -> Verdict | None:
    return next((each for each in said if each.result == REFUSED), None)


def first_waiting(said: tuple[Verdict, ...]) -> Verdict | None:
    return next((each for each in said if each.result == WAITING), None)
