"""What every step of execution needs in its hands."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradingbot.domain.lease import Lease
from tradingbot.domain.ledger import Ledger
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

    def __post_init__(self) -> None:
        self.outside = Outside(self.ledger.ledger_id, self.shared)

    def save(self) -> None:
        """What a venue of our own must remember is in the ledger."""
        state = self.venue.book()
        if state is not None:
            self.ledger.save_paper_book(self.lease, state)
