"""One page: stand by, adopt, trade, hand over; and stand by again, until the process is to end."""

import asyncio
import contextlib
from datetime import timedelta

from tradingbot.adoption import adopted
from tradingbot.ahead import Ahead
from tradingbot.cutoff import CutOff
from tradingbot.domain.errors import Fenced, LedgerUnavailable, UnknownState, VenueUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.lease import Lease
from tradingbot.domain.reconciliation import Reconciled, Wish
from tradingbot.domain.snapshot import Snapshot
from tradingbot.floor import SECOND, Floor
from tradingbot.handover import confirm
from tradingbot.inbox import ended
from tradingbot.parts import Parts
from tradingbot.standby import Silent, Standby
from tradingbot.trading import Ended, Trader

STOPPED = "stopped as a standby"
UNSETTLED = "stopped with orders that the next start has to settle"


# The successor adopts now, on the same database: who has let go reads it a moment later.
GIVE_WAY = timedelta(seconds=0.25)
# The shorter, the sooner one that stands still is told from one that is busy.
BEAT_SECONDS = 0.5
# A row that cannot be read is mended by a person; until then the venue is asked for its markets each time.
READ_AGAIN = timedelta(seconds=5)


class Engine:
    """Trades while it holds the epoch; its commands act at once, in memory first and then in the ledger."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._floor = Floor(parts)
        self._ahead: Ahead | None = None
        self._lease: Lease | None = None
        # How the last epoch of this process ended: who has held one never claims again by itself.
        self._held: str | None = None
        self._cut: CutOff | None = None

    async def run(self) -> str:
        """Lives until stopped or the feed ends, and tells why; nothing is in flight then, and the epoch is let go."""
        beat = asyncio.create_task(self._beat())
        try:
            while True:
                try:
                    return await self._live()
                except Fenced as error:
                    self._cut = None
                    self._lease, self._held = None, str(error)
                    self._floor.teller.fenced(error)
                except LedgerUnavailable as error:
                    self._floor.teller.ledger_away(error)
                    if self._cut is not None:
                        await self._cut.leave(error)
                    await self._again()
                except UnknownState as error:
                    # Nobody may have looked yet: it is read again, and nothing is sent that rests on it.
                    self._cut = None
                    self._floor.guard.doubts(error)
                    self._floor.teller.in_doubt(error, self._floor.guard)
                    await self._again(READ_AGAIN)
                except VenueUnavailable as error:
                    self._floor.teller.venue_away(error)
                    await self._again()
                self._ahead, self._floor.instruments = None, {}
                if self._floor.stopping:
                    return UNSETTLED if self._lease else STOPPED
        except Silent as silent:
            return str(silent)
        finally:
            await self._floor.inbox.close()
            await self._floor.filters.close()
            await ended([beat])

    async def _live(self) -> str:
        """Epoch after epoch: each is waited for, adopted, traded, and handed over or ended."""
        while True:
            if self._lease is not None:
                # After the ledger was away only its row tells whether another process was named in between.
                confirm(self.parts.ledger.lease_row(), self._lease)
                self._cut = None
            ahead = self._ahead or await Ahead.prepared(self._floor)
            if self._lease is None:
                self._ahead = ahead
                self._lease = await Standby(self._floor, ahead, self._held).lease()
                if self._lease is None:
                    return STOPPED
            self._ahead = None
            trader = await adopted(self._floor, self._lease, ahead)
            self._cut = CutOff(self._floor, trader.desk)
            if await self._traded(trader) is Ended.OVER:
                return await trader.finish()
            self._cut = None
            self._held, self._lease = f"epoch {trader.desk.lease.epoch} was handed over", None
            await self._floor.pause(GIVE_WAY)

    async def _traded(self, trader: Trader) -> Ended:
        """*trader* has traded; nothing private reaches this process afterwards."""
        inbox = self._floor.inbox
        self._floor.open_inbox()
        inbox.listen(self.parts.venue.events(), self.parts.strategy.every)
        self._floor.errands.open()
        try:
            return await trader.run()
        finally:
            self._floor.errands.close()
            await inbox.unlisten()

    async def _again(self, after: timedelta = SECOND) -> None:
        if not self._floor.stopping:
            await self._floor.pause(after)

    async def _beat(self) -> None:
        """The ledger hears from this process twice a second, whatever its loop waits for."""
        while self.parts.settings.turn is not None:
            role = "standby" if self._lease is None else "trader"
            with contextlib.suppress(LedgerUnavailable):
                self.parts.ledger.heartbeat(self.parts.instance, role, self.parts.clock.now())
            await asyncio.sleep(BEAT_SECONDS)

    def is_idle(self) -> bool:
        """True when everything that came has been answered."""
        return self._floor.inbox.is_idle

    def snapshot(self) -> Snapshot:
        return self._floor.teller.snapshot

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        halt = self._floor.guard.halt(reason, kind, source, halt_id)
        self._floor.teller.halted(halt, self._floor.guard)
        self._floor.inbox.wake()
        return halt

    async def resume(self, halt_id: str, reason: str) -> bool:
        known = self._floor.guard.halts.resume(halt_id, reason, self.parts.clock.now())
        self._floor.teller.resumed(halt_id, reason, self._floor.guard)
        return known

    async def reconcile(self, wish: Wish) -> Reconciled:
        answer = self._floor.errands.asked(wish)
        self._floor.inbox.wake()
        # Whoever gives up waiting does not take it back.
        return await asyncio.shield(answer)

    async def reset_breakers(self, name: str | None) -> tuple[str, ...] | None:
        closed = self.parts.breakers.reset(name)
        self._floor.teller.alive()
        return closed

    def shrink(self) -> None:
        """No more bars are kept than deciding needs."""
        self._floor.bars.shrink()

    async def switch(self, strategy: str, on: bool, reason: str) -> None:
        self._floor.guard.switch(strategy, on, reason)
        self._floor.teller.halts(self._floor.guard)
        self._floor.inbox.wake()

    def stop(self) -> None:
        self._floor.stopping = True
        self._floor.inbox.wake()
