"""What came of one pass."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """One object that could not be written, and why."""

    reason: str
    message: str
    again_seconds: float | None = None  # it ends by itself: look again


@dataclass(frozen=True, slots=True)
class Applied:
    """Everything asked for was written, or nothing was asked, unless *trouble* says what was not."""

    trouble: Trouble | None = None


APPLIED = Applied()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended; *again_seconds* is when to look again though nothing happens."""

    result: str
    again_seconds: float | None = None
