"""Without the ledger nobody knows who trades: all that may be sent is an exit in the place of this process' own stop.

The venue itself fences it: the request fails as a whole once a taker has replaced that stop (protocol 6).
"""

import structlog

from tradingbot.domain.errors import ShutOut
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Order, OrderStatus, Purpose
from tradingbot.execution import exits, send
from tradingbot.execution.desk import Desk
from tradingbot.execution.journal import ExitJournal
from tradingbot.floor import Floor

log = structlog.stdlib.get_logger("tradingbot")


class CutOff:
    """What a trader may still do with the book it had when the ledger went away; each stop is replaced once."""

    def __init__(self, floor: Floor, desk: Desk) -> None:
        self._floor = floor
        self._desk = desk
        self._left: set[str] = set()
        self._shut_out = False

    async def leave(self, error: Exception) -> None:
        """Under flatten, each position under a stop of our own was sold in its place.

        After a refused login or a session that was ended from outside nothing is sent: that is how a fence looks.
        """
        self._shut_out = self._shut_out or isinstance(error, ShutOut)
        if self._shut_out or self._floor.guard.ruling is not HaltKind.FLATTEN:
            return
        for symbol in self._floor.symbols:
            request = self._exit(symbol)
            if request is not None:
                self._left.add(symbol)
                outcome = await send.journaled(self._desk, self._floor.parts.journal, request)
                log.warning("Left without the ledger", symbol=symbol, outcome=type(outcome).__name__)

    def _exit(self, symbol: str) -> Order | None:
        book = self._desk.book
        own = [
            record
            for record in book.orders(symbol, Purpose.STOP)
            if record.status is OrderStatus.OPEN and record.write.epoch == self._desk.lease.epoch
        ]
        if symbol in self._left or not own:
            return None
        mark = self._floor.bars.closes().get(symbol, ZERO)
        wanted = exits.exit_order(book, symbol, mark, self._floor.guard.reason)
        return wanted if isinstance(wanted, Order) and wanted.replaces == own[0].write.client_id else None


def replay(desk: Desk, journal: ExitJournal) -> None:
    """What was sent without the ledger stands in it, its outcome unknown: it is settled by query, never sent again."""
    for entry in journal.entries():
        desk.ledger.replay(desk.lease, entry)
        journal.told(entry.client_id)
