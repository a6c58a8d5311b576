"""The port of the book of record. Its adapter lives in ``ledger``."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from tradingbot.domain.audit import Event
from tradingbot.domain.halt import Halt
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Instance, Lease, LeaseRow, NotClaimed, NotReleased, Released, Successor
from tradingbot.domain.order import (
    Cancel,
    Fill,
    Mark,
    News,
    Order,
    OrderRecord,
    OrderReport,
    OrderStatus,
    VenueWrite,
)
from tradingbot.domain.position import Position


class Ledger(Protocol):
    """The book of record. Methods are synchronous and raise LedgerUnavailable; fenced ones also raise Fenced."""

    ledger_id: str

    def remembered(self) -> None:
        """The state volume knows of the epoch this process was given; nothing is sent under it before."""
        ...

    def one_read(self) -> AbstractContextManager[None]:
        """The reads inside are one transaction, which is quicker; nothing is written or awaited inside."""
        ...

    def one_write(self) -> AbstractContextManager[None]:
        """The calls inside are one transaction, durable at its end or never made; nothing is awaited inside."""
        ...

    def claim(self, instance: Instance, now: datetime) -> Lease | NotClaimed: ...

    def retire(self, lease: Lease, now: datetime) -> bool: ...

    def release(self, lease: Lease, successor: Successor, now: datetime) -> Released | NotReleased:
        """Epoch+1 belongs to *successor* in one transaction, if the standing order names it and is not void."""
        ...

    def named(self, instance: Instance) -> Lease | None:
        """The epoch the row gives to this very process (a release or a grant), or None."""
        ...

    def lease_row(self) -> LeaseRow: ...

    def order_stands(self) -> Successor | None:
        """The successor of an order that is not void by the ledger's clock, or None."""
        ...

    def holder_silent(self, instance: Instance) -> bool:
        """True when the row's holder is this colour and its instance, another one, has not been seen for 5 s."""
        ...

    def record_shadow(self, decision: Decision, revision: str, quantity: Decimal) -> None:
        """A standby's decision for the bar, free of the fence; the same bar twice changes nothing."""
        ...

    def shadow_compared(self, revision: str, since: datetime) -> tuple[int, int, Decimal]:
        """Bars decided by both this *revision* as a standby and the trader: compared, differing in action, and the
        largest difference of target quantity in percent.
        """
        ...

    def bind(self, account: str) -> str:
        """The account the ledger is bound to; one that was bound to none is bound to *account* now."""
        ...

    def news(self, after: Mark | None, live: Sequence[str]) -> News:
        """Fills and orders written after *after*, and how the orders *live* stand now; oldest first.

        None gives all fills, and of the orders those that a book needs: what works, has filled, or is among the newest.
        """
        ...

    def named_orders(self, names: Sequence[str]) -> tuple[OrderRecord, ...]:
        """The writes with these client ids, cancels too, as they stand."""
        ...

    def unclean(self, held: Lease) -> frozenset[int]:
        """The epochs before *lease* that ended neither by release nor by retire, and were another pod's."""
        ...

    def since_crash(self) -> timedelta | None:
        """How long ago the newest epoch began that followed one which ended neither by release nor by retire."""
        ...

    def quiet_until(self) -> datetime | None:
        """The newest expires_at of all epochs that did not end by release or retire; None when there is none."""
        ...

    def heartbeat(self, instance: Instance, role: str, now: datetime) -> None: ...

    def self_test(self) -> bool:
        """True when rows of epoch 0 were refused, so that the fence stands; a first order is then as fast as any."""
        ...

    def decide(
        self, lease: Lease, decision: Decision, request: Order | Cancel | None, times: tuple[datetime, datetime] | None
    ) -> VenueWrite | None:
        """Advances the cursor of (strategy, symbol) to the decided bar and inserts *request*, in one transaction.

        *times* are (timestamp, expires_at). A bar already decided changes nothing and gives None.
        """
        ...

    def intend(self, lease: Lease, request: Order | Cancel, timestamp: datetime, expires_at: datetime) -> VenueWrite:
        """Inserts one write that no strategy decision stands behind (stops, cancels, exits by halt)."""
        ...

    def replay(self, lease: Lease, entry: VenueWrite) -> OrderRecord:
        """The journal's *entry* stands in the book as sent, its outcome unknown; a second time changes nothing."""
        ...

    def recover(self, lease: Lease, client_id: str, report: OrderReport) -> OrderRecord:
        """The order of ours without an intent stands in the book as the venue reports it; once."""
        ...

    def settle(
        self, lease: Lease, client_id: str, status: OrderStatus, report: OrderReport | None, message: str
    ) -> OrderRecord:
        """Moves an order forward by the table; a move that is not forward changes nothing."""
        ...

    def record_fills(self, lease: Lease, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """Stores the fills not yet known, and returns those."""
        ...

    def decided_through(self, strategy: str, symbol: str) -> datetime | None: ...

    def orders(
        self, statuses: frozenset[OrderStatus] | None = None, limit: int | None = None
    ) -> tuple[OrderRecord, ...]:
        """Orders (not cancels), newest first."""
        ...

    def unsettled(self) -> tuple[OrderRecord, ...]:
        """Every write, cancels too, whose outcome is not known yet, oldest first."""
        ...

    def fills(self, symbol: str | None = None) -> tuple[Fill, ...]: ...

    def position(self, instrument: Instrument) -> Position: ...

    def orders_since(self, since: datetime) -> int:
        """How many orders and replacements were intended at or after *since*, across epochs."""
        ...

    def record_equity(self, lease: Lease, at: datetime, equity: Decimal) -> None: ...

    def day_start_equity(self, day_start: datetime) -> Decimal | None: ...

    def peak_equity(self) -> Decimal | None: ...

    def equity_since(self, since: datetime) -> tuple[tuple[datetime, Decimal], ...]:
        """What was recorded at or after *since*, oldest first, with the one before it, which still held then."""
        ...

    def latch(self, halt: Halt) -> str:
        """Stores *halt*; the same id twice changes nothing, also when it was resumed in between. Not fenced.

        The answer is the id it stands under: an unnumbered one is that of its namesake which stands, or the next.
        """
        ...

    def halts(self) -> tuple[Halt, ...]:
        """The halts that stand, oldest first; resumed ones are not among them."""
        ...

    def resume(self, halt_id: str, reason: str, now: datetime) -> bool: ...

    def tell(self, told: Event) -> None:
        """*told* is the newest entry of the audit log. Not fenced."""
        ...

    def paper_book(self) -> str | None:
        """The paper venue's state as it wrote it, or None."""
        ...

    def save_paper_book(self, lease: Lease, state: str) -> None: ...

    def close(self) -> None: ...
