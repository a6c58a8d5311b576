"""Two engines, one ledger, one venue, and a market that both see bar by bar: a hand-over in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from exchange import FakeExchange
from trading import BTC, LIMITS, MemoryLedger, MemoryWatch, bars, instrument, midnight, sma
from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.lease import Instance, Lease, NotClaimed, Successor
from tradingbot.domain.order import Cancel, Order, Purpose, VenueWrite
from tradingbot.domain.ports import ExitGrants
from tradingbot.domain.position import position_of
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.engine import Engine
from tradingbot.execution.journal import ExitJournal
from tradingbot.parts import EngineSettings, Parts
from tradingbot.venues.replay import ReplayClock

WARM = 5
# Up (enter), down (exit), up again (enter), down (exit), and a last rise.
CLOSES = (100, 100, 100, 100, 100, 101, 103, 104, 102, 100, 99, 101, 103, 104, 101, 99, 98, 97, 99, 101, 103)


class StandingClock(ReplayClock):
    """Venue time stands until it is moved; waiting takes a moment of wall time. *boot* is what a test adds to it."""

    boot = 0.0

    def boottime(self) -> float:
        return super().boottime() + self.boot

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(0.001)


class SharedLedger(MemoryLedger):
    """A ledger in memory that knows its holder's colour, as a real one does."""

    def claim(self, instance: Instance, now: datetime) -> Lease | NotClaimed:
        self._here()
        if instance.colour != self.holder:
            return NotClaimed("NotHolder", f"the lease names {self.holder}, not this colour", retry=True)
        if self.instance is not None and not self.released and not self.silent:
            return NotClaimed("HeldByOther", f"{self.instance} holds epoch {self.epoch}", retry=True)
        return super().claim(instance, now)


@dataclass
class Tape:
    """The feed of one process: what the market has told so far, and what it tells from now on."""

    market: "Market"
    told: "asyncio.Queue[Candle]" = field(default_factory=asyncio.Queue)

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        return {symbol: instrument(symbol) for symbol in symbols}

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        return tuple(self.market.closed[-bars:])

    async def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        while True:
            yield await self.told.get()

    async def quote(self, symbol: str) -> Quote:
        newest = self.market.closed[-1]
        return Quote(symbol, newest.close, newest.close, newest.close_time)

    async def close(self) -> None:
        return


