"""What the conditions say of a hand-over: how far it is, who holds the lease, and whether there is a way back."""

from tradingbot_operator.domain.condition import Truth
from tradingbot_operator.domain.handover import Kind, Step, other
from tradingbot_operator.domain.rollout import deadline, moment
from tradingbot_operator.report.facts import Facts

Verdict = tuple[Truth, str, str]
BEATING_MS = 2000


def step(facts: Facts) -> Verdict | None:
    """How far the hand-over is, in the words of its record; None while none is under way."""
    rollout = facts.rollout
    if rollout is None or not facts.under_way:
        return None
    where = f"revision {rollout.target.revision} in colour {rollout.target.colour}"
    return Truth.TRUE, rollout.step.value, f"{where}: {rollout.reason}" if rollout.reason else where


def waiting(facts: Facts) -> Verdict | None:
    """Another revision serves than the spec asks for, and nothing moves yet: who waits for the new one waits on."""
    if not facts.behind or facts.held:
        return None
    why = facts.plan.move.rule if facts.plan.move else "nothing can move"
    return Truth.TRUE, "Waiting", f"revision {facts.asked} is asked for and {facts.wanted} serves: {why}"


def stuck(facts: Facts) -> Verdict | None:
    """Why a person must act: what is asked for is held, or nobody can trade."""
    if facts.held:
        why = "RolledBack" if facts.rollout and facts.rollout.kind is Kind.ROLLBACK else "Refused"
        return Truth.TRUE, why, f"revision {facts.held.revision} is held: {facts.held.reason}"
    silence = nobody(facts)
    return (Truth.TRUE, "NobodyCanTrade", silence) if silence else None


def nobody(facts: Facts) -> str | None:
    """Why nobody can trade though a hand-over is under way, or None."""
    rollout, terms = facts.rollout, facts.plan.terms
    if rollout is None or terms is None or facts.suspended:
        return None
    if rollout.step is Step.FORCED and rollout.reason.startswith("nobody"):
        return rollout.reason
    late = rollout.step is Step.ADOPTING and facts.now - rollout.step_since >= 3 * terms.adopt
    if not late or (facts.report is not None and facts.report.trading_active):
        return None
    return f"colour {rollout.target.colour} has the lease and has not taken over; no other colour is warm"


def single_writer(facts: Facts) -> Verdict:
    """The ledger's lease names one instance; where it cannot be read, a process said that it is the one."""
    report, row = facts.report, facts.observed.row
    if row is not None and (row.released or row.instance is None):
        return Truth.UNKNOWN, "NobodyHolds", f"epoch {row.epoch} is held by no process"
    if row is not None:
        return Truth.TRUE, "LeaseHeld", f"epoch {row.epoch} is held by {row.holder}, process {row.instance}"
    if report is None or report.epoch is None:
        return Truth.UNKNOWN, "NotReported", "no process has named its epoch"
    return Truth.TRUE, "LeaseHeld", f"epoch {report.epoch} is held by {report.holder or report.instance}"


def rollback_available(facts: Facts) -> Verdict:
    """Another colour is warm and may take over at once; or an older revision can be started first."""
    if warm := _warm(facts):
        return Truth.TRUE, "Warm", warm
    if any(each.name != facts.wanted for each in facts.observed.revisions):
        return Truth.FALSE, "ColdOnly", "cold only: no other colour is warm; an older revision would be started first"
    return Truth.FALSE, "OneColour", f"{facts.bot.name} has one colour; there is none to go back to"


def _warm(facts: Facts) -> str | None:
    rollout, row, terms = facts.rollout, facts.observed.row, facts.plan.terms
    if rollout is None or row is None or terms is None or facts.under_way:
        return None
    beside = [each for each in facts.pods if each.colour == other(facts.colour) and not each.deleting]
    beating = {sign.instance.partition("/")[0] for sign in row.signs if sign.silent_ms < BEATING_MS}
    pod = next((each for each in beside if each.uid in beating), None)
    if pod is None:
        return None
    ends = None if terms.warm else deadline(rollout, terms)
    return f"revision {pod.revision} is warm in colour {pod.colour}" + (f" until {moment(ends)}" if ends else "")
