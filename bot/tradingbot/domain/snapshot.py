"""What the engine shows to people and probes, what they may ask of it, and where it counts."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from tradingbot.domain.breaker import Breaker, BreakerState
from tradingbot.domain.clock import ClockState
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import OrderRecord
from tradingbot.domain.position import Position
from tradingbot.domain.reconciliation import Reconciled, Wish


class EngineState(StrEnum):
    STARTING = "starting"
    STANDBY = "standby"  # another process holds the epoch; nothing is decided
    TRADING = "trading"
    HALTED = "halted"
    BLOCKED = "blocked"  # stale data, clock or venue: clears by itself
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class LastDecision:
    """The newest decision taken: *action* is enter, exit, hold, or refused."""

    symbol: str
    bar: datetime
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """How often wishes were refused for *reason* since the start, and the newest such sentence."""

    reason: str
    times: int
    message: str


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """A position with what one needs to look at it: the newest price, its worth, and the stop that covers it."""

    position: Position
    mark: Decimal
    unrealised: Decimal
    stop_price: Decimal | None
    covered: Decimal
    dust: bool = False  # less than the venue would sell


@dataclass(frozen=True, slots=True)
class Shadow:
    """A standby's decisions against the trader's, for the same bars."""

    compared: int = 0
    differing: int = 0
    quantity_difference_percent: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Adoption:
    """What the newest epoch of this process took over; *result* is adopting, adopted or failed."""

    epoch: int
    result: str = "adopting"
    adopted: int = 0
    cancelled: int = 0
    recovered: int = 0
    unknown: int = 0
    milliseconds: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine at one instant; a new value replaces it at every turn of the loop, so readers need no lock."""

    state: EngineState = EngineState.STARTING
    heartbeat: float = 0.0  # Clock.monotonic() of the last turn of the loop
    started_at: datetime | None = None
    ledger_id: str = ""
    epoch: int | None = None  # None while this process holds none
    highest_epoch: int = 0
    holder: str = ""
    halts: tuple[Halt, ...] = ()
    blocks: tuple[str, ...] = ()
    recovering_until: datetime | None = None  # entries are smaller, as the trader before crashed
    equity: Decimal = ZERO
    cash: Decimal = ZERO
    day_start_equity: Decimal = ZERO
    peak_equity: Decimal = ZERO
    currency: str = ""
    positions: tuple[HeldPosition, ...] = ()
    open_orders: int = 0
    last_decision: LastDecision | None = None
    wishes: tuple[int, int] = (0, 0)  # of the strategy to enter and to leave, since the start
    refused: tuple[Refused, ...] = ()  # by reason
    last_orders: tuple[OrderRecord, ...] = ()  # newest first, at most 20
    data_seen_at: datetime | None = None  # venue time at which the newest candle came
    data_age_seconds: float | None = None  # in venue time
    filters_age_seconds: float | None = None  # the same of the venue's steps and bounds; None before they were read
    market_open: bool = True  # by the hours of the settings; a market without hours never closes
    volatility: tuple[tuple[str, float], ...] = ()  # of each market, from bar to bar, as a ratio
    bars_seen: int = 0
    database: str = "unknown"  # ok, or one sentence
    exchange: str = "unknown"  # ok, or one sentence
    clock: ClockState = ClockState.OK
    breakers: tuple[tuple[Breaker, BreakerState], ...] = ()
    disabled: frozenset[str] = frozenset()  # strategies that a person has switched off
    unresolved: int = 0  # intents without a final outcome
    journal: int = 0  # exits sent without the ledger and not yet in it
    schema: tuple[str, str] = ("", "")  # the code's and the ledger's
    shadow: Shadow = Shadow()
    adoption: Adoption | None = None
    outside: tuple[str, ...] = ()  # what others do on the account, and what it lacks of the positions
    reconciled_at: datetime | None = None  # venue time at which ledger and account were last compared at an interval
    differences: tuple[str, ...] = ()  # what that comparison found, a sentence for each market
    balance_error: Decimal | None = None  # worth of what account and book differ by; None before they were compared
    flat: bool = False  # under an order to flatten the venue itself says that nothing of ours is left but dust

    @property
    def halted(self) -> bool:
        return bool(self.halts)

    @property
    def trading_active(self) -> bool:
        """True while this process may open positions: it holds the epoch and nothing halts or blocks."""
        return self.state is EngineState.TRADING


