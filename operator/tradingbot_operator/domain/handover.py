"""A hand-over of the lease from one colour to the other: its steps, its record, and what a pass does of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tradingbot_operator.domain.lease import LeaseRow, Successor
from tradingbot_operator.domain.names import BLUE, GREEN
from tradingbot_operator.domain.observed import Adoption, Report, Shut
from tradingbot_operator.domain.probe import Ask, Check, Command, Probe


class Step(StrEnum):
    IDLE = "Idle"
    STARTING = "Starting"
    VERIFYING = "Verifying"
    DRAINING = "Draining"
    RELEASING = "Releasing"
    ADOPTING = "Adopting"
    OBSERVING = "Observing"
    DONE = "Done"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    REFUSED = "Refused"
    FORCED = "Forced"


AT_REST = frozenset({Step.IDLE, Step.DONE, Step.ROLLED_BACK, Step.REFUSED})
UNDER_WAY = frozenset(Step) - AT_REST - {Step.OBSERVING}
CANDIDATE = frozenset({Step.STARTING, Step.VERIFYING})
ORDERING = frozenset({Step.DRAINING, Step.RELEASING, Step.ROLLING_BACK})
# The candidate's colour is kept beside the trader's while the hand-over is at one of these.
BOTH = CANDIDATE | ORDERING | {Step.ADOPTING, Step.OBSERVING, Step.FORCED}


class Kind(StrEnum):
    SWAP = "swap"
    ROLLBACK = "rollback"
    PROMOTION = "promotion"
    MODE = "mode"
    RESTART = "restart"
    TAKEOVER = "takeover"


# Gates are for what was never proved; a way back or out of trouble has none.
GATED = frozenset({Kind.SWAP, Kind.PROMOTION, Kind.MODE})
# Over when the new trader trades: what traded before has another book, and no lease may go back to it by itself.
ACROSS_BOOKS = frozenset({Kind.PROMOTION, Kind.MODE})


def other(colour: str) -> str:
    return GREEN if colour == BLUE else BLUE


@dataclass(frozen=True, slots=True)
class Place:
    """A revision in a colour."""

    colour: str
    revision: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate said: ``passed``, ``waiting``, ``refused`` or ``skipped``."""

    gate: str
    result: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A revision that is not tried again until the spec names another one, or a promote task names it."""

    revision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """The newest hand-over as the status records it; *epoch* is that of the trader it takes the lease from."""

    uid: str
    kind: Kind
    step: Step
    source: Place
    target: Place
    started_at: datetime
    step_since: datetime
    epoch: int | None = None
    successor: Successor | None = None
    reason: str = ""
    gates: tuple[Verdict, ...] = ()
    held: Held | None = None
    task: str | None = None
    adoption: Adoption | None = None

    @property
    def in_place(self) -> bool:
        """The colour stays; only what runs in it changes."""
        return self.source.colour == self.target.colour

    def at(self, step: Step, now: datetime, reason: str = "", **changes: object) -> "Rollout":
        """The record at *step*; the time of the step moves only when the step does."""
        since = self.step_since if step is self.step else now
        return replace(self, step=step, step_since=since, reason=reason, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Side:
    """One colour: what its Deployment holds, its newest pod, and the process in it as last heard of."""

    colour: str
    revision: str | None = None
    replicas: int = 0
    pod: str | None = None
    ready: bool = False
    trouble: str | None = None
    instance: str | None = None
    silent_ms: int | None = None
    report: Report | None = None
    pods: tuple[tuple[str, str], ...] = ()  # all that are left of it, by name and uid
    unended: tuple[tuple[str, str], ...] = ()  # those of them that are not going yet


@dataclass(frozen=True, slots=True)
class Request:
    """What a task asks of the hand-over; *target* is the revision it names or was resolved to."""

    task: str
    uid: str
    kind: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the spec says about a hand-over."""

    observe: timedelta = timedelta(minutes=15)
    adopt: timedelta = timedelta(seconds=10)
    deadline: timedelta = timedelta(minutes=10)
    warm: bool = False
    blackout: bool = False
    suspended: bool = False
    gates: tuple["Bar", ...] = ()
    analysis: tuple[Check, ...] = ()
    skipped: tuple[str, ...] = ()
    skip_reason: str = ""
    promotion: bool = False
    changes: bool = False  # another book is asked for than what trades is kept in
    leaves: bool = False  # that of a market is left


@dataclass(frozen=True, slots=True)
class Bar:
    """A gate the spec asks for, with its number or its Job."""

    name: str
    threshold: str | None
    bars: int
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a move rests on. A *row* of None is an unknown one; *active* is then who traded last.

    *swappable*: two colours can share the ledger. *embedded*: nobody can be shut out of it from afar.
    *probes*: the Jobs that ask, None while they are not known. *samples*: values by check and colour, as far as known.
    """

    row: LeaseRow | None
    blue: Side
    green: Side
    active: Place
    wanted: str
    terms: Terms = Terms()
    request: Request | None = None
    shut: Shut | None = None
    swappable: bool = True
    embedded: bool = False
    probes: tuple[Probe, ...] | None = None
    samples: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)

    def side(self, colour: str) -> Side:
        return self.blue if colour == BLUE else self.green


@dataclass(frozen=True, slots=True)
class Order:
    epoch: int
    expected: Successor | None
    successor: Successor
    lasts_ms: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    epoch: int
    expected: Successor


@dataclass(frozen=True, slots=True)
class Fence:
    epoch: int


@dataclass(frozen=True, slots=True)
class Grant:
    expected: int
    new: int
    successor: Successor


@dataclass(frozen=True, slots=True)
class Admit:
    """The holder's role may log in: nothing forced is under way, and it was shut out."""

    holder: str


@dataclass(frozen=True, slots=True)
class Kill:
    """These pods (name, uid) end within *grace_seconds*; None is the time they ask for themselves."""

    pods: tuple[tuple[str, str], ...]
    grace_seconds: int | None


@dataclass(frozen=True, slots=True)
class Launch:
    """A Job asks a colour."""

    ask: Ask


Effect = Order | TakeBack | Fence | Grant | Admit | Kill | Launch


@dataclass(frozen=True, slots=True)
class Post:
    """What a colour's Deployment is to run."""

    colour: str
    revision: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Move:
    """One step: the record that is written first, then one effect on the lease, or the workloads as they are to be.

    *selector* is the colour the Service leads to. *ends* says that the task asked for is carried out.
    """

    rollout: Rollout | None
    posts: tuple[Post, ...]
    selector: str
    effect: Effect | None = None
    again_ms: int | None = None
    rule: str = ""
    ends: str | None = None
