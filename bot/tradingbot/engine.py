"""One page: recover, then candle -> intent -> verdict -> order -> fill -> ledger, then stop."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

from tradingbot.domain.candle import TIMEFRAMES, Candle
from tradingbot.domain.errors import Fenced, LedgerUnavailable, Misconfigured, VenueUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Action, Decision, Intent, Refusal
from tradingbot.domain.lease import Lease, NotClaimed
from tradingbot.domain.order import Order
from tradingbot.domain.snapshot import Snapshot
from tradingbot.execution import exits, record, send, settle, stops
from tradingbot.execution.book import Book
from tradingbot.execution.desk import SKEW, Desk
from tradingbot.guard import Guard
from tradingbot.inbox import Event, Inbox, ended
from tradingbot.market.bars import Bars
from tradingbot.parts import Parts
from tradingbot.risk import checks, sizing
from tradingbot.strategy.registry import inside_training
from tradingbot.telling import Teller

LONG_AGO = datetime.min.replace(tzinfo=UTC)
UNCOVERED = "the venue refuses a stop"


class Engine:
    """Trades while it holds the epoch; its commands act at once, in memory first and then in the ledger."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        settings = parts.settings
        self._inbox = Inbox()
        keep = max(settings.warmup_bars, parts.strategy.bars)
        self._bars = Bars(parts.feed, settings.timeframe, keep, parts.metrics)
        self._checks = checks.checks(parts.limits)
        self._guard = Guard(parts, self._bars)
        self._teller = Teller(parts.clock, parts.metrics, parts.ledger.ledger_id, settings.currency)
        self._decided: dict[str, datetime] = {}
        self._unanswered: set[str] = set()
        self._looked_at = float("-inf")
        self._lease: Lease | None = None
        self._stopping = False

    async def run(self) -> str:
        """Trades until stopped or the feed ends, and tells why; nothing is in flight then, and the epoch is let go."""
        beat = asyncio.create_task(self._beat())
        try:
            while True:
                try:
                    desk = await self._recover(await self._hold())
                    self._open_inbox()
                    await self._trade(desk)
                    return await self._finish(desk)
                except LedgerUnavailable as error:
                    self._teller.ledger_away(error)
                except VenueUnavailable as error:
                    self._teller.venue_away(error)
                if self._stopping:
                    return "stopped with orders that the next start has to settle"
                await self._pause()
        except Fenced as error:
            await self._inbox.close()
            return await self._stand_by(error)
        finally:
            await self._inbox.close()
            await ended([beat])

    async def _hold(self) -> Lease:
        """The epoch is ours; until it is, this process is a standby that decides nothing."""
        ledger, instance = self.parts.ledger, self.parts.instance
        while self._lease is None:
            found = ledger.claim(instance, self.parts.clock.now())
            if isinstance(found, Lease):
                self._lease = found
                self._teller.claimed(found)
                break
            if self._stopping or not found.retry:
                self._guard.halts.refresh()
                self._teller.halts(self._guard)
                raise Fenced(found.message)
            self._teller.standby(found)
            await self._pause()
        row = ledger.lease_row()
        # After the ledger was away only its row tells whether another process was named in between.
        if (row.epoch, row.instance, row.released_at) != (self._lease.epoch, self._lease.instance, None):
            raise Fenced(f"epoch {self._lease.epoch} has ended, epoch {row.epoch} trades")
        return self._lease

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
        await self._settle(desk)
        history = await self._bars.load(settings.symbols, parts.clock.now())
        for symbol in settings.symbols:
            self._decided[symbol] = parts.ledger.decided_through(parts.strategy.name, symbol) or LONG_AGO
            await self._answer(desk, symbol)
        for bar in history:
            await self._pass(desk, bar)
        self._guard.load()
        for symbol in settings.symbols:
            newest = self._bars.newest(symbol)
            if newest is not None:
                await self._conclude(desk, newest)
        return desk

    async def _trade(self, desk: Desk) -> None:
        """Each event has led to what it calls for, until stopped or the feed has ended."""
        while not (self._stopping or self._inbox.is_over):
            event = await self._inbox.next()
            try:
                await self._turn(desk, event)
            except VenueUnavailable as error:
                self._teller.venue_away(error)
            self._teller.show(desk, self._guard)
        self._inbox.answered()

    async def _turn(self, desk: Desk, event: Event) -> None:
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
            await self._cover(desk, event.symbol)

    async def _pass(self, desk: Desk, bar: Candle) -> None:
        """A venue of our own has matched against *bar*, with the trader's answers to its open."""
        for _ in self.parts.venue.observe(bar):
            await self._answer(desk, bar.symbol)
        desk.save()

    async def _conclude(self, desk: Desk, bar: Candle) -> None:
        """The newest closed *bar* is decided, once: candle -> intent -> verdict -> order -> fill -> ledger."""
        self._unanswered.add(bar.symbol)
        await settle.follow(desk, bar.symbol)
        covered = await self._cover(desk, bar.symbol)
        self._guard.measure(desk, bar.close_time)
        await self._obey_halts(desk, bar.symbol)
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
        exposure = self._guard.exposure(desk, counted=intent.action is Action.ENTER)
        wanted: Order | Refusal | None = checks.refusal(intent, exposure, self._checks)
        self._guard.judged(wanted, exposure)
        if wanted is None and intent.action is Action.ENTER:
            wanted = sizing.sized(intent, exposure, self.parts.limits)
        elif wanted is None:
            wanted = exits.exit_order(desk.book, intent.symbol, intent.price, intent.reason)
        return (None, wanted) if isinstance(wanted, Refusal) else (wanted, None)

    async def _answer(self, desk: Desk, symbol: str) -> None:
        """What a write has led to is in the ledger; a position that no stop can cover is being left."""
        self._unanswered.add(symbol)
        await settle.follow(desk, symbol)
        if await self._cover(desk, symbol):
            return
        await exits.leave(desk, symbol, self._bars.closes().get(symbol, ZERO), UNCOVERED)
        await settle.follow(desk, symbol)
        await self._cover(desk, symbol)

    async def _cover(self, desk: Desk, symbol: str) -> bool:
        """The stop covers, or the timer comes back to it: also when the venue could not be asked half-way."""
        self._unanswered.add(symbol)
        covered = await stops.cover(desk, symbol)
        if covered:
            self._unanswered.discard(symbol)
        return covered

    async def _look(self, desk: Desk) -> None:
        """A turn of the timer: heartbeat, halts, what is unsettled or uncovered, and at intervals everything."""
        now = self.parts.clock.now()
        self._guard.halts.refresh()
        await settle.settle_due(desk)
        whole = self.parts.clock.monotonic() - self._looked_at >= self.parts.settings.check_interval.total_seconds()
        for symbol in self.parts.settings.symbols:
            await self._obey_halts(desk, symbol)
            if whole or symbol in self._unanswered or settle.waits(desk, symbol):
                await self._answer(desk, symbol)
        if whole:
            self._looked_at = self.parts.clock.monotonic()
            self._guard.measure(desk, now)

    async def _obey_halts(self, desk: Desk, symbol: str) -> None:
        """While anything halts, no entry works; under flatten one step towards flat was made."""
        if self._guard.ruling is HaltKind.FLATTEN:
            flat = await exits.flatten(desk, symbol, self._bars.closes().get(symbol, ZERO), self._guard.reason)
            self._teller.flattened(symbol, flat)
        elif self._guard.ruling is not None:
            await exits.drop_entries(desk, symbol, "halted")

    async def _finish(self, desk: Desk) -> str:
        """No new entries; what is in flight is settled, stops stay, and the epoch is released."""
        self._teller.stopping()
        while True:
            try:
                await self._settle(desk)
                for symbol in self.parts.settings.symbols:
                    await self._answer(desk, symbol)
                break
            except VenueUnavailable as error:
                self._teller.venue_away(error)
                await self._pause()
        desk.save()
        self._teller.show(desk, self._guard)
        self.parts.ledger.retire(desk.lease, self.parts.clock.now())
        return "stopped" if self._stopping else "the feed has ended"

    async def _stand_by(self, error: Fenced) -> str:
        """Another process trades; this one stays up, decides nothing and never claims again."""
        self._teller.standby(NotClaimed("Fenced", str(error), retry=False))
        while not self._stopping:
            await self._pause()
        return "stopped as a standby"

    async def _settle(self, desk: Desk) -> None:
        while not await settle.settle_due(desk):
            await self._pause(timedelta(seconds=0.2))

    async def _quiet(self, until: datetime | None) -> None:
        """No request of an epoch that ended uncleanly can still arrive."""
        while until is not None and self.parts.clock.now() <= until + self.parts.clock.scaled(SKEW):
            await self._pause(timedelta(seconds=0.1))

    async def _pause(self, duration: timedelta = timedelta(seconds=1)) -> None:
        self._teller.alive()
        await self.parts.clock.sleep(self.parts.clock.scaled(duration))

    def _open_inbox(self) -> None:
        parts, settings = self.parts, self.parts.settings
        candles = parts.feed.candles(settings.symbols, settings.timeframe)
        self._inbox.open(candles, parts.venue.events(), settings.turn)

    async def _beat(self) -> None:
        """The ledger hears from this process every second, whatever its loop waits for."""
        while self.parts.settings.turn is not None:
            role = "standby" if self._lease is None or self._teller.snapshot.epoch is None else "active"
            with contextlib.suppress(LedgerUnavailable):
                self.parts.ledger.heartbeat(self.parts.instance, role, self.parts.clock.now())
            await asyncio.sleep(1)

    def is_idle(self) -> bool:
        """True when everything that came has been answered."""
        return self._inbox.is_idle

    def snapshot(self) -> Snapshot:
        return self._teller.snapshot

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        halt = self._guard.halt(reason, kind, source, halt_id)
        self._teller.halted(halt, self._guard)
        self._inbox.wake()
        return halt

    async def resume(self, halt_id: str, reason: str) -> bool:
        known = self._guard.halts.resume(halt_id, reason, self.parts.clock.now())
        self._teller.resumed(halt_id, reason, self._guard)
        return known

    def stop(self) -> None:
        self._stopping = True
        self._inbox.wake()