class Market:
    """Bars that close when the test says so, at the exchange first."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        self.all = candles
        self.closed = self.all[:WARM]
        self.clock = StandingClock(self.closed[-1].close_time)
        self.exchange = FakeExchange(self.all, self.clock, Decimal(10000))
        for bar in self.closed:
            self.exchange.step(bar)
        self.tapes: list[Tape] = []

    def tape(self) -> Tape:
        self.tapes.append(Tape(self))
        return self.tapes[-1]

    def close(self) -> Candle:
        bar = self.all[len(self.closed)]
        self.clock.move_to(bar.close_time)
        self.exchange.step(bar)
        self.closed = [*self.closed, bar]
        for tape in self.tapes:
            tape.told.put_nowait(bar)
        return bar


@dataclass
class Process:
    """One engine at work; *sent* is what it alone sent to the venue."""

    engine: Engine
    instance: Instance
    task: "asyncio.Task[str]"
    tape: Tape
    sent: list[VenueWrite]

    @property
    def successor(self) -> Successor:
        return Successor(self.instance.colour, self.instance.name, self.instance.revision)

    @property
    def state(self) -> str:
        return self.engine.snapshot().state.value

    @property
    def epoch(self) -> int | None:
        return self.engine.snapshot().epoch

    def has_answered(self) -> bool:
        return self.tape.told.empty() and self.engine.is_idle()


@dataclass
class Own:
    """The venue as one process sees it: the same account, its own record of what it sent, and of its epoch then."""

    exchange: FakeExchange
    sent: list[VenueWrite] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    epochs: list[int | None] = field(default_factory=list)
    engine: Engine | None = None

    def __getattr__(self, name: str) -> object:
        if name in ("order", "open_orders", "fills", "balances", "identify"):
            self.asked.append(name)
        return getattr(self.exchange, name)

    async def send(self, write: VenueWrite) -> object:
        self.sent.append(write)
        self.epochs.append(self.engine.snapshot().epoch if self.engine else None)
        return await self.exchange.send(write)


class Swap:
    """Blue and green of one bot."""

    def __init__(self, candles: Sequence[Candle] | None = None, ledger: SharedLedger | None = None) -> None:
        self.market = Market(candles or bars(*CLOSES))
        self.ledger = ledger or SharedLedger()
        self.processes: list[Process] = []
        self.venues: dict[str, Own] = {}
        self.grants: ExitGrants | None = None

    def start(self, colour: str, venue: Callable[[FakeExchange], object] | None = None) -> Process:
        number = len(self.processes) + 1
        instance = Instance(colour, f"pod-{number}", "start-1", f"revision-{colour}")
        own = self.venues[instance.name] = Own(venue(self.market.exchange) if venue else self.market.exchange)
        tape = self.market.tape()
        # Long beside what a turn takes: an engine that always turns is never seen idle.
        settings = EngineSettings((BTC,), "1m", Decimal(10000), "USDT", turn=timedelta(milliseconds=20))
        engine = Engine(
            Parts(
                settings=settings,
                instance=instance,
                feed=tape,
                venue=own,
                ledger=self.ledger,
                clock=self.market.clock,
                metrics=NoMetrics(),
                strategy=sma(),
                limits=LIMITS,
                day_start=midnight,
                new_id=lambda: "h1",
                watch=MemoryWatch(self.ledger),
                grants=self.grants,
                journal=ExitJournal(colour=colour),
            )
        )
        own.engine = engine
        made = Process(engine, instance, asyncio.create_task(engine.run()), tape, own.sent)
        self.processes.append(made)
        return made

    async def until(self, condition: Callable[[], object], looks: int = 1000) -> None:
        """*condition* holds. Looks are counted, not seconds: between two of them every engine has had its turn."""
        while True:
            for process in self.processes:
                if process.task.done() and not process.task.cancelled() and process.task.exception():
                    raise process.task.exception()
            if condition():
                return
            states = [(p.instance.name, p.state, p.epoch) for p in self.processes]
            looks -= 1
            assert looks > 0, f"the condition did not come true: {states}"
            await asyncio.sleep(0.001)

    async def bar(self, count: int = 1) -> None:
        """So many bars have closed, and every process that runs has answered each."""
        for _ in range(count):
            self.market.close()
            await asyncio.sleep(0.005)
            await self.until(lambda: all(p.has_answered() for p in self.processes if not p.task.done()))
            # A standby reads on once a second; a bar of a minute lasts a few milliseconds here.
            self.ledger.version += 1
            await asyncio.sleep(0.005)
            await self.until(lambda: all(p.has_answered() for p in self.processes if not p.task.done()))

    async def swap(self, to: Process) -> None:
        """*to* trades, as ordered."""
        self.ledger.order(to.successor)
        await self.until(lambda: self.ledger.instance == to.instance.name and to.state == "trading")

    async def end(self) -> None:
        """Every process has ended; one that waits for what a story left unknown is killed."""
        running = [process for process in self.processes if not process.task.done()]
        for process in running:
            process.engine.stop()
        await asyncio.wait({process.task for process in self.processes}, timeout=0.5)
        for process in running:
            process.task.cancel()
        await asyncio.gather(*(process.task for process in self.processes), return_exceptions=True)


def faults(swap: Swap) -> list[str]:
    """What the protocol forbids and the venue, the ledger or the processes show: I1 to I5, I9, one decision a bar."""
    return [*order_faults(swap), *book_faults(swap)]


def order_faults(swap: Swap) -> list[str]:
    ledger, exchange = swap.ledger, swap.market.exchange
    found, newest = [], 0
    for write in exchange.sent:
        if write.epoch < newest:
            found.append(f"I1: {write.client_id} of epoch {write.epoch} after epoch {newest}")
        newest = max(newest, write.epoch)
    for process in swap.processes:
        pod = process.instance.pod_uid
        found += [f"I2: {w.client_id} sent by {pod}" for w in process.sent if ledger.pods[w.epoch] != pod]
        own = swap.venues[process.instance.name]
        found += [
            f"{write.client_id} sent by {pod}, which had adopted epoch {epoch}"
            for write, epoch in zip(own.sent, own.epochs, strict=True)
            if write.epoch != epoch
        ]
    stops = {name for name, record in ledger.records.items() if is_stop(record.write.request)}
    cancels = [write for write in exchange.sent if isinstance(write.request, Cancel)]
    found += [f"stop {w.request.client_id} cancelled first" for w in cancels if w.request.client_id in stops]
    names = [write.client_id for write in exchange.sent]
    found += [f"sent twice: {name}" for name in sorted(set(names)) if names.count(name) > 1]
    unknown = {order.client_id for order in exchange.orders} - set(ledger.records)
    found += [f"I4: {name} has no intent" for name in sorted(unknown)]
    decided = [decision.bar for decision, _ in ledger.decisions]
    found += [f"decided twice: {bar}" for bar in sorted(set(decided)) if decided.count(bar) > 1]
    return found


def is_stop(request: Order | Cancel) -> bool:
    return isinstance(request, Order) and request.purpose is Purpose.STOP


def book_faults(swap: Swap) -> list[str]:
    ledger, exchange, market = swap.ledger, swap.market.exchange, instrument()
    found = []
    held = position_of(BTC, ledger.fills(), market.base, market.quote)
    if held != position_of(BTC, exchange.trades, market.base, market.quote):
        found.append("I5: the ledger's position is not the venue's")
    covered = sum((o.remaining for o in exchange.orders if o.is_open and o.side == "sell"), ZERO)
    if abs(held.quantity - covered) >= market.quantity_step and not market.is_dust(held.quantity, Decimal(90)):
        found.append(f"I9: {held.quantity} held, {covered} covered")
    return found
