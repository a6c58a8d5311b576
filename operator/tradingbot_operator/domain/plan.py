"""What is to be done about one bot in one pass, and the reason for each hold."""

from dataclasses import dataclass
from enum import StrEnum

from tradingbot_operator.domain.handover import Move, Request, Terms, Verdict
from tradingbot_operator.domain.observed import TokenSecret
from tradingbot_operator.domain.probe import Probe
from tradingbot_operator.domain.task import Task


@dataclass(frozen=True, slots=True)
class Run:
    """The spec asks for *revision*, the *number*-th of the history, with that many replicas of who trades.

    *request* and *keys* are what the revision is made of. *source*: the revision that is the same but for its keys.
    """

    revision: str
    number: int
    replicas: int
    prune: tuple[str, ...] = ()
    request: str = ""
    keys: str = ""
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing that runs is touched; the person is told why."""

    reason: str
    message: str
    again_seconds: float | None = None  # when what it waits for makes no event


class Step(StrEnum):
    STOP = "Stop"
    WAIT = "Wait"
    RELEASE = "Release"


@dataclass(frozen=True, slots=True)
class Remove:
    """The bot is being deleted. *last*: no other is left in its namespace. *left*: what it lets go of unfinished."""

    step: Step
    last: bool
    left: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Annotations one pod is to carry, and those (None) it is to lose."""

    pod: str
    uid: str
    annotations: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """The image a revision was first seen to serve with; a tag may name another one later."""

    revision: str
    uid: str
    image_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """What a task that has begun waits for; *stuck*: it does not come without a person."""

    message: str
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What the process at *ip* is asked for; the task's uid makes it one wish however often it is asked."""

    task: Task
    ip: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task is told: that it began with that target, what it waits for, or how it ended."""

    task: Task
    target: str | None
    result: str | None = None
    failed: str | None = None
    waits: Wait | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    action: Run | Keep | Remove
    again_seconds: float | None = None
    rotate: TokenSecret | None = None  # its tokens are old enough to be followed by new ones
    ran: tuple[Ran, ...] = ()
    move: Move | None = None  # of the hand-over; None where nothing can move
    terms: Terms | None = None
    answers: tuple[Answer, ...] = ()
    takes: Request | None = None  # the task that begins to steer in this pass
    begins: tuple[Task, ...] = ()  # the tasks whose order stands from this pass on
    asks: tuple[Ask, ...] = ()  # what the trader is asked in this pass
    gates: tuple[Verdict, ...] = ()  # of a promotion
    over: tuple[Probe, ...] = ()  # Jobs whose answer is in the record, or that nobody waits for any more
