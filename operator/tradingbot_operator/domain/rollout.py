"""The record of a hand-over in the status: written whole, and read again by whoever comes next."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tradingbot_operator.domain.handover import GATED, Held, Kind, Place, Rollout, Step, Terms, Verdict
from tradingbot_operator.domain.lease import Successor
from tradingbot_operator.domain.observed import Adoption


def parse_rollout(status: Mapping[str, Any]) -> Rollout | None:
    """The hand-over the status tells of; None where there is none, or none that can be understood."""
    said = status.get("rollout") or {}
    try:
        return _parsed(said)
    except (KeyError, ValueError, TypeError):
        return None


def _parsed(said: Mapping[str, Any]) -> Rollout:
    adoption, held = said.get("adoption"), said.get("held")
    return Rollout(
        uid=said["uid"],
        kind=Kind(said["kind"]),
        step=Step(said["step"]),
        source=Place(**said["from"]),
        target=Place(**said["to"]),
        started_at=datetime.fromisoformat(said["startedAt"]),
        step_since=datetime.fromisoformat(said["stepSince"]),
        epoch=said.get("epoch"),
        successor=Successor.parse(said["successor"]) if said.get("successor") else None,
        reason=said.get("reason") or "",
        gates=tuple(Verdict(**each) for each in said.get("gates") or ()),
        held=Held(**held) if held else None,
        task=said.get("task"),
        adoption=Adoption(**adoption) if adoption else None,
    )


def moment(at: datetime) -> str:
    """A time with its milliseconds: some steps take no longer."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def written(rollout: Rollout, terms: Terms) -> dict[str, Any]:
    """The whole record, without what is not there."""
    ends = deadline(rollout, terms)
    every = {
        "uid": rollout.uid,
        "kind": rollout.kind.value,
        "step": rollout.step.value,
        "from": asdict(rollout.source),
        "to": asdict(rollout.target),
        "epoch": rollout.epoch,
        "successor": rollout.successor.text if rollout.successor else None,
        "startedAt": moment(rollout.started_at),
        "stepSince": moment(rollout.step_since),
        "deadline": moment(ends) if ends else None,
        "reason": rollout.reason or None,
        "gates": [asdict(each) for each in rollout.gates] or None,
        "held": asdict(rollout.held) if rollout.held else None,
        "task": rollout.task,
        "adoption": asdict(rollout.adoption) if rollout.adoption else None,
    }
    return {name: value for name, value in every.items() if value is not None}


def deadline(rollout: Rollout, terms: Terms) -> datetime | None:
    """When the step it is at is over, whatever has come of it."""
    if rollout.step in (Step.STARTING, Step.VERIFYING, Step.DRAINING, Step.RELEASING):
        return rollout.started_at + terms.deadline
    if rollout.step is Step.ADOPTING and rollout.kind in GATED:
        return rollout.step_since + terms.adopt
    if rollout.step in (Step.OBSERVING, Step.ROLLED_BACK):
        return rollout.step_since + terms.observe
    return None
