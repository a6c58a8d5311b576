"""One page: recover, then candle -> intent -> verdict -> order -> fill -> ledger, then stop."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from tradingbot.domain.candle import TIMEFRAMES, Candle
from tradingbot.domain.errors import Fenced, LedgerUnavailable, Misconfigured, VenueUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Action, Decision, Intent, Refusal
from tradingbot.domain.lease import Lease, NotClaimed
from tradingbot.domain.order import Fill, Order, OrderReport
from tradingbot.domain.snapshot import Snapshot
from tradingbot.execution import exits, picture, record, send, settle, stops
from tradingbot.execution.book import Book
from tradingbot.execution.desk import SKEW, Desk
from tradingbot.execution.halting import Halts
from tradingbot.execution.money import Money
from tradingbot.market.bars import Bars
from tradingbot.parts import Parts
from tradingbot.risk import checks, limits, sizing
from tradingbot.strategy.registry import inside_training
from tradingbot.telling import Teller

MINUTE, LONG_AGO = timedelta(minutes=1), datetime.min.replace(tzinfo=UTC)
UNCOVERED = "the venue refuses a stop"


class Engine:
    """Trades while it holds the epoch; its commands act at once, in memory first and then in the ledger."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        settings = parts.settings
        self._queue: asyncio.Queue[Candle | OrderReport | Fill | None] = asyncio.Queue()
        keep = max(settings.warmup_bars, parts.strategy.bars)
        self._bars = Bars(parts.feed, settings.timeframe, keep, parts.metrics)
        self._checks = checks.checks(parts.limits)
        self._halts = Halts(parts.ledger)
        self._money = Money(settings.capital, settings.capital, settings.capital)
        self._teller = Teller(parts.clock, parts.metrics, parts.ledger.ledger_id, settings.currency)
        self._decided: dict[str, datetime] = {}
        self._uncovered: set[str] = set()
        self._waived: frozenset[str] = frozenset()
        self._looked_at = float("-inf")
        self._stopping = self._ended = self._busy = False

    async def run(self) -> str:
        """Trades until stopped or the feed ends, and tells why; nothing is in flight then, and the epoch is let go."""
        pumps: list[asyncio.Task[None]] = []
        try:
            while not self._stopping:
                try:
                    lease = await self._claim()
                    desk = await self._recover(lease)
                    pumps = pumps or [asyncio.create_task(pump) for pump in self._pumps()]
                    await self._trade(desk)
                    return await self._finish(desk)
                except LedgerUnavailable as error:
                    self._teller.ledger_away(error)
                except VenueUnavailable as error:
                    self._teller.venue_away(error)
                except Fenced as error:
                    return await self._stand_by(error)
                await self._pause()
            return "stopped"
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _claim(self) -> Lease:
        """The epoch is ours; until it is, this process is a standby that decides nothing."""
        while True:
            found = self.parts.ledger.claim(self.parts.instance, self.parts.clock.now())
            if isinstance(found, Lease):
                self._teller.claimed(found)
                return found
            self._teller.standby(found)
            self.parts.ledger.heartbeat(self.parts.instance, "standby", self.parts.clock.now())
            await self._pause()
            if self._stopping:
                raise Fenced(found.message)

    async def _recover(self, lease: Lease) -> Desk:
        """Ledger, venue and book agree, nothing is unsettled, every position is covered. A clean start is the same."""
        parts, settings = self.parts, self.parts.settings
        if not parts.ledger.self_test():
            raise Misconfigured("database: an intent of epoch 0 was not refused; restore the ledger's triggers")
        book = Book(await parts.feed.instruments(settings.symbols), settings.capital)
        book.load(reversed(parts.ledger.orders()), parts.ledger.fills())
        step = TIMEFRAMES[settings.timeframe]
        desk = Desk(parts.venue, parts.ledger, lease, parts.clock, parts.metrics, book, step, settings.entry_max_age)
        parts.venue.restore(parts.ledger.paper_book())
        await self._quiet(parts.ledger.quiet_until())
        while not await settle.settle_due(desk):
            await self._pause(timedelta(seconds=0.2))
        history = await self._bars.load(settings.symbols, parts.clock.now())
        for symbol in settings.symbols:
            self._decided[symbol] = parts.ledger.decided_through(parts.strategy.name, symbol) or LONG_AGO
            await self._answer(desk, symbol)
        for bar in history:
            await self._pass(desk, bar)
        self._halts.refresh()
        self._money.load(parts.ledger, parts.day_start(parts.clock.now()))
        for symbol in settings.symbols:
            newest = self._bars.newest(symbol)
            if newest is not None:
                await self._conclude(desk, newest)
        return desk

    async def _trade(self, desk: Desk) -> None:
        """Each event has led to what it calls for, until stopped or the feed has ended."""
        while not (self._stopping or (self._ended and self._queue.empty())):
            event = await self._queue.get()
            self._busy = True
            try:
                await self._turn(desk, event)
            except VenueUnavailable as error:
                self._teller.venue_away(error)
            finally:
                self._queue.task_done()
                self._busy = False
            self._teller.show(desk, self._surroundings(desk), self._halts, self._money)

    async def _turn(self, desk: Desk, event: Candle | OrderReport | Fill | None) -> None:
        if isinstance(event, Candle):
            fresh = await self._bars.take(event, self.parts.clock.now())
            for bar in fresh:
                await self._pass(desk, bar)
            if fresh:
                await self._conclude(desk, fresh[-1])
        elif event is None:
            await self._look(desk)
        else:
            record.take_event(desk, event)
            if not await stops.cover(desk, event.symbol):
                self._uncovered.add(event.symbol)

    async def _pass(self, desk: Desk, bar: Candle) -> None:
        """A venue of our own has matched against *bar*, with the trader's answers to its open."""
        for _ in self.parts.venue.observe(bar):
            await self._answer(desk, bar.symbol)
        desk.save()

    async def _conclude(self, desk: Desk, bar: Candle) -> None:
        """The newest closed *bar* is decided, once: candle -> intent -> verdict -> order -> fill -> ledger."""
        await settle.follow(desk, bar.symbol)
        covered = await stops.cover(desk, bar.symbol)
        self._measure(desk, bar.close_time)
        if bar.open_time <= self._decided[bar.symbol]:
            return
        intent = self._intent(desk, bar, covered)
        request, refusal = self._verdict(desk, intent) if intent else (None, None)
        self._decided[bar.symbol] = bar.open_time
        decision = Decision(self.parts.strategy.name, bar.symbol, bar.open_time, intent, refusal)
        outcome = await send.decide(desk, decision, request)
        self._teller.decided(decision, outcome)
        if request is not None:
            await self._answer(desk, bar.symbol)

    def _intent(self, desk: Desk, bar: Candle, covered: bool) -> Intent | None:
        strategy, flat = self.parts.strategy, exits.is_flat(desk.book, bar.symbol, bar.close)
        if not covered and not flat:
            close = (bar.close, bar.close_time)
            return Intent(bar.symbol, strategy.name, bar.open_time, Action.EXIT, *close, reason=UNCOVERED)
        window = self._bars.window(bar.symbol, strategy.bars)
        if len(window.closes) < strategy.bars:
            return None
        overlap = inside_training(strategy, bar.open_time, bar.open_time)
        if overlap is not None:
            raise Misconfigured(overlap)
        return strategy.decide(window, ZERO if flat else desk.book.positions[bar.symbol].quantity)

    def _verdict(self, desk: Desk, intent: Intent) -> tuple[Order | None, Refusal | None]:
        exposure = picture.exposure(desk.book, self._surroundings(desk, intent.action is Action.ENTER))
        wanted: Order | Refusal | None = checks.refusal(intent, exposure, self._checks)
        if wanted is None and intent.action is Action.ENTER:
            wanted = sizing.sized(intent, exposure, self.parts.limits)
        elif wanted is None:
            wanted = exits.exit_order(desk.book, intent.symbol, intent.price, intent.reason)
        return (None, wanted) if isinstance(wanted, Refusal) else (wanted, None)

    async def _answer(self, desk: Desk, symbol: str) -> None:
        """What a write has led to is in the ledger; a position that no stop can cover is being left."""
        await settle.follow(desk, symbol)
        if await stops.cover(desk, symbol):
            self._uncovered.discard(symbol)
            return
        self._uncovered.add(symbol)
        await exits.leave(desk, symbol, self._bars.closes().get(symbol, ZERO), UNCOVERED)
        await settle.follow(desk, symbol)
        await stops.cover(desk, symbol)

    async def _look(self, desk: Desk) -> None:
        """A turn of the timer: heartbeat, halts, what is unsettled or uncovered, and at intervals everything."""
        now = self.parts.clock.now()
        self.parts.ledger.heartbeat(self.parts.instance, "active", now)
        self._halts.refresh()
        await settle.settle_due(desk)
        whole = self.parts.clock.monotonic() - self._looked_at >= self.parts.settings.check_interval.total_seconds()
        for symbol in self.parts.settings.symbols:
            if self._halts.ruling is HaltKind.FLATTEN:
                await exits.flatten(desk, symbol, self._bars.closes().get(symbol, ZERO))
            elif whole or symbol in self._uncovered or settle.waits(desk, symbol):
                await self._answer(desk, symbol)
        if whole:
            self._looked_at = self.parts.clock.monotonic()
            self._measure(desk, now)

    def _measure(self, desk: Desk, at: datetime) -> None:
        """Equity is recorded, broken limits halt, and limit halts of days gone are cleared."""
        day = self.parts.day_start(at)
        self._money.measure(desk, at, day, desk.book.equity(self._bars.closes()))
        broken = limits.broken(self.parts.limits, picture.exposure(desk.book, self._surroundings(desk)), day)
        for halt in broken:
            if halt.id not in self._halts.standing and halt.id not in self._waived:
                self._halts.add(halt)
        self._waived = frozenset(halt.id for halt in broken) - self._halts.standing.keys()
        for halt in limits.outlived(tuple(self._halts.standing.values()), day):
            self._halts.resume(halt.id, "a new trading day", at)

    def _surroundings(self, desk: Desk, counted: bool = False) -> picture.Surroundings:
        now, doubt = self.parts.clock.now(), self.parts.clock.doubt()
        since = now - self.parts.clock.scaled(MINUTE)
        return picture.Surroundings(
            now=now,
            marks=self._bars.closes(),
            seen_at=self._bars.seen_at,
            day_start_equity=self._money.day_equity,
            peak_equity=self._money.peak,
            orders_last_minute=desk.ledger.orders_since(since) if counted else 0,
            halt=self._halts.ruling,
            blocks=(doubt,) if doubt else (),
            waived=self._waived,
        )

    async def _finish(self, desk: Desk) -> str:
        """No new entries; what is in flight is settled, stops stay, and the epoch is released."""
        self._teller.stopping()
        while not await settle.settle_due(desk):
            await self._pause(timedelta(seconds=0.2))
        for symbol in self.parts.settings.symbols:
            await self._answer(desk, symbol)
        desk.save()
        self._teller.show(desk, self._surroundings(desk), self._halts, self._money)
        self.parts.ledger.retire(desk.lease, self.parts.clock.now())
        return "stopped" if self._stopping else "the feed has ended"

    async def _stand_by(self, error: Fenced) -> str:
        """Another process trades; this one stays up, decides nothing and never claims again."""
        self._teller.standby(NotClaimed("Fenced", str(error), retry=False))
        while not self._stopping:
            await self._pause()
        return "stopped as standby"

    async def _quiet(self, until: datetime | None) -> None:
        """No request of an epoch that ended uncleanly can still arrive."""
        while until is not None and self.parts.clock.now() <= until + self.parts.clock.scaled(SKEW):
            await self._pause(timedelta(seconds=0.1))

    async def _pause(self, duration: timedelta = timedelta(seconds=1)) -> None:
        self._teller.alive()
        await self.parts.clock.sleep(self.parts.clock.scaled(duration))

    def _pumps(self) -> tuple[Coroutine[Any, Any, None], ...]:
        turn = self.parts.settings.turn
        return (
            (self._candles(), self._events()) if turn is None else (self._candles(), self._events(), self._timer(turn))
        )

    async def _candles(self) -> None:
        settings = self.parts.settings
        async for candle in self.parts.feed.candles(settings.symbols, settings.timeframe):
            await self._queue.put(candle)
            # A recording goes on only when the trader has seen the bar.
            await self._queue.join()
        self._ended = True
        self._queue.put_nowait(None)

    async def _events(self) -> None:
        async for event in self.parts.venue.events():
            await self._queue.put(event)

    async def _timer(self, turn: timedelta) -> None:
        while True:
            await asyncio.sleep(turn.total_seconds())
            if self._queue.empty():
                self._queue.put_nowait(None)

    def is_idle(self) -> bool:
        """True when everything that came has been answered."""
        return self._queue.empty() and not self._busy

    def snapshot(self) -> Snapshot:
        return self._teller.snapshot

    async def halt(self, reason: str, kind: HaltKind, source: str) -> Halt:
        halt = Halt(self.parts.new_id(), kind, source, reason, self.parts.clock.now())
        self._halts.add(halt)
        self._teller.halted(halt, self._halts)
        self._queue.put_nowait(None)
        return halt

    async def resume(self, halt_id: str, reason: str) -> bool:
        known = self._halts.resume(halt_id, reason, self.parts.clock.now())
        self._teller.resumed(halt_id, reason, self._halts)
        return known

    def stop(self) -> None:
        self._stopping = True
        self._queue.put_nowait(None)
