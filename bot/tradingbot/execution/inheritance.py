"""What a taker found of its predecessors' orders, and what became of it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import structlog

from tradingbot.domain.order import UNSETTLED, WORKING, OrderRecord, OrderReport, OrderStatus
from tradingbot.domain.snapshot import Adoption
from tradingbot.execution.desk import Desk
from tradingbot.execution.record import is_ours

Listed = Mapping[str, tuple[OrderReport, ...]]
NEVER_WAS = frozenset({OrderStatus.ABSENT, OrderStatus.REFUSED})
log = structlog.stdlib.get_logger("tradingbot")


class Inheritance:
    """The orders that were live and the writes that were unresolved when the epoch began.

    An order of ours that the venue lists and the ledger does not know stands in the ledger from here on, as recovered.
    """

    def __init__(self, desk: Desk, unresolved: Iterable[OrderRecord], listed: Listed) -> None:
        self._desk = desk
        self.listed = listed
        self.unresolved = frozenset(record.write.client_id for record in unresolved)
        self._live = frozenset(r.write.client_id for symbol in desk.book.instruments for r in desk.book.live(symbol))
        self._recovered = sum(self._recover(report) for found in listed.values() for report in found)

    def result(self, seconds: float) -> Adoption:
        """The counts, judged by the book as it is now, and by the ledger for what the book has let go."""
        names = self._live | self.unresolved
        now = {name: record.status for name in names if (record := self._desk.book.record(name)) is not None}
        gone = tuple(names - now.keys())
        now |= {r.write.client_id: r.status for r in self._desk.ledger.named_orders(gone)} if gone else {}
        settled = [now[name] for name in self._live - self.unresolved if name in now]
        answered = [now[name] for name in self.unresolved if name in now]
        return Adoption(
            epoch=self._desk.lease.epoch,
            result="adopted",
            adopted=sum(status in WORKING for status in now.values()),
            cancelled=sum(status not in WORKING for status in settled),
            recovered=sum(status not in UNSETTLED | NEVER_WAS for status in answered) + self._recovered,
            unknown=sum(status in UNSETTLED for status in answered),
            milliseconds=Decimal(str(round(seconds * 1000, 3))),
        )

    def _recover(self, report: OrderReport) -> bool:
        name = report.client_id
        if name in self._live | self.unresolved or not is_ours(self._desk, name):
            return False
        if self._desk.ledger.named_orders((name,)):
            return False
        log.warning("An order of this ledger that it did not know", client_id=name)
        self._desk.book.put(self._desk.ledger.recover(self._desk.lease, name, report))
        return True
