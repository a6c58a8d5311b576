"""What the stages need from the outside, as protocols. Adapters live in ``venues`` and ``ledger``."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.clock import ClockState
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Cancel, Fill, Order, OrderReport, Outcome, VenueWrite


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

    @property
    def state(self) -> ClockState: ...

    async def assure(self) -> None:
        """It was measured again if it is in doubt and that took no longer than an exit can wait. Never raises."""
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

    async def room(self, request: Order | Cancel) -> str:
        """Empty: *request* is counted and may be sent now. Else why not; what enters is told at once, never waits."""
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


class LeaseWatch(Protocol):
    """Who hears of changes of the lease row; one each for the trader's loop."""

    async def changed(self, within: timedelta) -> bool:
        """True as soon as the row may have changed since the last call; False when *within* has passed (wall time).

        It may say True for nothing, never False for a change older than a second. Never raises: away is False.
        """
        ...

    def close(self) -> None: ...
