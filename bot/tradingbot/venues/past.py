"""The bars of months and years, asked of a venue page by page; nobody holds them all in memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tradingbot.domain.candle import TIMEFRAMES, Candle

EPOCH = datetime.fromtimestamp(0, UTC)
Page = tuple[Candle, ...]


class Archive(Protocol):
    """A venue's public data; one answer holds *page* bars at the most, and it is asked every *pause*."""

    @property
    def page(self) -> int: ...

    @property
    def pause(self) -> timedelta: ...

    async def past(self, symbol: str, timeframe: str, since: datetime) -> Page: ...


async def pages(archive: Archive, market: tuple[str, str], since: datetime, until: datetime) -> AsyncIterator[Page]:
    """The closed bars of *market* (symbol, timeframe) from that in which *since* lies, oldest first and each once.

    What a venue does not tell, of times before it or without a trade, is left out, and so is what cannot be a bar.
    """
    symbol, timeframe = market
    length = TIMEFRAMES[timeframe]
    since -= (since - EPOCH) % length
    while since + length <= until:
        fresh = _closed(await archive.past(symbol, timeframe, since), since, until)
        if fresh:
            yield fresh
        since = max(since + length * archive.page, fresh[-1].close_time if fresh else since)
        await asyncio.sleep(archive.pause.total_seconds())


def _closed(told: Page, since: datetime, until: datetime) -> Page:
    found: list[Candle] = []
    for bar in told:
        begins = found[-1].close_time if found else since
        if bar.open_time >= begins and bar.close_time <= until and _is_sound(bar):
            found.append(bar)
    return tuple(found)


def _is_sound(bar: Candle) -> bool:
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    if not all(price.is_finite() for price in prices) or bar.volume < 0:
        return False
    return 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
