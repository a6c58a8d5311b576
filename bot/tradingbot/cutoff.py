"""Without the ledger nobody knows who trades: all that may be sent is an exit (protocol 6).

In the place of this process' own stop at any time: the venue itself fences that, for the request fails as a whole once
a taker has replaced the stop. Anything else only while the operator, who can see the ledger, has granted it.
"""

from collections.abc import Sequence

import structlog

from tradingbot.domain.errors import ShutOut
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.order import Order
from tradingbot.execution import exits, send
from tradingbot.execution.desk import Desk
from tradingbot.execution.journal import ExitJournal
from tradingbot.floor import Floor

log = structlog.stdlib.get_logger("tradingbot")


class CutOff:
    """What a trader may still do with the book it had when the ledger went away; each position is left once."""

    def __init__(self, floor: Floor, desk: Desk) -> None:
        self._floor = floor
        self._desk = desk
        self._left: set[str] = set()
        self._shut_out = False

    async def leave(self, error: Exception) -> None:
        """Under flatten, each position was sold: in the place of our own stop, or under a grant.

        After a refused login or a session that was ended from outside nothing is sent: that is how a fence looks.
        """
        self._shut_out = self._shut_out or isinstance(error, ShutOut)
        if self._shut_out or self._floor.guard.ruling is not HaltKind.FLATTEN:
            return
        for symbol in self._floor.symbols:
            request = self._exit(symbol)
            if request is not None and self._replaces_own(request):
                await self._sell(request)
        left = [request for symbol in self._floor.symbols if (request := self._exit(symbol)) is not None]
        if left:
            await self._granted(left)

    async def _granted(self, requests: Sequence[Order]) -> None:
        """Each of *requests* was sent whose turn came while a grant stood, counted from before it was asked for."""
        parts = self._floor.parts
        asked_at = parts.clock.boottime()
        lasts = await parts.grants.ask(self._desk.lease) if parts.grants else None
        if lasts is None:
            return
        for request in requests:
            if parts.clock.boottime() - asked_at < lasts.total_seconds():
                await self._sell(request)

    async def _sell(self, request: Order) -> None:
        self._left.add(request.symbol)
        outcome = await send.journaled(self._desk, self._floor.parts.journal, request)
        log.warning("Left without the ledger", symbol=request.symbol, outcome=type(outcome).__name__)

    def _exit(self, symbol: str) -> Order | None:
        """What would leave the position whole, unless that was sent before."""
        if symbol in self._left:
            return None
        mark = self._floor.bars.close(symbol)
        wanted = exits.exit_order(self._desk.book, symbol, mark, self._floor.guard.reason)
        return wanted if isinstance(wanted, Order) else None

    def _replaces_own(self, request: Order) -> bool:
        record = self._desk.book.record(request.replaces) if request.replaces else None
        return record is not None and record.write.epoch == self._desk.lease.epoch


def replay(desk: Desk, journal: ExitJournal) -> None:
    """What was sent without the ledger stands in it, its outcome unknown: it is settled by query, never sent again."""
    for entry in journal.entries():
        desk.ledger.replay(desk.lease, entry)
        journal.told(entry.client_id)
