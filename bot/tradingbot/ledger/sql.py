"""The ledger in an SQL database."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine

from tradingbot.domain.audit import Event
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Instance, Lease, NotClaimed, NotReleased, Released, Successor
from tradingbot.domain.order import Cancel, Fill, Order, OrderRecord, OrderReport, OrderStatus, VenueWrite
from tradingbot.ledger import books, latches, recovery, rehearsal, shadow, trail, writes
from tradingbot.ledger import lease as leases
from tradingbot.ledger.clock import ledger_now
from tradingbot.ledger.connect import asking, reading, together, writing
from tradingbot.ledger.highwater import HighWater, Memory, set_back
from tradingbot.ledger.reader import LedgerReader


class SqlLedger(LedgerReader):
    """The whole ``Ledger`` port. Every call is one transaction; use it from one thread at a time."""

    def __init__(self, engine: Engine, venue: str) -> None:
        super().__init__(engine)
        self._venue = venue
        self._memory: Memory | None = None

    def remember(self, state: Path) -> None:
        """From now on the volume at *state* knows how far this book has come, and a ledger behind it is refused."""
        with reading(self.engine) as connection:
            self._memory = Memory(state, books.marked(connection, self.ledger_id))

    def claim(self, instance: Instance, now: datetime) -> Lease | NotClaimed:
        seen = self._memory.seen() if self._memory else None
        with writing(self.engine) as connection:
            found = leases.claim(connection, instance, now)
        if isinstance(found, NotClaimed) or self._memory is None:
            return found
        refusal = self._set_back(found, seen, self.highest(), now)
        self.remembered()
        return refusal or found

    def named(self, instance: Instance) -> Lease | None:
        with self.one_read():
            found = super().named(instance)
            if found is None or self._memory is None or self._memory.holds(found.epoch):
                return found
            stands = HighWater(found.epoch, self.newest())
        return None if self._set_back(found, self._memory.seen(), stands) else found

    def remembered(self) -> None:
        if self._memory is not None:
            self._memory.remembered()

    def _set_back(
        self, given: Lease, seen: HighWater | None, stands: HighWater, at: datetime | None = None
    ) -> NotClaimed | None:
        """The state volume is being told of the epoch; or why it must not be traded under, and then nobody will."""
        if self._memory is None:
            return None
        if seen is not None and (refusal := set_back(seen, stands)) is not None:
            now = at or self._now()
            # Halted too: each claim raises the epoch, so that a later start would find nothing wrong with it.
            self.latch(Halt(f"set-back-{seen.epoch}-{seen.sequence}", HaltKind.HALT, "ledger", refusal.message, now))
            self.retire(given, now)
            return refusal
        self._memory.given(stands)
        return None

    def _now(self) -> datetime:
        with reading(self.engine) as connection:
            return ledger_now(connection)

    def one_write(self) -> AbstractContextManager[None]:
        return together(self.engine, writes=True)

    def retire(self, lease: Lease, now: datetime) -> bool:
        with writing(self.engine) as connection:
            return leases.retire(connection, lease, now)

    def release(self, lease: Lease, successor: Successor, now: datetime) -> Released | NotReleased:
        # The successor hears of it at once; that this process stands by now is told behind it.
        with asking(self.engine) as connection:
            done = leases.release(connection, lease, successor)
            if isinstance(done, Released):
                leases.heartbeat(connection, lease.instance, "standby", now)
            return done

    def bind(self, account: str) -> str:
        with asking(self.engine) as connection:
            return leases.bind(connection, account)

    def record_shadow(self, decision: Decision, revision: str, quantity: Decimal) -> None:
        with writing(self.engine) as connection:
            shadow.record(connection, decision, revision, quantity)

    def heartbeat(self, instance: Instance, role: str, now: datetime) -> None:
        with writing(self.engine) as connection:
            leases.heartbeat(connection, instance.name, role, now)
        if self._memory is not None and self._memory.is_due():
            self._memory.grown(self.newest())

    def self_test(self) -> bool:
        with writing(self.engine) as connection:
            stands = writes.fence_stands(connection)
            if stands:
                rehearsal.rehearse(connection)
            return stands

    def decide(
        self, lease: Lease, decision: Decision, request: Order | Cancel | None, times: tuple[datetime, datetime] | None
    ) -> VenueWrite | None:
        if request is not None and times is None:
            raise ValueError("a request needs its timestamp and its expiry")
        with writing(self.engine) as connection:
            if not writes.decide(connection, lease, decision):
                return None
            write = writes.intend(connection, lease, request, times) if request and times else None
            writes.note(connection, lease, decision, write)
        return write

    def intend(self, lease: Lease, request: Order | Cancel, timestamp: datetime, expires_at: datetime) -> VenueWrite:
        with writing(self.engine) as connection:
            return writes.intend(connection, lease, request, (timestamp, expires_at))

    def replay(self, lease: Lease, entry: VenueWrite) -> OrderRecord:
        with writing(self.engine) as connection:
            return recovery.replay(connection, lease, entry)

    def recover(self, lease: Lease, client_id: str, report: OrderReport) -> OrderRecord:
        with writing(self.engine) as connection:
            return recovery.recover(connection, lease, client_id, report)

    def settle(
        self, lease: Lease, client_id: str, status: OrderStatus, report: OrderReport | None, message: str
    ) -> OrderRecord:
        with writing(self.engine) as connection:
            return writes.settle(connection, lease, client_id, (status, report, message))

    def record_fills(self, lease: Lease, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        with writing(self.engine) as connection:
            return writes.record_fills(connection, lease, self._venue, fills)

    def record_equity(self, lease: Lease, at: datetime, equity: Decimal) -> None:
        with writing(self.engine) as connection:
            writes.record_equity(connection, lease, at, equity)

    def save_paper_book(self, lease: Lease, state: str) -> None:
        with writing(self.engine) as connection:
            writes.save_paper_book(connection, lease, state)

    def tell(self, told: Event) -> None:
        with writing(self.engine) as connection:
            trail.append(connection, told)

    def latch(self, halt: Halt) -> str:
        with writing(self.engine) as connection:
            return latches.latch(connection, halt)

    def resume(self, halt_id: str, reason: str, now: datetime) -> bool:
        with writing(self.engine) as connection:
            return latches.resume(connection, halt_id, reason, now)
