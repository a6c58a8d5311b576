"""A tiny model of one bot's ledger, its node and its processes, in virtual time: what a hand-over is tried against."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tradingbot_operator.domain.lease import Fenced, LeaseRow, LedgerAway, Sign, Successor
from tradingbot_operator.domain.observed import Adoption, Report, Schema

SILENT_MS = 5000
FRESH_MS = 2000
GUARD_MS = 3000


@dataclass
class Process:
    """One start of a bot. *frozen*: it stands still; *busy*: it cannot settle; *deaf*: it does not adopt."""

    uid: str
    colour: str
    revision: str
    ready: bool = True
    frozen: bool = False
    busy: bool = False
    deaf: bool = False
    trouble: str | None = None
    exchange: str = "ok"
    beat_at: int = 0
    epoch: int | None = None
    starts: int = 1

    @property
    def instance(self) -> str:
        return f"{self.uid}/{self.starts}"


@dataclass
class Ledger:
    """The lease row and its functions, as docs/contracts.md 8.1 has them; every grant of an epoch is noted."""

    now: int = 1_000_000
    epoch: int = 0
    holder: str = "blue"
    instance: str | None = None
    revision: str | None = None
    successor: Successor | None = None
    until: int = 0
    released: bool = False
    shut: set[str] = field(default_factory=set)
    away: bool = False
    history: list[tuple[int, str, str | None]] = field(default_factory=list)
    beats: dict[str, tuple[str, int]] = field(default_factory=dict)
    held_until: int | None = None

    def row(self) -> LeaseRow:
        if self.away:
            raise LedgerAway("the database is away")
        signs = tuple(Sign(instance, role, self.now - at) for instance, (role, at) in self.beats.items())
        left = self.until - self.now if self.successor else None
        row = LeaseRow(
            "q3v9zk", self.epoch, self.holder, self.instance, self.revision, self.successor, left, self.released
        )
        last = {holder: instance or "" for _, holder, instance in self.history}
        others = tuple((holder, last.get(holder, "")) for holder in sorted(self.shut - {self.holder}))
        return replace(row, signs=signs, can_login=self.holder not in self.shut, shut_out=others)

    def silent_ms(self, instance: str | None) -> int:
        return self.now - self.beats[instance][1] if instance in self.beats else 10**9

    def name(self, epoch: int, holder: str, instance: str | None, revision: str) -> None:
        self.epoch, self.holder, self.instance, self.revision = epoch, holder, instance, revision
        self.successor, self.released = None, False
        self.history.append((epoch, holder, instance))

    def order(self, epoch: int, expected: Successor | None, successor: Successor | None, lasts_ms: int) -> bool:
        if (epoch, expected) != (self.epoch, self.successor) or self.released:
            return False
        self.successor, self.until = successor, self.now + lasts_ms
        return True

    def release(self, process: Process) -> bool:
        """As tb_release: refused when void, or when the successor is silent."""
        mine = (self.holder, self.instance) == (process.colour, process.instance) and not self.released
        if not mine or self.successor is None or self.until <= self.now or process.colour in self.shut:
            return False
        if self.silent_ms(self.successor.instance) >= FRESH_MS:
            return False
        to = self.successor
        self.name(self.epoch + 1, to.holder, to.instance, to.revision)
        return True

    def claim(self, process: Process) -> bool:
        """As tb_claim: its colour, its revision, and nobody else there."""
        if (
            self.holder != process.colour
            or self.revision not in (None, process.revision)
            or process.colour in self.shut
        ):
            return False
        own = self.instance is not None and self.instance.partition("/")[0] == process.uid
        free = self.instance is None or self.released or own or self.silent_ms(self.instance) >= SILENT_MS
        if not free or any(instance == process.instance for _, _, instance in self.history):
            return False
        self.name(self.epoch + 1, process.colour, process.instance, process.revision)
        return True

    def fence(self, epoch: int) -> Fenced | None:
        if epoch != self.epoch:
            return None
        self.shut.add(self.holder)
        return Fenced(GUARD_MS)

    def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool:
        """As tb_hold: for who trades, and beside no order."""
        if (epoch, instance) != (self.epoch, self.instance) or self.released or self.successor is not None:
            return False
        self.held_until = self.now + lasts_ms
        return True

    def grant(self, expected: int, new: int, successor: Successor) -> bool:
        if expected != self.epoch or new <= expected:
            return False
        self.name(new, successor.holder, successor.instance or None, successor.revision)
        self.shut.discard(successor.holder)
        return True


class FakeDoor:
    """A LeaseDoor to the model; *strike* is asked before and after every effect, and may raise."""

    def __init__(self, ledger: Ledger, strike: Callable[[str, bool], None] | None = None) -> None:
        self.ledger, self._strike = ledger, strike or (lambda name, after: None)

    def _struck(self, name: str, effect: Callable[[], Any]) -> Any:
        self._strike(name, False)
        answer = effect()
        self._strike(name, True)
        return answer

    async def row(self) -> LeaseRow:
        return self.ledger.row()

    async def order(self, epoch: int, expected: Successor | None, successor: Successor | None, lasts_ms: int) -> bool:
        name = "order" if successor else "take back"
        return bool(self._struck(name, lambda: self.ledger.order(epoch, expected, successor, lasts_ms)))

    async def fence(self, epoch: int) -> Fenced | None:
        fenced: Fenced | None = self._struck("fence", lambda: self.ledger.fence(epoch))
        return fenced

    async def admit(self, holder: str) -> bool:
        self._struck("admit", lambda: self.ledger.shut.discard(holder))
        return True

    async def grant(self, expected: int, new: int, successor: Successor) -> bool:
        return bool(self._struck("grant", lambda: self.ledger.grant(expected, new, successor)))

    async def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool:
        return bool(self._struck("hold", lambda: self.ledger.hold(epoch, instance, lasts_ms)))

    async def close(self) -> None:
        return None


@dataclass
class Node:
    """Processes of both colours, as a kubelet runs them; *broken* revisions never come up."""

    ledger: Ledger
    processes: dict[str, Process] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    made: int = 0

    def run(self, colour: str, revision: str, replicas: int) -> None:
        """What the colour's Deployment asks for is there: the old pod is gone before a new one starts."""
        found = self.processes.get(colour)
        if found is not None and found.frozen and replicas == 0:
            return  # it does not hear that it is to end, and has its whole grace
        if found is not None and (replicas == 0 or found.revision != revision):
            self.stop(colour)
            found = None
        if found is None and replicas:
            self.made += 1
            process = Process(f"pod-{colour}-{self.made}", colour, revision, deaf=bool({revision, "*"} & self.deaf))
            trouble = self.broken.get(revision) or self.broken.get("*")
            self.processes[colour] = replace(process, trouble=trouble, ready=trouble is None)

    def at(self, ip: str) -> Process | None:
        """The process that answers there; the address of a pod here is its uid."""
        return next((each for each in self.processes.values() if each.uid == ip), None)

    def stop(self, colour: str) -> None:
        """A clean stop retires; a frozen process is killed."""
        process, ledger = self.processes.pop(colour), self.ledger
        holds = (ledger.holder, ledger.instance) == (colour, process.instance)
        if holds and not process.frozen and process.ready and colour not in ledger.shut:
            ledger.released, ledger.successor = True, None

    def pass_time(self, milliseconds: int) -> None:
        """Every process that is not frozen has beaten, released, claimed or adopted, as it should."""
        ledger = self.ledger
        ledger.now += milliseconds
        alive = [each for each in self.processes.values() if each.ready and not each.frozen]
        for each in alive:
            holds = (ledger.holder, ledger.instance) == (each.colour, each.instance)
            if each.colour in ledger.shut:
                continue
            ledger.beats[each.instance] = ("trader" if holds else "standby", ledger.now)
        for each in alive:
            if not each.busy:
                ledger.release(each)
            if ledger.claim(each):
                ledger.beats[each.instance] = ("trader", ledger.now)

    def report(self, process: Process) -> Report | None:
        """What the process answers; nothing when it stands still."""
        if process.frozen or not process.ready:
            return None
        ledger = self.ledger
        holds = (ledger.holder, ledger.instance) == (process.colour, process.instance) and not ledger.released
        adoption = Adoption(ledger.epoch, "adopting" if process.deaf else "adopted") if holds else None
        return Report(
            instance=process.instance,
            state="trading" if holds and not process.deaf else "standby",
            trading_active=holds and not process.deaf,
            epoch=ledger.epoch if holds else None,
            highest_epoch=ledger.epoch,
            ledger_id="q3v9zk",
            schema=Schema("0002", "0002"),
            exchange=process.exchange,
            database="ok",
            adoption=adoption,
            unresolved=0,
            journal=0,
        )
