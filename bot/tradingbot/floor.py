"""What every page of a process' life has in its hands, whether it trades or stands by."""

from collections.abc import Mapping
from datetime import timedelta

from tradingbot.domain.instrument import Instrument
from tradingbot.errands import Errands
from tradingbot.filters import Filters
from tradingbot.guard import Guard
from tradingbot.inbox import Inbox
from tradingbot.market.bars import Bars
from tradingbot.parts import Parts
from tradingbot.risk import checks
from tradingbot.telling import Teller

SECOND = timedelta(seconds=1)


class Floor:
    """Parts, what reaches the process, what it has seen of the market, and what it tells.

    *claimed* is the epoch that this process has claimed itself; who holds which one is not kept here.
    """

    def __init__(self, parts: Parts) -> None:
        settings = parts.settings
        self.parts = parts
        self.inbox = Inbox()
        keep = max(settings.warmup_bars, *(parts.decider(symbol).bars for symbol in settings.symbols))
        most = (keep, settings.most_bars or 2 * keep)
        self.bars = Bars(parts.feed, settings.timeframe, most, parts.metrics, parts.heard)
        self.filters = Filters(parts)
        self.guard = Guard(parts, self.bars, self.filters)
        self.teller = Teller(parts)
        self.checks = checks.checks(parts.limits)
        self.beat_checks = checks.beat_checks(parts.limits)
        self.instruments: Mapping[str, Instrument] = {}
        self.errands = Errands()
        self.stopping = False
        self.claimed: int | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.parts.settings.symbols

    async def pause(self, duration: timedelta = SECOND) -> None:
        """*duration* of wall time has passed, and the process has shown that it lives."""
        self.teller.alive()
        await self.parts.clock.sleep(self.parts.clock.scaled(duration))

    def open_inbox(self) -> None:
        """Market data, the timer and the news of the lease row reach the process from now on."""
        parts, settings = self.parts, self.parts.settings
        candles = parts.feed.candles(settings.symbols, settings.timeframe)
        self.inbox.open(candles, settings.turn, parts.watch)
