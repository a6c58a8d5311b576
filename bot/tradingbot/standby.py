"""Waiting for the epoch, warm: market data, the ledger's book read ahead, and shadows of what it would decide."""

import asyncio
from datetime import timedelta

from tradingbot import deciding
from tradingbot.ahead import Ahead, nobody
from tradingbot.domain.candle import Candle
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Action, Decision
from tradingbot.domain.lease import Lease, LeaseRow, NotClaimed
from tradingbot.domain.order import Order
from tradingbot.domain.snapshot import Shadow
from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor
from tradingbot.inbox import Event, Turn

# So far back a standby's decisions are compared with the trader's.
COMPARED = timedelta(days=1)


class Silent(Exception):
    """This process' role holds the epoch, its holder is silent, and only a fresh start may claim: end."""


class Standby:
    """Sends nothing and asks the venue nothing private.

    *held* tells how this process' last epoch ended, None before the first: only then does it claim one itself.
    """

    def __init__(self, floor: Floor, ahead: Ahead, held: str | None) -> None:
        self._floor = floor
        self._ahead = ahead
        self._claims = held is None
        self._why = NotClaimed("Ended", held or "", retry=False)
        self._reaching: asyncio.Task[None] | None = None
        self._ordered: LeaseRow | None = None

    async def lease(self) -> Lease | None:
        """The epoch, once this process has claimed it or was named; None when it is to stop first."""
        floor = self._floor
        lease = self._look()
        while lease is None and not floor.stopping:
            event = await self._next()
            floor.filters.look()
            if isinstance(event, Candle):
                await self._candle(event)
            elif event is Turn.ROW:
                lease = self._look()
        floor.inbox.answered()
        return lease

    def _look(self) -> Lease | None:
        """The epoch if the row gives it to us, or it could be claimed; else everything was read once more."""
        ledger, instance = self._floor.parts.ledger, self._floor.parts.instance
        lease = ledger.named(instance)
        if lease is not None:
            self._floor.teller.named(lease)
            return lease
        row = ledger.lease_row()
        if row.successor is not None and row.successor.split(" ")[1] == instance.name:
            if row == self._ordered:
                # The trader is letting go, on the same machine perhaps: it is not disturbed for nothing.
                return None
            self._ordered = row
            # The epoch is about to come: what is done now need not be done then.
            if self._reaching is None or self._reaching.done():
                self._reaching = asyncio.create_task(self._floor.parts.venue.reach())
            self._ahead.refresh()
            return None
        lease = self._claimed()
        if lease is None:
            self._refresh(row)
        return lease

    async def _next(self) -> Event:
        floor = self._floor
        if floor.parts.settings.turn is None:
            # A recording waits for whoever trades it.
            await floor.pause()
            return Turn.ROW
        floor.open_inbox()
        return await floor.inbox.next()

    def _claimed(self) -> Lease | None:
        ledger, instance = self._floor.parts.ledger, self._floor.parts.instance
        if self._claims:
            found = ledger.claim(instance, self._floor.parts.clock.now())
            if isinstance(found, Lease):
                self._floor.claimed = found.epoch
                self._floor.teller.claimed(found)
                return found
            self._why, self._claims = found, found.retry
        elif ledger.holder_silent(instance):
            raise Silent("the holder of this colour is silent, and only a fresh start may claim")
        return None

    async def _candle(self, candle: Candle) -> None:
        fresh = await self._floor.bars.take(candle, self._floor.parts.clock.now())
        for bar in fresh[-1:]:
            self._shadow(bar)

    def _shadow(self, bar: Candle) -> None:
        """What this process would have done on *bar* is in the ledger; nothing is sent because of it."""
        floor, strategy = self._floor, self._floor.parts.decider(bar.symbol)
        if strategy.every is not None:
            return
        desk = self._desk()
        intent = deciding.intent(floor, desk, bar, covered=True)
        request: Order | None = None
        refusal = None
        if intent is not None:
            exposure = floor.guard.exposure(desk, counted=intent.action is Action.ENTER)
            request, refusal = deciding.weighed(floor, desk, intent, exposure)
        decision = Decision(strategy.name, bar.symbol, bar.open_time, intent, refusal)
        revision = floor.parts.instance.revision
        floor.parts.ledger.record_shadow(decision, revision, request.quantity if request else ZERO)
        floor.teller.shadowed(decision)

    def _refresh(self, row: LeaseRow) -> None:
        """Book, halts and comparison are as the ledger has them.

        Not the book while a closed bar is on its way: its shadow has to rest on what the trader had before it.
        """
        floor, ledger = self._floor, self._floor.parts.ledger
        now = floor.parts.clock.now()
        floor.guard.halts.latch()
        with ledger.one_read():
            if not self._ahead.bar_is_due(now):
                self._ahead.refresh()
            floor.guard.halts.refresh()
            shadow = Shadow(*ledger.shadow_compared(floor.parts.instance.revision, now - COMPARED))
            unresolved = len(ledger.unsettled())
        floor.teller.compared(shadow, unresolved)
        floor.teller.standby(self._why, row)
        floor.teller.show(self._desk(), floor.guard)

    def _desk(self) -> Desk:
        return self._ahead.desk(nobody(self._floor.parts.ledger.ledger_id))
