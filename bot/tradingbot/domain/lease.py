"""Who may trade: the lease row of protocol 1, as values."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """What a process holds after a claim. It keeps *epoch* in memory and never reads it again."""

    ledger_id: str
    epoch: int
    holder: str
    instance: str
    revision: str


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """The row as it stands in the ledger: the truth of who trades."""

    ledger_id: str
    epoch: int
    holder: str
    instance: str | None
    revision: str | None
    successor: str | None
    order_until: datetime | None
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sign:
    """When a process was last heard of, by the ledger's clock."""

    instance: str
    role: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The row, and all that is judged with it by the ledger's clock, as the operator of an embedded ledger sees it.

    *order_left_ms* and *hold_left_ms* are None without an order or an exit grant, and negative when it has passed.
    """

    row: LeaseRow
    order_left_ms: int | None
    hold_left_ms: int | None
    guard_ms: int
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """The claim was refused; the process stays a standby. *retry* tells whether waiting can help."""

    reason: str
    message: str
    retry: bool


@dataclass(frozen=True, slots=True)
class Instance:
    """One process start: colour (the database role in PostgreSQL), pod UID and a start id."""

    colour: str
    pod_uid: str
    start_id: str
    revision: str

    @property
    def name(self) -> str:
        return f"{self.pod_uid}/{self.start_id}"


@dataclass(frozen=True, slots=True)
class Successor:
    """Who is to trade next: role (or colour), process and revision; *text* is how the ledger keeps it."""

    holder: str
    instance: str
    revision: str

    @property
    def text(self) -> str:
        return f"{self.holder} {self.instance} {self.revision}"

    @classmethod
    def parse(cls, text: str) -> "Successor":
        """The successor in *text*; ValueError when it is not three words."""
        holder, instance, revision = text.split(" ")
        return cls(holder, instance, revision)


@dataclass(frozen=True, slots=True)
class Released:
    """The epoch *named* belongs to the successor; this process can write nothing any more."""

    named: int


@dataclass(frozen=True, slots=True)
class NotReleased:
    """The release was refused and this process still trades; *reason* as in docs/contracts.md 8.1."""

    reason: str
