"""What every step of execution needs in its hands."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradingbot.domain.lease import Lease
from tradingbot.domain.ledger import Ledger
from tradingbot.domain.order import Cancel, Order
from tradingbot.domain.ports import Clock, Venue
from tradingbot.domain.snapshot import Metrics
from tradingbot.execution.book import Book
from tradingbot.execution.outside import Outside

SKEW = timedelta(seconds=1)


@dataclass(slots=True)
class Desk:
    """Ports, the epoch they are used under, and the book. A new epoch gets a new desk."""

    venue: Venue
    ledger: Ledger
    lease: Lease
    clock: Clock
    metrics: Metrics
    book: Book
    step: timedelta
    entry_max_age: timedelta
    retries: dict[str, tuple[float, float]] = field(default_factory=dict)
    # Symbols of which something unknown has an outcome now: what covers them is to be looked at again.
    answered: set[str] = field(default_factory=set)
    refused: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    shared: bool = False
    outside: Outside = field(init=False)
    unresolved: int = 0
    _since: datetime = field(init=False)
    _sent_at: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outside = Outside(self.ledger.ledger_id, self.shared)
        # A clock that is measured again may go back a little.
        self._since = self.clock.now() + self.clock.scaled(SKEW)

    def sent(self, request: Order | Cancel, timestamp: datetime) -> None:
        """*request* has become an intent of *timestamp*."""
        if isinstance(request, Order):
            self._sent_at.append(timestamp)

    def orders_since(self, since: datetime) -> int:
        """How many orders this ledger has tried since then; nobody else writes any under this epoch."""
        if since < self._since:
            return self.ledger.orders_since(since)
        self._sent_at = [at for at in self._sent_at if at >= since]
        return len(self._sent_at)

    def save(self) -> None:
        """What a venue of our own must remember is in the ledger."""
        state = self.venue.book()
        if state is not None:
            self.ledger.save_paper_book(self.lease, state)
