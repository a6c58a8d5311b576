"""What came of one pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Trouble:
    """One object that could not be written, and why."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written: the answers of the API server by kind and name, or the first trouble met."""

    objects: Mapping[tuple[str, str], Mapping[str, Any]]
    trouble: Trouble | None = None


NOTHING = Applied({})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended; *again_seconds* is when to look again though nothing happens."""

    result: str
    again_seconds: float | None = None
