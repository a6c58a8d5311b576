"""A snapshot of what exists for one bot. What could not be read is None or absent, and never taken as done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tradingbot_operator.domain.lease import LeaseRow
from tradingbot_operator.domain.monitoring import Watched
from tradingbot_operator.domain.practice import Evidence
from tradingbot_operator.domain.probe import Probe
from tradingbot_operator.domain.task import Task


@dataclass(frozen=True, slots=True)
class Workload:
    """One Deployment of a bot."""

    name: str
    uid: str
    colour: str
    revision: str
    generation: int
    observed_generation: int
    replicas: int
    ready: int
    existing: int
    controller: str | None
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    name: str
    uid: str
    colour: str
    revision: str
    ready: bool
    deleting: bool
    ip: str | None
    trouble: str | None
    annotations: Mapping[str, str]
    image_id: str = ""
    made: str = ""


@dataclass(frozen=True, slots=True)
class Halt:
    id: str
    kind: str
    source: str
    reason: str
    since: str
    cause: str = "Requested"


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema a process was written for, and the one its ledger has."""

    code: str
    ledger: str


@dataclass(frozen=True, slots=True)
class Shadow:
    """A standby's decisions against the trader's, bar by bar."""

    compared: int
    differing: int
    quantity_difference_percent: Decimal


@dataclass(frozen=True, slots=True)
class Adoption:
    """What came of taking over under *epoch*."""

    epoch: int
    result: str
    adopted: int = 0
    cancelled: int = 0
    recovered: int = 0
    unknown: int = 0
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """How ledger and account compared at an interval; the time of another comparison with that result is no news."""

    at: str = field(compare=False)
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a bot's process says of itself, without anything that changes by the second."""

    instance: str
    state: str
    trading_active: bool
    epoch: int | None = None
    highest_epoch: int | None = None
    ledger_id: str | None = None
    holder: str | None = None
    mode: str | None = None
    book: str | None = None
    halts: tuple[Halt, ...] = ()
    outside: tuple[str, ...] = ()  # what others do on its account
    paper_consistent: bool | None = None  # whether settings and pod agree on real money; None: it does not say
    clock: str = "ok"  # or how far the venue's is from its own: skewed, off
    breakers: tuple[str, ...] = ()  # what it leaves alone at the venue since it failed too often
    failures: frozenset[str] = frozenset()  # and how that failed, a word for each way
    recovering: bool = False  # its entries are smaller for a while, after a crash
    flat: bool = False  # it was to flatten, and the venue says that it did
    schema: Schema | None = None
    exchange: str | None = None
    database: str | None = None
    adoption: Adoption | None = None
    reconciliation: Comparison | None = None
    # They count up with every bar and order: the newest value is known, but it is no news.
    unresolved: int | None = field(default=None, compare=False)
    journal: int | None = field(default=None, compare=False)
    positions: int | None = field(default=None, compare=False)  # dust is none
    open_orders: int | None = field(default=None, compare=False)
    shadow: Shadow | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Revision:
    """A recorded revision: its name, its place in the history, the settings its pods read, the image that ran.

    *request* is the name of what was asked for, whatever the keys (empty: as the revision itself); *keys* is the
    fingerprint of those it runs with (empty: none, or not noted).
    """

    name: str
    uid: str
    number: int
    config: str
    image_id: str = ""
    request: str = ""
    keys: str = ""
    book: str = ""  # empty: recorded when a bot had one mode for ever


@dataclass(frozen=True, slots=True)
class Keys:
    """The Secret a bot's keys are to be in, and which of them it lacks; a Secret that is not there lacks all.

    The *fingerprint* tells a change of the keys, and nothing about them. *rival* is another bot that trades one of the
    same markets with the same key. *since* is when they were changed last, as far as the Secret says.
    """

    secret: str
    exists: bool
    lacking: tuple[str, ...] = ()
    fingerprint: str = ""
    rival: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """The bot's own Secret with its tokens, as it was at *version*, and when its tokens were made."""

    name: str
    version: str
    made: datetime


@dataclass(frozen=True, slots=True)
class Shut:
    """This process shut out the holder of *epoch*; its last request may live for *left_ms* yet."""

    epoch: int
    left_ms: int


@dataclass(frozen=True, slots=True)
class Observed:
    """*reports* are the last answers by pod uid; *row* is the lease, None while unknown.

    *probes* are the Jobs that ask the colours, None where nobody looked; *samples* what Prometheus said of each check
    and colour, as far as it said anything.
    """

    workloads: tuple[Workload, ...] = ()
    pods: tuple[Pod, ...] = ()
    revisions: tuple[Revision, ...] = ()
    report: Report | None = None  # of the process that trades, or of the only one
    reports: Mapping[str, Report] = field(default_factory=dict)
    namespace_halt: str | None = None
    siblings: int = 0
    keys: Keys | None = None
    tokens: TokenSecret | None = None
    row: LeaseRow | None = None
    shut: Shut | None = None
    tasks: tuple[Task, ...] = ()
    probes: tuple[Probe, ...] | None = None
    samples: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    evidence: Evidence | None = None  # for a promotion, where one is asked for
    watched: Watched | None = None  # None: the cluster does not know the kinds

    def workload(self, colour: str) -> Workload | None:
        return next((each for each in self.workloads if each.colour == colour), None)

    def revision(self, name: str) -> Revision | None:
        return next((each for each in self.revisions if each.name == name), None)
