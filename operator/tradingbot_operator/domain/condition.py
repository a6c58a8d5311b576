"""Conditions: what is true of a bot, since when, and for which generation of its spec."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Truth(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    type: str
    status: Truth
    reason: str
    message: str
    generation: int

    def at(self, since: str) -> dict[str, Any]:
        """The condition as it stands in a status."""
        return {
            "type": self.type,
            "status": self.status.value,
            "reason": self.reason,
            "message": self.message,
            "observedGeneration": self.generation,
            "lastTransitionTime": since,
        }


def placed(previous: Iterable[Mapping[str, Any]], conditions: Iterable[Condition], now: str) -> list[dict[str, Any]]:
    """The list for a status; the transition time moves only when the status of that condition does."""
    before = {old["type"]: old for old in previous}
    return [condition.at(_since(before.get(condition.type), condition, now)) for condition in conditions]


def _since(old: Mapping[str, Any] | None, new: Condition, now: str) -> str:
    return str(old["lastTransitionTime"]) if old is not None and old["status"] == new.status.value else now
