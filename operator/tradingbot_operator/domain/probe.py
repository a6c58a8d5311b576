"""Questions put to a colour from outside, by a Job or a query, and what came of them. No answer is no verdict."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum

SMOKE, DOCTOR, JOB = "smoke", "doctor", "job"


class JobState(Enum):
    """How far a Job is; *GONE*: there is none, or none any more."""

    GONE = "gone"
    RUNS = "runs"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ran:
    """How far the Job of a task is, and what it said last."""

    state: JobState
    words: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """What a Job of a person's own runs; an *image* of None is the bot's."""

    words: tuple[str, ...]
    image: str | None
    seconds: int


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the observation: a query of Prometheus with the largest value that passes, or a Job.

    *window*: how often a Job asks anew; None is once.
    """

    name: str
    query: str | None = None
    threshold: str | None = None
    command: Command | None = None
    window: timedelta | None = None

    @property
    def limit(self) -> Decimal:
        return Decimal(self.threshold or "0")


@dataclass(frozen=True, slots=True)
class Ask:
    """One Job: who asks, of which process, under a key that no other question has. Its *name* says what it runs."""

    name: str
    key: str
    colour: str
    pod: str
    revision: str
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A Job that asks, as it stands: its key, its object, and the last words of its pod when it failed."""

    key: str
    name: str
    uid: str
    state: JobState
    words: str = ""
