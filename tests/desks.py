"""Makers for tests of the bot's edges: an engine that only listens, and a desk in front of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tradingbot.api.desk import Desk, Identity
from tradingbot.domain.audit import Entry, Event, Head, following
from tradingbot.domain.breaker import BreakerState
from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.halt import Halt, HaltKind, is_unnumbered, numbered
from tradingbot.domain.lease import LeaseRow, LeaseState, Sign
from tradingbot.domain.order import Fill, OrderRecord, OrderStatus
from tradingbot.domain.reconciliation import Reconciled, Wish
from tradingbot.domain.snapshot import EngineState, Snapshot
from tradingbot.domain.trade import Account, Trade

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
IDENTITY = Identity(
    bot="btc",
    namespace="trading",
    mode="paper",
    book="paper",
    colour="blue",
    revision="0123456789abcdef0123",
    instance="pod-1/start-1",
    version="0.1.0",
    exchange="binance",
    symbols=("BTC/USDT",),
    strategy="sma_cross",
    embedded=True,
)
WELL = Snapshot(
    state=EngineState.TRADING,
    heartbeat=100.0,
    started_at=NOW,
    ledger_id="q3v9zk",
    epoch=3,
    highest_epoch=3,
    holder="blue",
    equity=Decimal("10010.50"),
    cash=Decimal("9000.00"),
    day_start_equity=Decimal(10000),
    peak_equity=Decimal("10020"),
    currency="USDT",
    database="ok",
    exchange="ok",
)


@dataclass
class ListeningEngine:
    """The Commands port without trading: it remembers what it was told."""

    shown: Snapshot = WELL
    stops: int = 0
    told: list[tuple[str, HaltKind, str]] = field(default_factory=list)
    resumed: set[str] = field(default_factory=set)
    wishes: list[Wish] = field(default_factory=list)
    reconciled: Reconciled = field(default_factory=Reconciled)

    def snapshot(self) -> Snapshot:
        return self.shown

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        self.told.append((reason, kind, source))
        name = halt_id or f"halt-{len(self.told)}"
        if is_unnumbered(name):
            name = numbered(name, sum(each.startswith(f"{name}-") for each in self.resumed))
        made = Halt(name, kind, source, reason, NOW)
        if made.id not in self.resumed and all(halt.id != made.id for halt in self.shown.halts):
            self.shown = replace(self.shown, state=EngineState.HALTED, halts=(*self.shown.halts, made))
        return made

    async def reconcile(self, wish: Wish) -> Reconciled:
        self.wishes.append(wish)
        return self.reconciled

    async def resume(self, halt_id: str, reason: str) -> bool:
        rest = tuple(halt for halt in self.shown.halts if halt.id != halt_id)
        known = len(rest) < len(self.shown.halts)
        self.shown = replace(self.shown, halts=rest)
        self.resumed.add(halt_id)
        return known

    async def reset_breakers(self, name: str | None) -> tuple[str, ...] | None:
        names = [held.name for held, _ in self.shown.breakers]
        if name is not None and name not in names:
            return None
        closed = tuple(
            h.name for h, s in self.shown.breakers if name in (None, h.name) and s is not BreakerState.CLOSED
        )
        rest = tuple((h, BreakerState.CLOSED if h.name in closed else s) for h, s in self.shown.breakers)
        self.shown = replace(self.shown, breakers=rest)
        return closed

    async def switch(self, strategy: str, on: bool, reason: str) -> None:
        self.told.append((reason, HaltKind.REDUCE, strategy))
        off = self.shown.disabled - {strategy} if on else self.shown.disabled | {strategy}
        self.shown = replace(self.shown, disabled=off)

    def stop(self) -> None:
        self.stops += 1


@dataclass(frozen=True)
class Admitted:
    """Tokens that admit one."""

    token: str

    def admits(self, offered: str) -> bool:
        return offered == self.token


@dataclass
class StoredLedger:
    """A ledger that only answers; *away* makes it unreachable."""

    records: tuple[OrderRecord, ...] = ()
    trades: tuple[Fill, ...] = ()
    row: LeaseRow | None = None
    away: bool = False
    ended: tuple[Trade, ...] = ()
    closes: tuple[Decimal, ...] = ()
    asked: list[Any] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def orders(self, statuses: frozenset[OrderStatus] | None, limit: int | None) -> tuple[OrderRecord, ...]:
        self._reach()
        self.asked.append((statuses, limit))
        return self.records[:limit]

    def fills(self, symbol: str | None) -> tuple[Fill, ...]:
        self._reach()
        return tuple(fill for fill in self.trades if symbol in (None, fill.symbol))

    def results(self, since: datetime | None) -> tuple[Trade, ...]:
        self._reach()
        return tuple(trade for trade in self.ended if since is None or trade.ended_at >= since)

    def account(self) -> Account:
        self._reach()
        return Account(self.ended, self.closes, 4096, 7)

    def audit(self, since: datetime, types: Sequence[str], limit: int) -> tuple[Entry, ...]:
        self._reach()
        entries: list[Entry] = []
        for told in self.told:
            entries.append(following(entries[-1].head if entries else Head(), told, NOW))
        return tuple(each for each in reversed(entries) if not types or each.event.type in types)[:limit]

    def tell(self, told: Sequence[Event]) -> None:
        self._reach()
        self.told.extend(told)

    def door(self) -> "StoredLedger":
        return self

    def state(self) -> LeaseState:
        self._reach()
        assert self.row
        return LeaseState(self.row, None, None, 3000, (Sign("pod-1/start-1", "trader", 12),))

    def order(self, epoch: int, expected: str | None, successor: str | None, lasts_ms: int) -> bool:
        return self._called("order", epoch, expected, successor, lasts_ms)

    def fence(self, epoch: int) -> bool:
        return self._called("fence", epoch)

    def grant(self, expected: int, new: int, to: tuple[str, str | None, str | None]) -> bool:
        return self._called("grant", expected, new, to)

    def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool:
        return self._called("hold", epoch, instance, lasts_ms)

    def _called(self, *call: Any) -> bool:
        """Answers True for the epoch of the row."""
        self._reach()
        self.asked.append(call)
        return self.row is not None and call[1] == self.row.epoch

    def _reach(self) -> None:
        if self.away:
            raise LedgerUnavailable("connection refused")


def desk(commands: Any = None, monotonic: Callable[[], float] = lambda: 110.0, **changes: Any) -> Desk:
    """A desk at NOW whose engine turned ten seconds ago."""
    made = Desk(
        identity=IDENTITY,
        commands=commands or ListeningEngine(),
        api_tokens=Admitted("people"),
        operator_tokens=Admitted("operator"),
        now=lambda: NOW,
        monotonic=monotonic,
        since=50.0,
    )
    return replace(made, **changes) if changes else made