class Commands(Protocol):
    """What may be asked of a running engine, from any thread of control of its event loop."""

    def snapshot(self) -> Snapshot: ...

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        """Trading has stopped as *kind* says when this returns; the latch in the ledger follows, now or when it can.

        *halt_id* names it, so that who has recorded it before can ask for it twice; None = a new name.
        """
        ...

    async def resume(self, halt_id: str, reason: str) -> bool:
        """The halt *halt_id* is cleared, and no other; False when there is none of that id."""
        ...

    async def reconcile(self, wish: Wish) -> Reconciled:
        """Ledger and account agree on *wish*, or the answer says why not; once for a wish of one name."""
        ...

    async def reset_breakers(self, name: str | None) -> tuple[str, ...] | None:
        """The breaker *name*, or each one, is closed: the names of those that were not. None: there is no such name."""
        ...

    async def switch(self, strategy: str, on: bool, reason: str) -> None:
        """*strategy* may enter, or only leave, until it is switched again, by this process and those that follow."""
        ...

    def stop(self) -> None:
        """No new entries from now on; the engine settles what is in flight and ends."""
        ...


class Metrics(Protocol):
    """Where the engine counts. Every method returns at once and never raises."""

    def candle(self, symbol: str, kind: str) -> None:
        """*kind*: closed, running, duplicate, out_of_order, changed, gap."""
        ...

    def bars(self, symbol: str, kept: int, volatility: float) -> None:
        """So many closed bars of *symbol* are in memory, and its price moves so much from bar to bar (a ratio)."""
        ...

    def cache(self, hits: int, misses: int) -> None:
        """So many bars of a history were on the disk, and so many the venue was asked for."""
        ...

    def shrunk(self) -> None:
        """This process was larger than it should be, and keeps no more than deciding needs from now on."""
        ...

    def decision(self, strategy: str, symbol: str, action: str) -> None: ...

    def refusal(self, reason: str) -> None: ...

    def signal(self, strategy: str, side: str) -> None:
        """A strategy wants in (buy) or out (sell), whatever risk says to it."""
        ...

    def dropped(self, strategy: str, side: str) -> None:
        """A wish that came too soon after others, so that nobody looked at it."""
        ...

    def stream(self, name: str, connected: bool) -> None:
        """The line *name* to the venue is up, or it is not."""
        ...

    def clock(self, offset_seconds: float) -> None:
        """The venue's clock was measured now, and is so far ahead of ours."""
        ...

    def order(self, symbol: str, side: str, purpose: str, outcome: str) -> None:
        """*outcome*: accepted, refused, unknown, absent."""
        ...

    def order_latency(self, seconds: float) -> None:
        """Time from the intent's timestamp to the venue's answer, in wall seconds."""
        ...

    def fill(self, symbol: str, side: str, notional: Decimal, fee_quote: Decimal) -> None: ...

    def foreign(self, kind: str) -> None:
        """Somebody else did something on the account; *kind*: order, trade, balance."""
        ...

    def fenced(self) -> None: ...

    def reconnect(self, what: str) -> None:
        """*what*: feed, venue, ledger."""
        ...

    def failure(self, where: str) -> None:
        """A read or a turn of the loop failed and will be tried again."""
        ...


class NoMetrics:
    """Counts nothing."""

    def candle(self, symbol: str, kind: str) -> None: ...

    def bars(self, symbol: str, kept: int, volatility: float) -> None: ...

    def cache(self, hits: int, misses: int) -> None: ...

    def shrunk(self) -> None: ...

    def decision(self, strategy: str, symbol: str, action: str) -> None: ...

    def refusal(self, reason: str) -> None: ...

    def signal(self, strategy: str, side: str) -> None: ...

    def dropped(self, strategy: str, side: str) -> None: ...

    def stream(self, name: str, connected: bool) -> None: ...

    def clock(self, offset_seconds: float) -> None: ...

    def order(self, symbol: str, side: str, purpose: str, outcome: str) -> None: ...

    def order_latency(self, seconds: float) -> None: ...

    def fill(self, symbol: str, side: str, notional: Decimal, fee_quote: Decimal) -> None: ...

    def foreign(self, kind: str) -> None: ...

    def fenced(self) -> None: ...

    def reconnect(self, what: str) -> None: ...

    def failure(self, where: str) -> None: ...
