"""What the stages need from the outside, as protocols. Adapters live in ``venues`` and ``ledger``."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from tradingbot.domain.candle import Candle, Quote
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
    Outcome,
    VenueWrite,
)
from tradingbot.domain.position import Position


class Clock(Protocol):
    def now(self) -> datetime:
        """Venue time, UTC. In a free-running simulation it runs faster than the wall."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, of the wall's length."""
        ...

    def boottime(self) -> float:
        """As *monotonic*, and it goes on while the machine sleeps."""
        ...

    def scaled(self, duration: timedelta) -> timedelta:
        """What *duration* of wall time is in venue time: windows and ages grow with a free-running venue."""
        ...

    def doubt(self) -> str | None:
        """Why this time is not good enough for an entry (offset or drift above the skew allowance), else None."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Returns when *duration* of venue time has passed."""
        ...


class ExitGrants(Protocol):
    """Whom a trader asks that cannot see its ledger; whatever cannot be known is a refusal."""

    async def ask(self, lease: Lease) -> timedelta | None:
        """How long it may sell, counted from before it asked; None: not now."""
        ...


class Feed(Protocol):
    """Market data. Reads only; raises VenueUnavailable."""

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]: ...

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        """The newest *bars* candles, oldest first; the last one may be running (closed False)."""
        ...

    def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        """Candles as they come, running and closed ones; ends only when closed. After a gap the caller asks history."""
        ...

    async def quote(self, symbol: str) -> Quote: ...

    async def close(self) -> None: ...


class Venue(Protocol):
    """Where orders go. Only ``execution.send`` may call *send*; all other methods are reads (VenueUnavailable)."""

    name: str
    account: str

    @property
    def key_refused(self) -> str:
        """Why the venue no longer takes the key, once that is certain; empty until then."""
        ...

    @property
    def request_life(self) -> timedelta:
        """How long after its timestamp the venue may still act on a request, in venue time."""
        ...

    @property
    def visibility(self) -> timedelta:
        """How long the venue may take to show an order it has accepted, in venue time."""
        ...

    async def identify(self) -> None:
        """*account* names the account itself from now on; until then it may be empty, and nothing private was asked."""
        ...

    async def reach(self) -> None:
        """Ways to the venue stand for what an adoption asks at once. Nothing private is said, and nothing is raised."""
        ...

    async def send(self, write: VenueWrite) -> Outcome:
        """Sends *write* once with its own timestamp, and tells which of the three outcomes came of it."""
        ...

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        """The order by its client id, wherever that kind of order is listed; None = the venue does not know it."""
        ...

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]: ...

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        """The account's trades at or after *since*, oldest first, foreign ones included."""
        ...

    async def balances(self) -> Mapping[str, Decimal]:
        """Total (free and locked) per coin."""
        ...

    def events(self) -> AsyncIterator[OrderReport | Fill]:
        """Order and fill events as they come; may lose, repeat or reorder them: the ledger sorts that out."""
        ...

    def observe(self, candle: Candle) -> Iterator[None]:
        """A closed bar the trader has just seen. Venues of our own match against it; for real ones nothing happens.

        It yields when waiting orders have met the bar's open, so that the trader can answer (place a stop) before the
        rest of the bar goes on, as it could at a real venue. The caller runs it to its end.
        """
        ...

    def book(self) -> str | None:
        """What must be stored for this venue to go on after a restart, or None when nothing changed since asked."""
        ...

    def restore(self, book: str | None) -> None:
        """Takes back what *book* gave, before the first write; None is a new account."""
        ...

    async def close(self) -> None: ...


class Ledger(Protocol):
    """The book of record. Methods are synchronous and raise LedgerUnavailable; fenced ones also raise Fenced."""

    ledger_id: str

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
        """True when an intent of epoch 0 was refused, so that the fence stands."""
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

    def paper_book(self) -> str | None:
        """The paper venue's state as it wrote it, or None."""
        ...

    def save_paper_book(self, lease: Lease, state: str) -> None: ...

    def close(self) -> None: ...


class LeaseWatch(Protocol):
    """Who hears of changes of the lease row; one each for the trader's loop."""

    async def changed(self, within: timedelta) -> bool:
        """True as soon as the row may have changed since the last call; False when *within* has passed (wall time).

        It may say True for nothing, never False for a change older than a second. Never raises: away is False.
        """
        ...

    def close(self) -> None: ...
