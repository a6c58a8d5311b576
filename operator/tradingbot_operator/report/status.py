"""The whole status of a bot; written only where its meaning changed."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.condition import Condition, Truth, placed
from tradingbot_operator.domain.moment import FORM
from tradingbot_operator.domain.names import HALT, HALT_ID
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.outcome import Applied
from tradingbot_operator.domain.plan import Plan, Run
from tradingbot_operator.domain.rollout import written
from tradingbot_operator.report.conditions import conditions
from tradingbot_operator.report.facts import Facts
from tradingbot_operator.report.practice import practice, promotion

KEPT_TASKS = 64
AGREE = "ledger and account agree"


def report(bot: Bot, observed: Observed, plan: Plan, applied: Applied, at: datetime) -> dict[str, Any]:
    """The status that is true after this pass, without anything that changes by itself."""
    facts, now = Facts(bot, observed, plan, applied, at), at.strftime(FORM)
    current = conditions(facts)
    said = facts.report
    status: dict[str, Any] = {
        "observedGeneration": bot.generation,
        "phase": phase(facts, current),
        "conditions": placed(bot.status.get("conditions") or (), current, now),
        # Silence clears no halt: the latch is in the ledger, whether a process answers or not.
        "halts": [asdict(halt) for halt in said.halts] if said else list(bot.status.get("halts") or ()),
    }
    optional = {
        "mode": bot.status.get("mode") if isinstance(bot.spec, Rejection) else bot.spec.mode.value,
        "active": _active(facts, now),
        "ledgerId": (said.ledger_id if said else None) or bot.status.get("ledgerId"),
        "highestEpoch": _highest_epoch(facts),
        "keyFingerprint": _keys(facts),
        "collisionCount": bot.status.get("collisionCount"),
        "rollout": _rollout(bot, plan),
        "reconciliation": _reconciliation(facts),
        "schemaVersion": _schema(facts),
        "practice": practice(facts),
        "promotion": promotion(facts),
        "haltOrder": _halt_order(facts),
        **carried(bot, plan),
    }
    return status | {name: value for name, value in optional.items() if value is not None}


def _rollout(bot: Bot, plan: Plan) -> dict[str, Any] | None:
    """The record of the newest hand-over; where nothing can move, as it was."""
    if plan.move is None or plan.terms is None:
        return bot.status.get("rollout")
    return written(plan.move.rollout, plan.terms) if plan.move.rollout else None


def _reconciliation(facts: Facts) -> Mapping[str, Any] | None:
    """How ledger and account compared last, and since when it came out so; silence changes nothing of it."""
    known: Mapping[str, Any] | None = facts.bot.status.get("reconciliation")
    said = facts.report.reconciliation if facts.report else None
    if said is None:
        return known
    word = ("Differs", "; ".join(said.differences)) if said.differences else ("Matches", AGREE)
    found = dict(zip(("result", "message"), word, strict=True))
    same = known is not None and found.items() <= known.items()
    return known if same else {**found, "at": said.at}


def _schema(facts: Facts) -> str | None:
    """The schema of the ledger by the newest word of a process."""
    said = facts.report.schema if facts.report else None
    return said.ledger if said and said.ledger else facts.bot.status.get("schemaVersion")


def _halt_order(facts: Facts) -> str | None:
    """The name of the halt its pods carry, kept while none of them lives."""
    bot, observed = facts.bot, facts.observed
    if HALT not in bot.annotations and observed.namespace_halt is None:
        return None
    named = (pod.annotations[HALT_ID] for pod in observed.pods if HALT_ID in pod.annotations)
    return next(named, bot.status.get("haltOrder"))


def carried(bot: Bot, plan: Plan) -> dict[str, Any]:
    """The names of the tasks that steered the bot, that of this pass included: none is carried out twice."""
    known = list(bot.status.get("tasks") or ())
    begun = [(plan.takes.task, plan.takes.uid)] if plan.takes is not None else []
    for name, uid in (*begun, *((each.name, each.uid) for each in plan.begins)):
        if name not in [each["name"] for each in known]:
            known = [*known, {"name": name, "uid": uid}][-KEPT_TASKS:]
    return {"tasks": known} if known else {}


def _active(facts: Facts, now: str) -> dict[str, Any] | None:
    """Which colour and revision serves, and since when; while none does, which one did last."""
    pod, before, row = facts.active_pod, facts.bot.status.get("active") or {}, facts.observed.row
    if pod is None and row is None:
        return before or None
    said = facts.report.epoch if facts.report else before.get("epoch")
    epoch = row.epoch if row else said
    revision = pod.revision if pod else before.get("revision") or facts.wanted
    if revision is None:
        return before or None
    mode = (facts.report.mode if facts.report else None) or before.get("mode")
    # Only who has the epoch says what is traded in; a standby may be of another mode.
    trader = facts.report if facts.report and facts.report.epoch is not None else None
    book = (trader.book if trader else None) or before.get("book")
    known = {"epoch": epoch, "mode": mode, "book": book}
    active = {"colour": facts.colour, "revision": revision} | {k: v for k, v in known.items() if v is not None}
    same = all(before.get(name) == active[name] for name in ("colour", "revision"))
    return active | {"since": before["since"] if same and "since" in before else now}


def _keys(facts: Facts) -> str | None:
    """Of the keys the wanted revision runs with; while nothing is touched, of those before."""
    action = facts.plan.action
    if isinstance(action, Run) and facts.wanted:
        return action.keys or None
    return facts.bot.status.get("keyFingerprint")


def _highest_epoch(facts: Facts) -> int | None:
    """The highest epoch ever seen: it never goes back, whatever a process says."""
    said = facts.report
    row = facts.observed.row.epoch if facts.observed.row else None
    told = (said.epoch, said.highest_epoch) if said else ()
    seen = (facts.bot.status.get("highestEpoch"), row, *told)
    return max((epoch for epoch in seen if epoch is not None), default=None)


def phase(facts: Facts, current: list[Condition]) -> str:
    """One word for people; nothing decides by it."""
    true = {condition.type for condition in current if condition.status is Truth.TRUE}
    if facts.removing:
        return "Deleting"
    if facts.under_way and facts.rollout and not facts.suspended and "Stalled" not in true:
        return facts.rollout.step.value
    if "Stalled" in true:
        return "Stalled"
    if facts.suspended:
        return "Suspended"
    if "Reconciling" in true and facts.active_pod is None:
        return "Starting"
    if "Halted" in true:
        return "Halted"
    return "Recovering" if facts.report and facts.report.recovering else "Running"


def begins(bot: Bot, status: Mapping[str, Any]) -> bool:
    """Whether nothing was told of the bot yet, and all there is to tell is that it starts."""
    return not bot.status.get("conditions") and status["phase"] == "Starting"


def change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """The merge patch from *before* to *after*, or None when they mean the same."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            nested = change(old, value)
            patch |= {name: nested} if nested else {}
        elif value != old:
            patch[name] = value
    return patch or None
