"""Market data as the engine sees it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

TIMEFRAMES: dict[str, timedelta] = {
    "1m": timedelta(minutes=1),
    "3m": timedelta(minutes=3),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar; *closed* is the venue's word that it will not change again. Times are UTC."""

    symbol: str
    timeframe: str
    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool = True

    @property
    def close_time(self) -> datetime:
        """The first instant that is no longer part of the bar."""
        return self.open_time + TIMEFRAMES[self.timeframe]


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices at the venue, with the venue's time."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime
