"""Candles and their timeframes."""

from dataclasses import dataclass
from decimal import Decimal

MINUTE = 60_000

TIMEFRAMES: dict[str, int] = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": 60 * MINUTE,
    "2h": 120 * MINUTE,
    "4h": 240 * MINUTE,
    "6h": 360 * MINUTE,
    "8h": 480 * MINUTE,
    "12h": 720 * MINUTE,
    "1d": 1440 * MINUTE,
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One candle; `open_ms` is its first millisecond."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def merged(bars: list[Bar], open_ms: int) -> Bar | None:
    """The candle that holds all *bars*, or None when there are none."""
    if not bars:
        return None
    return Bar(
        open_ms=open_ms,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum((bar.volume for bar in bars), Decimal(0)),
    )
