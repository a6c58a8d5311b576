"""Makers for trading tests: valid values with named changes, a ledger in memory, and engines on recordings."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from tradingbot.domain.audit import Event
from tradingbot.domain.candle import Candle
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.errors import Fenced, LedgerUnavailable
from tradingbot.domain.halt import Halt, is_unnumbered, numbered
from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Instance, Lease, LeaseRow, NotClaimed, NotReleased, Released, Successor
from tradingbot.domain.order import (
    UNSETTLED,
    Cancel,
    Fill,
    IllegalMove,
    Mark,
    News,
    Order,
    OrderRecord,
    OrderReport,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
    VenueWrite,
    moved,
)
from tradingbot.domain.position import Position, position_of
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.engine import Engine
from tradingbot.parts import EngineSettings, Parts
from tradingbot.risk.limits import RiskLimits
from tradingbot.strategy import Strategy, strategy_of
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.replay import ReplayClock, ReplayFeed, load_candles, recorded_instrument

DATA = Path(__file__).parents[1] / "simulator" / "data"
START = datetime(2022, 12, 13, tzinfo=UTC)
LEDGER = "abc123"
BTC = "BTC/USDT"
# The strategies of the stories told on the simulator's recording, which is played by the wall: whenever a story begins,
# the first wants an entry at every bar, for the index over 20 bars never exceeds 93.01, and the second wants in within
# 16 bars and out again within 21 (tests/unit/tradingbot/test_strategy.py). A stop 10 percent below is met by no bar.
AT_ONCE = {"name": "rsi", "timeframe": "1m", "parameters": {"period": "20", "lower": "99.9", "upper": "100"}}
OFTEN = {"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "2", "slow": "5"}}

LIMITS = RiskLimits(
    max_order_notional=Decimal(1000),
    max_position_notional=Decimal(2000),
    max_open_positions=3,
    max_orders_per_minute=10,
    max_daily_loss=Decimal(200),
    max_daily_loss_percent=Decimal(2),
    max_drawdown_percent=Decimal(10),
    stale_after=timedelta(minutes=2),
    stop_loss_percent=Decimal(2),
    order_fraction_percent=Decimal(10),
)


def instrument(symbol: str = BTC, **changes: object) -> Instrument:
    return replace(recorded_instrument(symbol), **changes)


def candle(minute: int = 0, prices: str = "100 101 99 100", **changes: object) -> Candle:
    """A closed one-minute bar; *prices* are open, high, low, close."""
    first, high, low, last = (Decimal(price) for price in prices.split())
    bar = Candle(BTC, "1m", START + timedelta(minutes=minute), first, high, low, last, Decimal(1000))
    return replace(bar, **changes)


def bars(*closes: str | int) -> list[Candle]:
    """One bar a minute that opens where the one before closed."""
    before, made = Decimal(closes[0]), []
    for minute, close in enumerate(Decimal(text) for text in closes):
        high, low = max(before, close), min(before, close)
        made.append(candle(minute, f"{before} {high} {low} {close}"))
        before = close
    return made


def order(**changes: object) -> Order:
    return replace(Order(BTC, Side.BUY, OrderType.MARKET, Purpose.ENTRY, Decimal(1)), **changes)


def write(request: Order | Cancel | None = None, sequence: int = 1, at: datetime = START) -> VenueWrite:
    name = str(ClientId(LEDGER, 1, sequence))
    return VenueWrite(name, 1, sequence, request or order(), at, at + timedelta(seconds=2))


@cache
def recorded(prefix: str, symbol: str = BTC) -> tuple[Candle, ...]:
    """The candles of the simulator's file that begins with *prefix*, read once."""
    file = next(DATA.glob(f"{prefix}*.csv"))
    return load_candles(file, symbol, file.name.split("-")[1])


