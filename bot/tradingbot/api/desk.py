"""What the servers read: who this process is, its commands, and its ledger once there is one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from tradingbot.api.listeners import Listeners
from tradingbot.api.usage import Usage
from tradingbot.domain.audit import Entry, Event
from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.lease import LeaseState
from tradingbot.domain.logline import Log, NoLog
from tradingbot.domain.order import Fill, OrderRecord, OrderStatus
from tradingbot.domain.realmoney import Safety
from tradingbot.domain.snapshot import Commands
from tradingbot.domain.trade import Account, Trade
from tradingbot.pacing import Pacing

Answer = TypeVar("Answer")
ALIVE_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Identity:
    """What does not change while the process runs."""

    bot: str
    namespace: str
    mode: str
    book: str
    colour: str
    revision: str
    instance: str
    version: str
    exchange: str
    symbols: tuple[str, ...]
    strategy: str
    embedded: bool
    others: tuple[tuple[str, str], ...] = ()  # markets that another strategy trades, and which

    @property
    def deciders(self) -> dict[str, str]:
        """The strategy of each market."""
        return {**dict.fromkeys(self.symbols, self.strategy), **dict(self.others)}

    @property
    def strategies(self) -> tuple[str, ...]:
        """Each strategy by its name."""
        return tuple(dict.fromkeys((self.strategy, *(name for _, name in self.others))))


@dataclass(frozen=True, slots=True)
class ShownLimits:
    """The limits that people and alerts compare with."""

    max_daily_loss: Decimal = ZERO
    max_daily_loss_percent: Decimal = ZERO
    max_drawdown_percent: Decimal = ZERO
    soft_memory_bytes: int = 0


class Tokens(Protocol):
    def admits(self, offered: str) -> bool: ...


def admitted(tokens: Tokens, authorization: str) -> bool:
    """True when the header *authorization* bears one of *tokens*."""
    scheme, _, offered = authorization.partition(" ")
    return scheme.lower() == "bearer" and tokens.admits(offered.strip())


class Door(Protocol):
    """The lease functions of an embedded ledger (contracts 8.1); a False changed nothing."""

    def state(self) -> LeaseState: ...

    def order(self, epoch: int, expected: str | None, successor: str | None, lasts_ms: int) -> bool: ...

    def fence(self, epoch: int) -> bool: ...

    def grant(self, expected: int, new: int, to: tuple[str, str | None, str | None]) -> bool: ...

    def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool: ...

    def tell(self, told: Sequence[Event]) -> None:
        """*told* are the newest entries of the audit log."""
        ...


class Switch(Protocol):
    """Whether prices are invented."""

    on: bool


class Blocked(Protocol):
    """How many requests were kept from real money."""

    count: int


class Reader(Protocol):
    """The ledger, for reading beside its writer; from one thread at a time."""

    def orders(self, statuses: frozenset[OrderStatus] | None, limit: int | None) -> tuple[OrderRecord, ...]: ...

    def fills(self, symbol: str | None) -> tuple[Fill, ...]: ...

    def results(self, since: datetime | None) -> tuple[Trade, ...]: ...

    def account(self) -> Account: ...

    def audit(self, since: datetime, types: Sequence[str], limit: int) -> tuple[Entry, ...]:
        """What the audit log was told since then, newest first; of these *types* only, where some are named."""
        ...

    def door(self) -> Door: ...


@dataclass(slots=True)
class Desk:
    """*ledger* is None until it has been opened; *serving* becomes False when the process begins to end.

    *since* is the monotonic time at which the process began; *keys_loaded* how many exchange keys it holds.
    """

    identity: Identity
    commands: Commands
    api_tokens: Tokens
    operator_tokens: Tokens
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    since: float
    ledger: Reader | None = None
    serving: bool = True
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    usage: Usage = field(default_factory=Usage)
    limits: ShownLimits = field(default_factory=ShownLimits)
    keys_loaded: int = 0
    invention: Switch | None = None  # where there is a market whose prices could be replaced
    market: Listeners = field(default_factory=Listeners)
    streams: dict[str, bool] = field(default_factory=dict)  # each line to the venue, up or not
    log: Log = field(default_factory=NoLog)
    pacing: Pacing = field(default_factory=lambda: Pacing(time.monotonic))
    safety: Safety = field(default_factory=Safety)
    blocked: Blocked | None = None  # where requests can leave at all
    cached: Callable[[], tuple[int, int]] = lambda: (0, 0)  # markets whose bars are on the disk, and their bytes
    account: Account | None = None  # as the ledger told last; None when it does not tell

    async def ask(self, question: Callable[[Reader], Answer]) -> Answer:
        """What the ledger answers, without stopping the loop; raises LedgerUnavailable."""
        if self.ledger is None:
            raise LedgerUnavailable("not opened yet")
        async with self.turn:
            return await asyncio.to_thread(question, self.ledger)

    @property
    def real_trades_blocked(self) -> int:
        return self.blocked.count if self.blocked else 0

    def heartbeat_age(self) -> float:
        """Seconds since the engine's loop last turned."""
        return self.monotonic() - self.commands.snapshot().heartbeat

    def is_alive(self) -> bool:
        return self.heartbeat_age() < ALIVE_FOR.total_seconds()
