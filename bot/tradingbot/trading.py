"""One page: candle -> intent -> verdict -> order -> fill -> ledger, for as long as the epoch is ours."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from tradingbot import deciding, ticking
from tradingbot.domain.audit import event
from tradingbot.domain.breaker import Operation
from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Decision
from tradingbot.domain.order import Fill, OrderReport
from tradingbot.execution import exits, record, send, settle, stops
from tradingbot.execution.desk import Desk
from tradingbot.execution.outside import amounts, apart
from tradingbot.execution.owed import Owed
from tradingbot.execution.reconciling import Prices, examined
from tradingbot.execution.recount import recount
from tradingbot.floor import SECOND, Floor
from tradingbot.handover import HandOver
from tradingbot.inbox import Event, Turn
from tradingbot.risk.limits import HUNDRED

# To show it goes through all symbols, which two hundred running bars a second do not call for.
SHOWN_SECONDS = 0.1
FEED_ENDED = "the feed has ended"
Count = tuple[Mapping[str, tuple[Decimal, Decimal]], Mapping[str, Decimal]]
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Ended(StrEnum):
    """Why this process trades no more, with nothing in flight unless it was told to stop."""

    RELEASED = "released"  # the epoch belongs to another process
    OVER = "over"  # stopped, or the feed has ended


class Trader:
    """One epoch's trading. It ends with its desk: what was decided under it is never sent under another."""

    def __init__(self, floor: Floor, desk: Desk) -> None:
        self.floor = floor
        self.desk = desk
        self.decided: dict[str, datetime] = {}
        self.unanswered: set[str] = set()
        self._looked_at = self._shown_at = float("-inf")
        self._unshown, self._owed = False, Owed()
        self._examine_at = floor.parts.clock.now() + floor.parts.settings.reconciled
        self._hand_over = HandOver(floor, desk)

    async def run(self) -> Ended:
        """Each event has led to what it calls for, until stopped, the feed's end, or the release of the epoch."""
        floor = self.floor
        while not (floor.stopping or floor.inbox.is_over):
            event = await floor.inbox.next()
            floor.filters.look()
            try:
                await self._turn(event)
                if self._hand_over.ordered and await self._leave():
                    return Ended.RELEASED
            except VenueUnavailable as error:
                floor.teller.venue_away(error)
                self._looked_at = float("-inf")
            floor.guard.keep(self.desk)
            self._show(event)
        floor.inbox.answered()
        return Ended.OVER

    def _show(self, event: Event) -> None:
        """What was done is shown once nothing else waits; who only hears of prices shows them ten times a second."""
        now = self.floor.parts.clock.monotonic()
        self._unshown = self._unshown or not isinstance(event, Candle) or event.closed
        if (self._unshown and self.floor.inbox.is_empty) or now - self._shown_at >= SHOWN_SECONDS:
            self.floor.teller.show(self.desk, self.floor.guard)
            self._unshown, self._shown_at = False, now

    async def _turn(self, event: Event) -> None:
        match event:
            case Candle():
                fresh = await self.floor.bars.take(event, self.floor.parts.clock.now())
                for bar in fresh:
                    await self.pass_(bar)
                if fresh:
                    await self.conclude(fresh[-1])
            case OrderReport() | Fill():
                record.take_event(self.desk, event)
                await self.cover(event.symbol)
            case Turn.TIMER:
                await self._look()
            case Turn.ROW:
                held_back = self._hand_over.ordered
                self._hand_over.look()
                if held_back and not self._hand_over.ordered:
                    await self._resume()
            case Turn.TICK if not self._hand_over.ordered:
                await self.tick()

    async def _leave(self) -> bool:
        """True when the epoch was released as ordered; an order that stands no longer lets decisions go on."""
        for symbol in tuple(self.unanswered):
            await self.answer(symbol)
        if await self._hand_over.release():
            return True
        if self._hand_over.ordered:
            asyncio.get_running_loop().call_later(0.05, self.floor.inbox.wake, Turn.ROW)
        else:
            await self._resume()
        return False

    async def _resume(self) -> None:
        """The bars that closed while an order stood are decided."""
        self.floor.teller.order_void()
        for symbol in self.floor.symbols:
            newest = self.floor.bars.newest(symbol)
            if newest is not None:
                await self.conclude(newest)

    async def pass_(self, bar: Candle) -> None:
        """A venue of our own has matched against *bar*, with the trader's answers to its open."""
        for _ in self.floor.parts.venue.observe(bar):
            await self.answer(bar.symbol)
        self.desk.save()

    async def conclude(self, bar: Candle) -> None:
        """The newest closed *bar* is decided, once: candle -> intent -> verdict -> order -> fill -> ledger."""
        desk, guard = self.desk, self.floor.guard
        self.unanswered.add(bar.symbol)
        await settle.follow(desk, bar.symbol)
        covered = await self.cover(bar.symbol)
        guard.measure(desk, bar.close_time)
        await self.obey_halts(bar.symbol)
        strategy = self.floor.parts.decider(bar.symbol)
        if bar.open_time <= self.decided[bar.symbol] or self._hand_over.ordered or strategy.every is not None:
            return
        intent = deciding.intent(self.floor, desk, bar, covered)
        request, refusal = deciding.verdict(self.floor, desk, intent) if intent else (None, None)
        self.decided[bar.symbol] = bar.open_time
        decision = Decision(strategy.name, bar.symbol, bar.open_time, intent, refusal)
        outcome = await send.decide(desk, decision, request)
        self.floor.teller.decided(decision, outcome)
        self._owed.decided(bar.symbol, intent, outcome)
        if request is not None:
            await self.answer(bar.symbol)

    async def tick(self) -> None:
        """A strategy that decides on a timer has decided once for each symbol."""
        for symbol in self.floor.symbols:
            if await ticking.tick(self.floor, self.desk, symbol):
                await self.cover(symbol)

    async def answer(self, symbol: str) -> None:
        """What a write has led to is in the ledger; a position that no stop can cover is being left."""
        self.unanswered.add(symbol)
        await settle.follow(self.desk, symbol)
        await self.protect(symbol)

    async def protect(self, symbol: str) -> None:
        """What is known to be held has its stop, or is being left; what the venue refuses is not asked in a loop."""
        self.unanswered.add(symbol)
        if not settle.may_repeat(self.desk, f"cover {symbol}"):
            return
        covered = await self.cover(symbol)
        settle.repeats(self.desk, f"cover {symbol}", not covered)
        if covered:
            return
        await exits.leave(self.desk, symbol, self.floor.bars.close(symbol), deciding.UNCOVERED)
        await settle.follow(self.desk, symbol)
        await self.cover(symbol)

    async def cover(self, symbol: str) -> bool:
        """The stop covers, or the timer comes back to it: also when the venue could not be asked half-way."""
        self.unanswered.add(symbol)
        covered = await stops.cover(self.desk, symbol)
        if covered:
            self.unanswered.discard(symbol)
        return covered

    async def _look(self) -> None:
        """A turn of the timer: heartbeat, halts, what is unsettled or uncovered, and at intervals everything."""
        parts, desk = self.floor.parts, self.desk
        now = parts.clock.now()
        self.floor.guard.halts.refresh()
        await settle.settle_due(desk)
        self.unanswered |= desk.answered
        desk.answered.clear()
        whole = parts.clock.monotonic() - self._looked_at >= parts.settings.check_interval.total_seconds()
        count = await self._count() if whole else None
        for symbol in self.floor.symbols:
            await self.obey_halts(symbol)
            if not self._hand_over.ordered and await self._owed.paid(desk, symbol, self.floor.bars.close(symbol)):
                self.unanswered.add(symbol)
            if whole or symbol in self.unanswered or (parts.strategy.every is None and settle.waits(desk, symbol)):
                await self.answer(symbol)
        if whole:
            self._looked_at = parts.clock.monotonic()
            self.floor.guard.measure(desk, now)
            # Also a trader with nothing at the venue is to know that it still answers, and still takes the key.
            for symbol in self.floor.symbols:
                desk.outside.listed(symbol, await desk.venue.open_orders(symbol))
            await self._compared(count, now)
        await self._look_outside()
        prices = Prices(self.floor.bars.closes(), parts.limits.stop_loss_percent / HUNDRED)
        await self.floor.errands.run(desk, prices, self._hand_over.ordered)
        await self._examine(prices, now)

    async def _examine(self, prices: Prices, now: datetime) -> None:
        """Once an interval ledger and account were compared in full; what was not clear then is compared soon after."""
        parts = self.floor.parts
        if now < self._examine_at or self._hand_over.ordered or parts.breakers.admit(Operation.ACCOUNT):
            return
        done = await examined(self.desk, prices)
        soon = parts.clock.scaled(parts.settings.check_interval)
        self._examine_at = now + (parts.settings.reconciled if done.refused is None else soon)
        if done.refused is None:
            told = tuple(f"{each.symbol} {each.done}" for each in done.differences if each.done)
            self.desk.ledger.tell(event("RECONCILED", "trader", "account", differences=told))
            self.floor.teller.reconciled(told, now)

    async def _compared(self, count: Count | VenueUnavailable | None, now: datetime) -> None:
        """The venue has answered everything; or the next turn asks for the account again, and for the rest."""
        if isinstance(count, VenueUnavailable):
            self._looked_at = float("-inf")
            return
        await self._compare(count, now)
        self.floor.teller.venue_answers()

    async def _count(self) -> Count | VenueUnavailable | None:
        """What the account holds, and what the book says of it at that moment; or why nobody knows."""
        parts = self.floor.parts
        if parts.settings.foreign == "ignore" or parts.breakers.admit(Operation.ACCOUNT) or not parts.pacing.may_look():
            return None
        ours = amounts(self.desk.book)
        try:
            return ours, await self.desk.venue.balances()
        except VenueUnavailable as error:
            # What is owed to orders and positions does not wait for the account.
            self.floor.teller.venue_away(error)
            return error

    async def _compare(self, count: Count | None, now: datetime) -> None:
        """The account was compared with the book, if nothing moved while it was read."""
        book = self.desk.book
        if count is None or any(book.is_uncertain(symbol) for symbol in self.floor.symbols):
            return
        ours, totals = count
        if ours != amounts(book):
            return
        self.desk.outside.counted(book, totals, now)
        self.floor.teller.counted(apart(book, totals, self.floor.bars.closes()))
        for symbol, market in book.instruments.items():
            if book.missing.get(symbol) or totals.get(market.base, ZERO) < book.there(symbol):
                await recount(self.desk, symbol)

    async def _look_outside(self) -> None:
        """What others have done on the account is told, and halts if it is to."""
        outside, settings = self.desk.outside, self.floor.parts.settings
        deeds = outside.news()
        if settings.foreign == "ignore":
            return
        for deed in deeds:
            self.floor.teller.foreign(deed)
            if settings.foreign == "halt":
                self.floor.guard.foreign(deed)
        self.floor.teller.outside(outside.said(self.floor.parts.clock.now()))

    async def obey_halts(self, symbol: str) -> None:
        """While anything halts, no entry works; under flatten one step towards flat was made."""
        guard = self.floor.guard
        if guard.ruling is HaltKind.FLATTEN:
            flat = await exits.flatten(self.desk, symbol, self.floor.bars.close(symbol), guard.reason)
            self.floor.teller.flattened(symbol, flat)
        elif guard.ruling is not None:
            await exits.drop_entries(self.desk, symbol, "halted")

    async def settle(self) -> None:
        """Nothing is unsettled any more."""
        while not await settle.settle_due(self.desk):
            await self.floor.pause(0.2 * SECOND)

    async def finish(self) -> str:
        """No new entries; what is in flight is settled, stops stay, and the epoch is retired."""
        floor, ledger = self.floor, self.floor.parts.ledger
        floor.teller.stopping()
        while True:
            try:
                await self.settle()
                for symbol in floor.symbols:
                    await self.answer(symbol)
                break
            except VenueUnavailable as error:
                floor.teller.venue_away(error)
                await floor.pause()
        self.desk.save()
        floor.teller.show(self.desk, floor.guard)
        ledger.retire(self.desk.lease, floor.parts.clock.now())
        return "stopped" if floor.stopping else FEED_ENDED
