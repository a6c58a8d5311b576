"""Live market data in Binance's dialect: REST for history, a WebSocket for what comes, REST again after every gap."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.listing import Listed
from tradingbot.domain.snapshot import Metrics
from tradingbot.venues import binance
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.dialect import UNREADABLE
from tradingbot.venues.market import listing

MOST_ROWS = 1000
FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0
# A kline stream speaks every two seconds at a live venue; a silence this long means that the line is dead.
SILENCE_SECONDS = 60.0
CATCH_UP_BARS = 3


class LiveFeed:
    """Public data only: no key is known here."""

    page = MOST_ROWS
    pause = timedelta(milliseconds=50)

    def __init__(
        self,
        session: aiohttp.ClientSession,
        bases: tuple[str, str],
        clock: VenueClock,
        metrics: Metrics,
        proxy: str | None,
    ) -> None:
        self._session = session
        self._rest, self._stream = bases
        self._clock = clock
        self._metrics = metrics
        self._proxy = proxy

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        names = json.dumps([binance.market_id(symbol) for symbol in symbols], separators=(",", ":"))
        answer = await self._asked("exchangeInfo", {"symbols": names})
        rows = {row["symbol"]: row for row in answer["symbols"]}
        return {symbol: binance.instrument(symbol, rows[binance.market_id(symbol)]) for symbol in symbols}

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        fields = {"symbol": binance.market_id(symbol), "interval": timeframe, "limit": str(min(bars + 1, MOST_ROWS))}
        rows = await self._asked("klines", fields)
        # Only the beginning of the next one proves that a candle of this list is closed.
        return tuple(
            binance.candle(symbol, timeframe, row, closed=index < len(rows) - 1) for index, row in enumerate(rows)
        )

    async def listing(self) -> tuple[Listed, ...]:
        """Every market that is traded now; raises VenueUnavailable."""
        return listing((await self._asked("exchangeInfo", {}))["symbols"], binance.listed)

    async def past(self, symbol: str, timeframe: str, since: datetime) -> tuple[Candle, ...]:
        """The bars from *since* on, oldest first, as many as one answer holds; raises VenueUnavailable."""
        fields = {"symbol": binance.market_id(symbol), "interval": timeframe, "limit": str(MOST_ROWS)}
        rows = await self._asked("klines", {**fields, "startTime": str(binance.milliseconds(since))})
        try:
            return tuple(binance.candle(symbol, timeframe, row, closed=True) for row in rows)
        except UNREADABLE as error:
            raise VenueUnavailable(f"klines: the answer cannot be read: {type(error).__name__} {error}") from error

    async def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        delay = FIRST_DELAY
        while True:
            try:
                async with self._connected(symbols, timeframe) as socket:
                    self._metrics.stream("market", True)
                    # What closed while nobody listened is asked for once the new line stands.
                    for symbol in symbols:
                        for bar in await self.history(symbol, timeframe, CATCH_UP_BARS):
                            yield bar
                    delay = FIRST_DELAY
                    async for bar in self._heard(socket, symbols):
                        yield bar
            except (aiohttp.ClientError, TimeoutError, OSError, VenueUnavailable):
                delay = min(2 * delay, LONGEST_DELAY)
            self._metrics.stream("market", False)
            self._metrics.reconnect("feed")
            await asyncio.sleep(delay)
            if delay >= LONGEST_DELAY:
                for bar in await self._meanwhile(symbols, timeframe):
                    yield bar

    async def _meanwhile(self, symbols: Sequence[str], timeframe: str) -> list[Candle]:
        """The newest bars by question, while nobody tells them: a strategy that wants out must hear of them."""
        found: list[Candle] = []
        with contextlib.suppress(VenueUnavailable):
            for symbol in symbols:
                found += await self.history(symbol, timeframe, CATCH_UP_BARS)
        return found

    async def quote(self, symbol: str) -> Quote:
        row = await self._asked("ticker/bookTicker", {"symbol": binance.market_id(symbol)})
        return binance.quote(symbol, row, self._clock.now())

    async def close(self) -> None:
        await self._session.close()

    def _connected(self, symbols: Sequence[str], timeframe: str) -> Any:
        names = "/".join(f"{binance.market_id(symbol).lower()}@kline_{timeframe}" for symbol in symbols)
        url = f"{self._stream}/stream?streams={names}"
        return self._session.ws_connect(url, heartbeat=20.0, proxy=self._proxy)

    async def _heard(self, socket: aiohttp.ClientWebSocketResponse, symbols: Sequence[str]) -> AsyncIterator[Candle]:
        by_id = {binance.market_id(symbol): symbol for symbol in symbols}
        while True:
            message = await socket.receive(timeout=SILENCE_SECONDS)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            event = json.loads(message.data).get("data") or {}
            if event.get("e") == "kline" and event["s"] in by_id:
                self._clock.observed(binance.instant(event["E"]))
                yield binance.streamed_candle(by_id[event["s"]], event)

    async def _asked(self, path: str, fields: Mapping[str, str]) -> Any:
        url = f"{self._rest}/api/v3/{path}"
        try:
            async with self._session.get(url, params=fields, proxy=self._proxy) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VenueUnavailable(f"{path}: {type(error).__name__} {error}".strip()) from error
        if response.status == 400 and '"code":-1121' in text.replace(" ", ""):
            raise Misconfigured(f"exchange.symbols names a market the venue does not know ({dict(fields)}); correct it")
        if response.status != 200:
            raise VenueUnavailable(f"{path} answered {response.status} {text[:200]}")
        return json.loads(text)
