"""Engines on a simulator whose clock stands: step it, wait until the trader has answered, step again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count

import aiohttp

from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue as Simulator
from exchange_simulator.server import running
from exchange_simulator.settings import Settings
from trading import BTC, LIMITS, MemoryLedger, MemoryWatch, midnight
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import Fill, Order, OrderRecord
from tradingbot.domain.ports import Feed
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.engine import Engine
from tradingbot.parts import EngineSettings, Parts
from tradingbot.risk.limits import RiskLimits
from tradingbot.strategy import Strategy
from tradingbot.venues.ccxt_venue import CcxtVenue
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.feed import LiveFeed
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.signing import Account

KEY = "simulator-demo"


@dataclass
class Running:
    """An engine at work beside a simulator in the same process."""

    engine: Engine
    ledger: MemoryLedger
    simulator: Simulator
    clock: VenueClock


@contextlib.asynccontextmanager
async def lockstep(start_ms: int | None = None) -> AsyncIterator[Simulator]:
    async with running(Settings(port=0, pace=Pace(Mode.LOCKSTEP), start_ms=start_ms), time.time) as simulator:
        yield simulator


@contextlib.asynccontextmanager
async def trading(
    simulator: Simulator,
    strategy: Strategy,
    kind: str,
    limits: RiskLimits = LIMITS,
    symbols: tuple[str, ...] = (BTC,),
    turn: timedelta | None = None,
) -> AsyncIterator[Running]:
    """An engine of *kind* ccxt or paper trades beside *simulator*, from recovery to an orderly stop.

    Without a *turn* only bars move it, so that its answers do not depend on how quick this machine is.
    """
    ledger, ids = MemoryLedger(), (f"h{number}" for number in count(1))
    stream = simulator.url.replace("http", "ws", 1)
    async with aiohttp.ClientSession() as session:
        clock = VenueClock(session, simulator.url, simulator.url)
        await clock.measure()
        feed = LiveFeed(session, (simulator.url, stream), clock, NoMetrics(), None)
        venue = await _venue(kind, simulator, feed, clock, symbols)
        settings = EngineSettings(symbols, "1m", Decimal(10000), symbols[0].partition("/")[2], turn=turn)
        instance = Instance("blue", "pod-1", "start-1", "revision-1")
        ports = (feed, venue, ledger, clock, NoMetrics())
        parts = Parts(settings, instance, *ports, strategy, limits, midnight, lambda: next(ids), MemoryWatch(ledger))
        engine = Engine(parts)
        task = asyncio.create_task(engine.run())
        try:
            await until(lambda: task.done() or engine.snapshot().state in ("trading", "halted"), task)
            yield Running(engine, ledger, simulator, clock)
        finally:
            engine.stop()
            await task
            await venue.close()


async def _venue(
    kind: str, simulator: Simulator, feed: Feed, clock: VenueClock, symbols: tuple[str, ...]
) -> CcxtVenue | PaperVenue:
    if kind == "ccxt":
        return CcxtVenue(Account("binance", KEY, KEY, symbols, "tradingbot/0 pod/pod-1", simulator.url), clock)

    async def price(symbol: str) -> Decimal:
        return (await feed.quote(symbol)).bid

    quote = symbols[0].partition("/")[2]
    return PaperVenue(await feed.instruments(symbols), {quote: Decimal(10000)}, clock, price)


async def until(condition, task: asyncio.Task[str], seconds: float = 10.0) -> None:
    """Returns when *condition* holds; fails when it does not within *seconds*, or the engine has ended by a fault."""
    ends = time.monotonic() + seconds
    while not condition():
        if task.done() and task.exception():
            raise task.exception()
        assert time.monotonic() < ends, "the condition did not come true"
        await asyncio.sleep(0.001)


async def step(running_: Running, bars: int) -> None:
    """*bars* more bars have closed, one by one, and the engine has decided each of them."""
    async with aiohttp.ClientSession() as session:
        for _ in range(bars):
            decided = len(running_.ledger.decisions)
            async with session.post(f"{running_.simulator.url}/control/step", json={"bars": 1}) as answer:
                assert answer.status == 200, await answer.text()
            ends = time.monotonic() + 10
            symbols = len(running_.engine.parts.settings.symbols)
            while len(running_.ledger.decisions) < decided + symbols or not running_.engine.is_idle():
                assert time.monotonic() < ends, "the engine did not decide the bar"
                await asyncio.sleep(0)


@dataclass(frozen=True)
class Done:
    """One order as parity compares it: what was asked, and all its fills in sum."""

    bar: str
    side: str
    type: str
    quantity: Decimal
    status: str
    filled: Decimal
    price: Decimal
    fee: Decimal
    replaced: bool


def done(ledger: MemoryLedger) -> list[Done]:
    return [
        _done(record, [f for f in ledger.fills() if f.client_id == record.write.client_id])
        for record in reversed(ledger.orders())
    ]


def _done(record: OrderRecord, fills: list[Fill]) -> Done:
    request = record.write.request
    assert isinstance(request, Order)
    bars = {fill.bar.isoformat() for fill in fills if fill.bar}
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    spent = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    return Done(
        ",".join(sorted(bars)),
        request.side.value,
        request.type.value,
        request.quantity,
        record.status.value,
        filled,
        spent / filled if filled else Decimal(0),
        sum((fill.commission for fill in fills), Decimal(0)),
        request.replaces is not None,
    )
