"""Market data that remembers its bars: what a process before has been told is not asked for again."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.history import joined, kept_with, to_ask
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.ports import Clock, Feed
from tradingbot.domain.snapshot import Metrics
from tradingbot.venues.candle_files import CandleFiles

# Of wall time, between two writes: what a killed process loses is asked for again.
EVERY = timedelta(minutes=5)
Key = tuple[str, str]


class RememberedFeed:
    """*market*, whose first history of a symbol begins with what is on the disk; the newest bars are always asked."""

    def __init__(self, market: Feed, files: CandleFiles, clock: Clock, metrics: Metrics) -> None:
        self._market = market
        self._files = files
        self._clock = clock
        self._metrics = metrics
        self._kept: dict[Key, tuple[Candle, ...]] = {}
        self._most: dict[Key, int] = {}
        self._changed: set[Key] = set()
        self._shrunk = False
        self._written = clock.monotonic()

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        return await self._market.instruments(symbols)

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        key = (symbol, timeframe)
        if key in self._kept:
            # Asked again: there is a gap, and only the venue can tell whether nothing was traded in it.
            return await self._market.history(symbol, timeframe, bars)
        whole, asked = await self._begun(key, bars)
        self._metrics.cache(max(0, len(whole) - asked), min(asked, len(whole)))
        self._kept[key], self._most[key] = tuple(candle for candle in whole if candle.closed), bars
        self._changed.add(key)
        await self._write()
        return whole

    async def _begun(self, key: Key, bars: int) -> tuple[tuple[Candle, ...], int]:
        kept = await asyncio.to_thread(self._files.load, *key)
        few = to_ask(kept, self._clock.now(), bars)
        if few < bars:
            told = await self._market.history(*key, few)
            whole = joined(kept, told, bars)
            if whole is not None:
                return whole, len(told)
        told = await self._market.history(*key, bars)
        return told, len(told)

    async def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        async for candle in self._market.candles(symbols, timeframe):
            yield candle
            key = (candle.symbol, timeframe)
            before = self._kept.get(key)
            if before is not None and candle.closed and not self._shrunk:
                self._kept[key] = kept_with(before, candle, self._most[key])
                self._changed.add(key)
            if self._clock.monotonic() - self._written >= EVERY.total_seconds():
                await self._write()

    def shrink(self) -> None:
        """Nothing more is remembered for the next process, which asks for more; what is on the disk stays."""
        self._shrunk = True
        self._changed.clear()
        # A market whose history was asked for once stays one: its gaps are the venue's to tell.
        self._kept = dict.fromkeys(self._kept, ())

    async def quote(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def close(self) -> None:
        await self._write()
        await self._market.close()

    async def _write(self) -> None:
        due, self._changed = self._changed, set()
        self._written = self._clock.monotonic()
        try:
            for symbol, timeframe in sorted(due):
                await asyncio.to_thread(self._files.store, symbol, timeframe, self._kept[symbol, timeframe])
        except OSError:
            # A full volume costs the next start some questions, and nothing else.
            self._metrics.failure("cache")
