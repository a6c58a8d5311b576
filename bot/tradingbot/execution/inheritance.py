"""What a taker found of its predecessors' orders, and what became of it."""

from collections.abc import Mapping
from decimal import Decimal

import structlog

from tradingbot.domain.order import UNSETTLED, WORKING, OrderReport, OrderStatus
from tradingbot.domain.snapshot import Adoption
from tradingbot.execution.desk import Desk
from tradingbot.execution.record import is_ours

NEVER_WAS = frozenset({OrderStatus.ABSENT, OrderStatus.REFUSED})
log = structlog.stdlib.get_logger("tradingbot")


class Inheritance:
    """The orders that were live and the writes that were unresolved when the epoch began."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.unresolved = frozenset(record.write.client_id for record in desk.ledger.unsettled())
        self._live = frozenset(r.write.client_id for symbol in desk.book.instruments for r in desk.book.live(symbol))

    def result(self, listed: Mapping[str, tuple[OrderReport, ...]], seconds: float) -> Adoption:
        """The counts, judged by the ledger as it is now; orders of ours that no ledger knows are *unknown* too."""
        names = tuple(self._live | self.unresolved)
        now = {r.write.client_id: r.status for r in self._desk.ledger.named_orders(names)} if names else {}
        settled = [now[name] for name in self._live - self.unresolved if name in now]
        answered = [now[name] for name in self.unresolved if name in now]
        return Adoption(
            epoch=self._desk.lease.epoch,
            result="adopted",
            adopted=sum(status in WORKING for status in now.values()),
            cancelled=sum(status not in WORKING for status in settled),
            recovered=sum(status not in UNSETTLED | NEVER_WAS for status in answered),
            unknown=sum(status in UNSETTLED for status in answered) + self._strangers(listed),
            milliseconds=Decimal(str(round(seconds * 1000, 3))),
        )

    def _strangers(self, listed: Mapping[str, tuple[OrderReport, ...]]) -> int:
        ours = [r.client_id for found in listed.values() for r in found if is_ours(self._desk, r.client_id)]
        strange = set(ours) - self._live - self.unresolved - {r.write.client_id for r in self._desk.book.recent}
        for name in sorted(strange):
            log.warning("An order of this ledger that it does not know", client_id=name)
        return len(strange)