@dataclass
class MemoryLedger:
    """A fake of the Ledger port with the same promises, kept in dictionaries. *away* makes every call fail."""

    ledger_id: str = LEDGER
    epoch: int = 0
    instance: str | None = None
    released: bool = False
    away: bool = False
    away_as: type[LedgerUnavailable] = LedgerUnavailable
    records: dict[str, OrderRecord] = field(default_factory=dict)
    trades: dict[tuple[str, str], Fill] = field(default_factory=dict)
    decisions: list[tuple[Decision, VenueWrite | None]] = field(default_factory=list)
    cursors: dict[tuple[str, str], datetime] = field(default_factory=dict)
    latched: dict[str, Halt] = field(default_factory=dict)
    resumed: dict[str, str] = field(default_factory=dict)
    equities: list[tuple[datetime, Decimal]] = field(default_factory=list)
    paper: str | None = None
    sequence: int = 0
    ordered: Successor | None = None
    silent: bool = False
    shadow: dict[tuple[str, str, datetime, str], tuple[Decision, Decimal]] = field(default_factory=dict)
    account: str = ""
    clean: set[int] = field(default_factory=set)
    pods: dict[int, str] = field(default_factory=dict)
    version: int = 0
    deaf: bool = False
    holder: str = "blue"
    told: list[Event] = field(default_factory=list)

    def _here(self) -> None:
        if self.away:
            raise self.away_as("the ledger cannot be reached")

    def _fence(self, lease: Lease) -> None:
        self._here()
        if (lease.epoch, lease.instance) != (self.epoch, self.instance) or self.released:
            raise Fenced(f"epoch {lease.epoch} is over")

    def remembered(self) -> None:
        self._here()

    def one_read(self) -> AbstractContextManager[None]:
        return nullcontext()

    def one_write(self) -> AbstractContextManager[None]:
        return nullcontext()

    def claim(self, instance: Instance, now: datetime) -> Lease | NotClaimed:
        self._here()
        self.epoch, self.instance, self.released = self.epoch + 1, instance.name, False
        self.pods[self.epoch] = instance.pod_uid
        self.version += 1
        return Lease(self.ledger_id, self.epoch, instance.colour, instance.name, instance.revision)

    def retire(self, lease: Lease, now: datetime) -> bool:
        self._fence(lease)
        self.released = True
        self.clean.add(self.epoch)
        self.version += 1
        return True

    def release(self, lease: Lease, successor: Successor, now: datetime) -> Released | NotReleased:
        self._fence(lease)
        if self.ordered != successor:
            return NotReleased("OtherSuccessor" if self.ordered else "NoOrder")
        if self.deaf:
            return NotReleased("SuccessorSilent")
        self.clean.add(self.epoch)
        self.grant(successor)
        return Released(self.epoch)

    def grant(self, to: Successor) -> None:
        """The next epoch belongs to *to*, as the operator gives it after a forced fence."""
        self.epoch, self.instance, self.ordered, self.released = self.epoch + 1, to.instance, None, False
        self.pods[self.epoch], self.holder = to.instance.partition("/")[0], to.holder
        self.version += 1

    def order(self, to: Successor | None) -> None:
        """The operator orders a hand-over, or takes the order back."""
        self.ordered = to
        self.version += 1

    def bind(self, account: str) -> str:
        self.account = self.account or account
        return self.account

    def news(self, after: Mark | None, live: Sequence[str]) -> News:
        self._here()
        since = after or Mark(0, 0)
        orders = [
            record
            for name, record in self.records.items()
            if isinstance(record.write.request, Order) and (record.write.sequence > since.sequence or name in live)
        ]
        return News(tuple(orders), tuple(self.trades.values())[since.fill :], Mark(self.sequence, len(self.trades)))

    def named_orders(self, names: Sequence[str]) -> tuple[OrderRecord, ...]:
        return tuple(self.records[name] for name in names if name in self.records)

    def unclean(self, held: Lease) -> frozenset[int]:
        own = held.instance.partition("/")[0]
        return frozenset(e for e, pod in self.pods.items() if e < held.epoch and e not in self.clean and pod != own)

    def named(self, instance: Instance) -> Lease | None:
        self._here()
        if self.instance != instance.name or self.released:
            return None
        return Lease(self.ledger_id, self.epoch, instance.colour, instance.name, instance.revision)

    def order_stands(self) -> Successor | None:
        self._here()
        return self.ordered

    def holder_silent(self, instance: Instance) -> bool:
        self._here()
        return self.silent and self.instance != instance.name

    def record_shadow(self, decision: Decision, revision: str, quantity: Decimal) -> None:
        self._here()
        self.shadow.setdefault((decision.strategy, decision.symbol, decision.bar, revision), (decision, quantity))

    def shadow_compared(self, revision: str, since: datetime) -> tuple[int, int, Decimal]:
        self._here()
        traded = {(one.strategy, one.symbol, one.bar): one.intent and one.intent.action for one, _ in self.decisions}
        both = [
            (one.intent and one.intent.action, traded[key[:3]])
            for key, (one, _) in self.shadow.items()
            if key[3] == revision and key[2] >= since and key[:3] in traded
        ]
        return len(both), sum(mine != theirs for mine, theirs in both), ZERO

    def lease_row(self) -> LeaseRow:
        self._here()
        ordered = self.ordered and self.ordered.text
        return LeaseRow(self.ledger_id, self.epoch, self.holder, self.instance, "r", ordered, None, None)

    def since_crash(self) -> timedelta | None:
        return None

    def quiet_until(self) -> datetime | None:
        unclean = (r.write for r in self.records.values() if r.write.epoch not in {*self.clean, self.epoch})
        return max((write.expires_at for write in unclean), default=None)

    def heartbeat(self, instance: Instance, role: str, now: datetime) -> None:
        self._here()

    def self_test(self) -> bool:
        return True

    def decide(
        self, lease: Lease, decision: Decision, request: Order | Cancel | None, times: tuple[datetime, datetime] | None
    ) -> VenueWrite | None:
        self._fence(lease)
        key = (decision.strategy, decision.symbol)
        if key in self.cursors and decision.bar <= self.cursors[key]:
            return None
        self.cursors[key] = decision.bar
        made = self.intend(lease, request, *times) if request and times else None
        self.decisions.append((decision, made))
        return made

    def intend(self, lease: Lease, request: Order | Cancel, timestamp: datetime, expires_at: datetime) -> VenueWrite:
        self._fence(lease)
        self.sequence += 1
        name = str(ClientId(self.ledger_id, lease.epoch, self.sequence))
        made = VenueWrite(name, lease.epoch, self.sequence, request, timestamp, expires_at)
        self.records[name] = OrderRecord(made, OrderStatus.INTENDED, ZERO, None)
        return made

    def replay(self, lease: Lease, entry: VenueWrite) -> OrderRecord:
        self._fence(lease)
        return self.records.setdefault(entry.client_id, OrderRecord(entry, OrderStatus.UNKNOWN, ZERO, None))

    def recover(self, lease: Lease, client_id: str, report: OrderReport) -> OrderRecord:
        self._fence(lease)
        purpose = Purpose.ENTRY if report.side is Side.BUY else Purpose.EXIT
        request = Order(report.symbol, report.side, report.type, purpose, report.quantity, reason="recovered")
        made = VenueWrite(client_id, 0, 0, request, report.at, report.at)
        found = OrderRecord(made, report.status, report.filled, report.venue_id)
        return self.records.setdefault(client_id, found)

    def settle(
        self, lease: Lease, client_id: str, status: OrderStatus, report: OrderReport | None, message: str
    ) -> OrderRecord:
        self._fence(lease)
        before = self.records[client_id]
        try:
            status = moved(before.status, status)
        except IllegalMove:
            return before
        filled = max(before.filled, report.filled) if report else before.filled
        venue_id = (report.venue_id if report else None) or before.venue_id
        self.records[client_id] = OrderRecord(before.write, status, filled, venue_id, message or before.message)
        return self.records[client_id]

    def record_fills(self, lease: Lease, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        self._fence(lease)
        new = tuple(fill for fill in fills if (fill.symbol, fill.trade_id) not in self.trades)
        self.trades.update({(fill.symbol, fill.trade_id): fill for fill in new})
        return new

    def decided_through(self, strategy: str, symbol: str) -> datetime | None:
        return self.cursors.get((strategy, symbol))

    def orders(
        self, statuses: frozenset[OrderStatus] | None = None, limit: int | None = None
    ) -> tuple[OrderRecord, ...]:
        found = [
            record
            for record in reversed(self.records.values())
            if isinstance(record.write.request, Order) and (statuses is None or record.status in statuses)
        ]
        return tuple(found[:limit])

    def unsettled(self) -> tuple[OrderRecord, ...]:
        self._here()
        return tuple(record for record in self.records.values() if record.status in UNSETTLED)

    def fills(self, symbol: str | None = None) -> tuple[Fill, ...]:
        return tuple(fill for fill in self.trades.values() if symbol in (None, fill.symbol))

    def position(self, instrument: Instrument) -> Position:
        return position_of(instrument.symbol, self.fills(instrument.symbol), instrument.base, instrument.quote)

    def orders_since(self, since: datetime) -> int:
        return sum(record.write.timestamp >= since for record in self.orders())

    def record_equity(self, lease: Lease, at: datetime, equity: Decimal) -> None:
        self._fence(lease)
        self.equities.append((at, equity))

    def day_start_equity(self, day_start: datetime) -> Decimal | None:
        return next((equity for at, equity in self.equities if at >= day_start), None)

    def peak_equity(self) -> Decimal | None:
        return max((equity for _, equity in self.equities), default=None)

    def equity_since(self, since: datetime) -> tuple[tuple[datetime, Decimal], ...]:
        return tuple(pair for pair in self.equities if pair[0] >= since)

    def tell(self, told: Event) -> None:
        self._here()
        self.told.append(told)

    def latch(self, halt: Halt) -> str:
        self._here()
        resumed = sum(name.startswith(f"{halt.id}-") for name in self.resumed)
        name = numbered(halt.id, resumed) if is_unnumbered(halt.id) else halt.id
        self.latched.setdefault(name, replace(halt, id=name))
        return name

    def halts(self) -> tuple[Halt, ...]:
        return tuple(halt for halt in self.latched.values() if halt.id not in self.resumed)

    def resume(self, halt_id: str, reason: str, now: datetime) -> bool:
        self._here()
        known = halt_id in self.latched and halt_id not in self.resumed
        if known:
            self.resumed[halt_id] = reason
        return known

    def paper_book(self) -> str | None:
        return self.paper

    def save_paper_book(self, lease: Lease, state: str) -> None:
        self._fence(lease)
        self.paper = state

    def close(self) -> None:
        return


@dataclass
class MemoryWatch:
    """A fake of the LeaseWatch port on a ledger in memory."""

    ledger: MemoryLedger
    seen: int = 0

    async def changed(self, within: timedelta) -> bool:
        ends = time.monotonic() + within.total_seconds()
        while self.seen == self.ledger.version and time.monotonic() < ends:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        self.seen = self.ledger.version
        return True

    def close(self) -> None:
        return


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass
class Replay:
    """An engine on recorded candles, with all its parts at hand."""

    engine: Engine
    ledger: MemoryLedger
    venue: PaperVenue
    clock: ReplayClock


def replay(
    candles: Iterable[Candle],
    strategy: Strategy,
    limits: RiskLimits = LIMITS,
    start: datetime | None = None,
    ledger: MemoryLedger | None = None,
    capital: Decimal = Decimal(10000),
    turn: timedelta | None = None,
    **changes: Any,
) -> Replay:
    """An engine that trades *strategy* on *candles* from *start* on, as mode sim does; *changes* are to its parts."""
    candles = list(candles)
    symbols = tuple(dict.fromkeys(candle.symbol for candle in candles))
    instruments = {symbol: recorded_instrument(symbol) for symbol in symbols}
    begins = start or candles[0].open_time
    clock = ReplayClock(begins)
    feed = ReplayFeed(candles, instruments, clock, begins)

    async def price(symbol: str) -> Decimal:
        return (await feed.quote(symbol)).bid

    quote = instruments[symbols[0]].quote
    venue = PaperVenue(instruments, {quote: capital}, clock, price)
    book = ledger or MemoryLedger()
    ids = (f"h{number}" for number in count(1))
    settings = EngineSettings(symbols, candles[0].timeframe, capital, quote, turn=turn)
    parts = Parts(
        settings=settings,
        instance=Instance("blue", "pod-1", "start-1", "revision-1"),
        feed=feed,
        venue=venue,
        ledger=book,
        clock=clock,
        metrics=NoMetrics(),
        strategy=strategy,
        limits=limits,
        day_start=midnight,
        new_id=lambda: next(ids),
        watch=MemoryWatch(book),
    )
    return Replay(Engine(replace(parts, **changes)), book, venue, clock)


def sma(fast: int = 2, slow: int = 3) -> Strategy:
    return strategy_of("sma_cross", {"fast": str(fast), "slow": str(slow)})


@dataclass
class CountingMetrics(NoMetrics):
    """A fake of the Metrics port that keeps what it was told."""

    said: list[tuple[str, ...]] = field(default_factory=list)

    def candle(self, symbol: str, kind: str) -> None:
        self.said.append(("candle", str(kind)))

    def decision(self, strategy: str, symbol: str, action: str) -> None:
        self.said.append(("decision", action))

    def refusal(self, reason: str) -> None:
        self.said.append(("refusal", reason))

    def order(self, symbol: str, side: str, purpose: str, outcome: str) -> None:
        self.said.append(("order", str(purpose), outcome))

    def fenced(self) -> None:
        self.said.append(("fenced",))

    def reconnect(self, what: str) -> None:
        self.said.append(("reconnect", what))

    def failure(self, where: str) -> None:
        self.said.append(("failure", where))
