"""Equity over time: where the trading day began, and the highest it ever was."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tradingbot.domain.ledger import Ledger
from tradingbot.execution.desk import Desk


@dataclass(slots=True)
class Money:
    """The marks that daily loss and drawdown are measured from; all of it is in the ledger."""

    equity: Decimal
    peak: Decimal
    day_equity: Decimal
    day: datetime | None = None
    _at: datetime | None = None
    _written: Decimal | None = field(default=None)

    def load(self, ledger: Ledger, day: datetime) -> None:
        """The marks are as the ledger has them, across epochs."""
        self.day = day
        self.day_equity = ledger.day_start_equity(day) or self.equity
        self.peak = max(ledger.peak_equity() or self.peak, self.peak)

    def measure(self, at: datetime, day: datetime, equity: Decimal) -> None:
        """*equity* of the instant *at* is the newest mark; a new trading day begins with it."""
        self._at, self.equity = at, equity
        if day != self.day:
            self.day, self.day_equity, self._written = day, equity, None
        self.peak = max(self.peak, equity)

    def keep(self, desk: Desk) -> None:
        """The newest mark is in the ledger; orders do not wait for that."""
        if self._at is not None and self.equity != self._written:
            desk.ledger.record_equity(desk.lease, self._at, self.equity)
            self._written = self.equity
