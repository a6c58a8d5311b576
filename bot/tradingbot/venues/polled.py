"""Live market data of venues whose candles are asked for again and again: no line can break, and nothing is missed."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import aiohttp

from tradingbot.domain.candle import TIMEFRAMES, Candle, Quote
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.listing import Listed
from tradingbot.domain.snapshot import Metrics
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.dialect import UNREADABLE
from tradingbot.venues.market import Ask, Market, listing

T = TypeVar("T")
# A round of all symbols takes at least so long.
ROUND = timedelta(seconds=2)
CATCH_UP_BARS = 3
# A bar may still change for so long after its end; then two equal answers are its last word.
SETTLES = timedelta(milliseconds=250)


class PolledFeed:
    """Public data only: no key is known here."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        place: tuple[Market, str],
        clock: VenueClock,
        metrics: Metrics,
        proxy: str | None,
    ) -> None:
        self._session = session
        self._market, self._base = place
        self._clock = clock
        self._metrics = metrics
        self._proxy = proxy
        self.page, self.pause = self._market.most, self._market.pause

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        found = {}
        for symbol in symbols:
            ask = self._market.instrument_at(symbol)
            found[symbol] = await self._told(ask, partial(self._market.instrument, symbol))
        return found

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        word = self._word(timeframe, "strategy.timeframe")
        now, length = self._clock.now(), TIMEFRAMES[timeframe]
        since = now - length * (min(bars, self._market.most - 1) + 1)
        ask = self._market.bars_at(symbol, word, since, now)
        found = await self._told(ask, partial(self._market.bars, symbol, timeframe))
        # Only the beginning of the next one proves that a candle of this list is closed.
        return tuple(found[:-1] + [replace(each, closed=False) for each in found[-1:]])

    async def listing(self) -> tuple[Listed, ...]:
        """Every market that is traded now; raises VenueUnavailable."""
        market = self._market
        return await self._told(market.listing_at, lambda body: listing(market.rows(body), market.listed))

    async def past(self, symbol: str, timeframe: str, since: datetime) -> tuple[Candle, ...]:
        """The bars from *since* on, oldest first, as many as one answer holds; raises VenueUnavailable."""
        word = self._word(timeframe, "timeframe")
        until = min(self._clock.now(), since + TIMEFRAMES[timeframe] * (self.page - 1))
        ask = self._market.bars_at(symbol, word, since, until)
        return tuple(await self._told(ask, partial(self._market.bars, symbol, timeframe)))

    def _word(self, timeframe: str, field: str) -> str:
        word = self._market.timeframes.get(timeframe)
        if word is None:
            known = ", ".join(self._market.timeframes)
            raise Misconfigured(f'{field} "{timeframe}" is unknown to this venue: write {known}')
        return word

    async def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        last: dict[str, Candle] = {}
        while True:
            began = self._clock.monotonic()
            for symbol in symbols:
                try:
                    found = await self.history(symbol, timeframe, CATCH_UP_BARS)
                except VenueUnavailable:
                    found = ()
                self._metrics.stream("market", bool(found))
                for bar in found:
                    yield self._ended(bar, last.get(symbol))
                last.update({bar.symbol: bar for bar in found[-1:]})
                await self._clock.sleep(self._market.pause)
            took = timedelta(seconds=self._clock.monotonic() - began)
            await self._clock.sleep(max(ROUND - took, timedelta(0)))

    def _ended(self, bar: Candle, before: Candle | None) -> Candle:
        """*bar*, closed also when its time is over and the venue has said the same of it twice."""
        over = self._clock.now() >= bar.close_time + SETTLES
        return replace(bar, closed=True) if over and bar == before else bar

    async def quote(self, symbol: str) -> Quote:
        ask = self._market.quote_at(symbol)
        return await self._told(ask, lambda body: self._market.quote(symbol, body, self._clock.now()))

    async def close(self) -> None:
        await self._session.close()

    async def _told(self, ask: Ask, read: Callable[[Any], T]) -> T:
        """What the answer means; one that is not of the venue's form is as good as none."""
        body = await self._asked(ask)
        try:
            return read(body)
        except UNREADABLE as error:
            why = f"{type(error).__name__} {error}"
            raise VenueUnavailable(f"{ask.path}: the answer cannot be read: {why}") from error

    async def _asked(self, ask: Ask) -> Any:
        try:
            async with self._session.get(self._base + ask.path, params=ask.fields, proxy=self._proxy) as response:
                text = await response.text()
            body = json.loads(text)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise VenueUnavailable(f"{ask.path}: {type(error).__name__} {error}".strip()) from error
        try:
            wrong = self._market.wrong(body)
        except UNREADABLE:
            wrong = text[:200]
        if wrong and self._market.unknown in wrong:
            told = ", ".join([ask.path, *ask.fields.values()])
            raise Misconfigured(f"exchange.symbols names a market the venue does not know ({told}); correct it")
        if response.status != 200 or wrong:
            raise VenueUnavailable(f"{ask.path} answered {response.status} {wrong or text[:200]}")
        return body
