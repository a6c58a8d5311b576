"""The lease row as the operator sees it, and what came of a step (docs/contracts.md 8.1). The row is the truth."""

from dataclasses import dataclass
from typing import Protocol


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
        holder, instance, revision = text.split(" ")
        return cls(holder, instance, revision)


@dataclass(frozen=True, slots=True)
class Sign:
    """When a process was last heard of, by the ledger's clock."""

    instance: str
    role: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """*order_left_ms* is None without an order, and negative when it is void; *hold_left_ms* alike for an exit grant.

    *can_login* is False while the holder's role is shut out (never in an embedded ledger). *shut_out* are the other
    roles of the ledger that may not log in, each with the process of it that held the lease last.
    """

    ledger_id: str
    epoch: int
    holder: str
    instance: str | None
    revision: str | None
    successor: Successor | None
    order_left_ms: int | None
    released: bool
    hold_left_ms: int | None = None
    signs: tuple[Sign, ...] = ()
    can_login: bool = True
    shut_out: tuple[tuple[str, str], ...] = ()

    @property
    def colour(self) -> str:
        """Blue or green, of a role or of a colour."""
        return self.holder.rpartition("_")[2]

    def silent_ms(self, instance: str | None) -> int | None:
        """How long *instance* has been silent; None when it was never heard of."""
        return next((sign.silent_ms for sign in self.signs if sign.instance == instance), None)


@dataclass(frozen=True, slots=True)
class Fenced:
    """No session of the holder is left and none can begin; requests it has sent live for *wait_ms* at most."""

    wait_ms: int


class LedgerAway(Exception):
    """The ledger cannot be reached, or not for now: nothing is known and nothing moves."""


class LedgerMoved(LedgerAway):
    """What can be reached is a copy on another server: a person has to say that it is the ledger now."""


class LeaseDoor(Protocol):
    """The lease functions of one bot's ledger. Each raises LedgerAway; a False means: plan again."""

    async def row(self) -> LeaseRow: ...

    async def order(
        self, epoch: int, expected: Successor | None, successor: Successor | None, lasts_ms: int
    ) -> bool: ...

    async def fence(self, epoch: int) -> Fenced | None:
        """The holder of *epoch* is shut out (protocol 5, up to the wait); None: another epoch, or an exit grant."""
        ...

    async def admit(self, holder: str) -> bool:
        """The role may log in again (a new pod of its colour, or at rest)."""
        ...

    async def grant(self, expected: int, new: int, successor: Successor) -> bool:
        """Epoch *new* belongs to *successor* (an empty instance: the holder's next start), whose role may log in."""
        ...

    async def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool: ...

    async def close(self) -> None: ...
