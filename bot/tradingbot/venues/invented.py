"""Prices of our own making in place of a market's: a feed that a person can switch while the bot runs."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zlib import crc32

from tradingbot.domain.candle import TIMEFRAMES, Candle, Quote
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.ports import Clock, Feed

LOOK = timedelta(seconds=1)
KEPT = 1000
VOLUME = Decimal(100)
# A bar ends at most this many hundred-thousandths above or below where it began.
WIDEST = 50


@dataclass(slots=True)
class Invention:
    """Whether prices are invented. It is not kept: another process begins with the market's."""

    on: bool = False


class InventedFeed:
    """*market* while the switch is off; else bars that go on from its last price, each at its close."""

    def __init__(self, market: Feed, clock: Clock, switch: Invention) -> None:
        self._market = market
        self._clock = clock
        self._switch = switch
        self._instruments: dict[str, Instrument] = {}
        self._closed: dict[str, deque[Candle]] = {}

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        found = await self._market.instruments(symbols)
        self._instruments.update(found)
        return found

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        if self._switch.on:
            return tuple(self._closed.get(symbol, ()))[-bars:]
        found = await self._market.history(symbol, timeframe, bars)
        for candle in found:
            self._keep(candle)
        return found

    async def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        line: asyncio.Queue[Candle | BaseException] = asyncio.Queue()
        pumps = [
            asyncio.create_task(self._pump(source, line))
            for source in (self._heard(symbols, timeframe), self._made(symbols, timeframe))
        ]
        try:
            while True:
                candle = await line.get()
                if isinstance(candle, BaseException):
                    raise candle
                self._keep(candle)
                yield candle
        finally:
            for pump in pumps:
                pump.cancel()
                with suppress(asyncio.CancelledError):
                    await pump

    async def quote(self, symbol: str) -> Quote:
        last = self._closed.get(symbol)
        if self._switch.on and last:
            return Quote(symbol, last[-1].close, last[-1].close, self._clock.now())
        return await self._market.quote(symbol)

    async def close(self) -> None:
        await self._market.close()

    async def _pump(self, source: AsyncIterator[Candle], line: "asyncio.Queue[Candle | BaseException]") -> None:
        try:
            async for candle in source:
                line.put_nowait(candle)
        except Exception as error:  # noqa: BLE001 - raised to whoever reads the line
            line.put_nowait(error)

    async def _heard(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        async for candle in self._market.candles(symbols, timeframe):
            if not self._switch.on:
                yield candle

    async def _made(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        step = TIMEFRAMES[timeframe]
        while True:
            now = self._clock.now()
            due = now + step - (now - datetime.min.replace(tzinfo=now.tzinfo)) % step
            while (left := due - self._clock.now()) > timedelta(0):
                await self._clock.sleep(min(left, self._clock.scaled(LOOK)))
            for symbol in symbols:
                last = self._closed.get(symbol)
                if self._switch.on and last and last[-1].open_time < due - step:
                    yield self._next(last[-1], due - step)

    def _next(self, last: Candle, opened: datetime) -> Candle:
        """The bar after *last*; the same whenever it is asked for."""
        moved = crc32(f"{last.symbol} {opened.isoformat()}".encode()) % (2 * WIDEST + 1) - WIDEST
        market = self._instruments[last.symbol]
        close = max(market.floor_price(last.close * (100_000 + moved) / 100_000), market.price_step)
        high, low = max(last.close, close), min(last.close, close)
        return Candle(last.symbol, last.timeframe, opened, last.close, high, low, close, VOLUME)

    def _keep(self, candle: Candle) -> None:
        kept = self._closed.setdefault(candle.symbol, deque(maxlen=KEPT))
        if candle.closed and (not kept or candle.open_time > kept[-1].open_time):
            kept.append(candle)
