"""What an engine is made of; main chooses the adapters by mode, and nothing below knows which were chosen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.breakers import Breakers
from tradingbot.domain.candle import Candle
from tradingbot.domain.lease import Instance
from tradingbot.domain.ledger import Ledger
from tradingbot.domain.ports import Clock, ExitGrants, Feed, LeaseWatch, Venue
from tradingbot.domain.snapshot import Metrics
from tradingbot.execution.journal import ExitJournal
from tradingbot.pacing import Pacing
from tradingbot.risk.limits import RiskLimits
from tradingbot.strategy.registry import Strategy


@dataclass(frozen=True)
class EngineSettings:
    """What the engine is told. *turn* is wall time between turns of the timer; None = only candles move it (replay).

    *shared*: other bots trade on the account; *foreign*: what is done about what somebody else does there: halt, report
    or ignore. *schema* are the ledger's schema that this code was written for, and the one the ledger has.
    """

    symbols: tuple[str, ...]
    timeframe: str
    capital: Decimal
    currency: str
    warmup_bars: int = 200
    most_bars: int | None = None  # kept of each market; None = twice what is needed
    check_interval: timedelta = timedelta(seconds=15)
    entry_max_age: timedelta = timedelta(seconds=5)
    turn: timedelta | None = timedelta(seconds=1)
    schema: tuple[str, str] = ("", "")
    shared: bool = False
    foreign: str = "report"
    observed: timedelta = timedelta(0)  # after a crash, in venue time
    reconciled: timedelta = timedelta(hours=1)  # between two comparisons with the account, in venue time


@dataclass(frozen=True, slots=True)
class Parts:
    """The ports and pure parts an engine is made of; *day_start* tells when the trading day of an instant began."""

    settings: EngineSettings
    instance: Instance
    feed: Feed
    venue: Venue
    ledger: Ledger
    clock: Clock
    metrics: Metrics
    strategy: Strategy
    limits: RiskLimits
    day_start: Callable[[datetime], datetime]
    new_id: Callable[[], str]
    watch: LeaseWatch
    others: Mapping[str, Strategy] = field(default_factory=dict)  # who decides instead of *strategy*, by market
    journal: ExitJournal = field(default_factory=ExitJournal)
    heard: Callable[[Candle], None] = lambda _: None  # told of each candle that was new
    breakers: Breakers = field(default_factory=Breakers)
    grants: ExitGrants | None = None  # nobody to ask
    pacing: Pacing = field(default_factory=lambda: Pacing(lambda: 0.0))
    closed: Callable[[datetime], str | None] = lambda _: None  # why nothing can be entered while the market is closed
    invented: Callable[[], str | None] = lambda: None  # why these prices are not the market's, where money follows them

    def decider(self, symbol: str) -> Strategy:
        """The one strategy that trades *symbol*."""
        return self.others.get(symbol, self.strategy)
