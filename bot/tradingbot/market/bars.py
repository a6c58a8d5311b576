"""The bars of all symbols: takes what the feed brings and hands on each closed bar once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.ports import Feed
from tradingbot.domain.snapshot import Metrics
from tradingbot.domain.window import Window
from tradingbot.market.series import Series, Taken
from tradingbot.market.volatility import MEASURED, volatility

Heard = Callable[[Candle], None]


class Bars:
    """Closed bars per symbol, at least and at most as many as *keep* says, the newest prices, when data last came.

    *heard* is told of each candle that was new.
    """

    def __init__(
        self, feed: Feed, timeframe: str, keep: tuple[int, int], metrics: Metrics, heard: Heard = lambda _: None
    ) -> None:
        self._feed = feed
        self._timeframe = timeframe
        self._keep, self._most = keep
        self._metrics = metrics
        self._heard = heard
        self._series: dict[str, Series] = {}
        self._closes: dict[str, Decimal] = {}
        self._asked: dict[str, tuple[datetime, datetime]] = {}
        self.marks: dict[str, Candle] = {}
        self.seen_at: dict[str, datetime] = {}
        self.volatility: dict[str, float] = {}

    async def load(self, symbols: Sequence[str], now: datetime) -> tuple[Candle, ...]:
        """The history of *symbols* is kept; gives its closed bars, oldest first per symbol."""
        loaded: list[Candle] = []
        for symbol in symbols:
            history = await self._feed.history(symbol, self._timeframe, self._keep)
            series = Series(symbol, self._timeframe, self._keep, self._most)
            self._series[symbol] = series
            for candle in series.missing(history, before=datetime.max.replace(tzinfo=now.tzinfo)):
                series.append(candle)
                loaded.append(candle)
            for candle in history[-1:]:
                self._seen(candle, now)
                self._heard(candle)
            self._closed(series)
            self._told(series)
        return tuple(loaded)

    async def take(self, candle: Candle, now: datetime) -> tuple[Candle, ...]:
        """The closed bars that are new through *candle*, in order; a gap before it is asked for once."""
        series = self._series[candle.symbol]
        kind = series.judge(candle)
        self._metrics.candle(candle.symbol, kind)
        if kind is Taken.OUT_OF_ORDER or kind is Taken.DUPLICATE:
            return ()
        self._seen(candle, now)
        if kind is Taken.CHANGED:
            series.correct(candle)
            self._heard(candle)
            self._closed(series)
            return ()
        fresh = await self._filled(series, candle) if kind is Taken.GAP else ()
        if candle.closed:
            fresh = (*fresh, candle)
        for bar in fresh:
            series.append(bar)
            self._heard(bar)
        if not candle.closed:
            self._heard(candle)
        if fresh:
            self._closed(series)
            self._told(series)
        return fresh

    async def _filled(self, series: Series, candle: Candle) -> tuple[Candle, ...]:
        newest = series.newest
        if newest is None or self._asked.get(series.symbol) == (newest.open_time, candle.open_time):
            return ()
        self._asked[series.symbol] = (newest.open_time, candle.open_time)
        bars = int((candle.open_time - newest.open_time) / series.step) + 1
        try:
            history = await self._feed.history(series.symbol, self._timeframe, min(bars, self._keep))
        except VenueUnavailable:
            # Asked once and not answered: the bars stay missing, as if nothing had been traded.
            self._metrics.failure("history")
            return ()
        return series.missing(history, before=candle.open_time)

    def shrink(self) -> None:
        """From now on no more is kept of any market than deciding needs."""
        self._most = self._keep
        for series in self._series.values():
            series.shrink()
            self._told(series)

    def closes(self) -> dict[str, Decimal]:
        """The newest closed price of each symbol: the same in a recording and at a live venue."""
        return dict(self._closes)

    def close(self, symbol: str) -> Decimal:
        """The newest closed price of *symbol*, 0 before there is one."""
        return self._closes.get(symbol, ZERO)

    def window(self, symbol: str, bars: int) -> Window:
        return self._series[symbol].window(bars)

    def closed(self, symbol: str) -> tuple[Candle, ...]:
        """The closed bars of *symbol* that are kept, oldest first."""
        return self._series[symbol].candles

    def newest(self, symbol: str) -> Candle | None:
        """The newest closed bar of *symbol*."""
        return self._series[symbol].newest

    def _closed(self, series: Series) -> None:
        newest = series.newest
        if newest is None:
            self._closes.pop(series.symbol, None)
        else:
            self._closes[series.symbol] = newest.close

    def _told(self, series: Series) -> None:
        self.volatility[series.symbol] = moves = volatility(series.window(MEASURED).closes)
        self._metrics.bars(series.symbol, len(series), moves)

    def _seen(self, candle: Candle, now: datetime) -> None:
        mark = self.marks.get(candle.symbol)
        if mark is None or candle.open_time >= mark.open_time:
            self.marks[candle.symbol] = candle
        seen = min(candle.close_time, now) if candle.closed else now
        self.seen_at[candle.symbol] = max(seen, self.seen_at.get(candle.symbol, seen))
