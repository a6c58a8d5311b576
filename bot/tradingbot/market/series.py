"""The closed bars of one symbol, each one once and in order."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from tradingbot.domain.candle import TIMEFRAMES, Candle
from tradingbot.domain.window import Window


class Taken(StrEnum):
    """What became of a candle that came."""

    CLOSED = "closed"  # the next bar: decide on it
    RUNNING = "running"
    DUPLICATE = "duplicate"
    CHANGED = "changed"  # a bar that was used is said to be different now
    OUT_OF_ORDER = "out_of_order"  # older than anything kept
    GAP = "gap"  # bars before it are missing: ask for them once


class Series:
    """Keeps the newest closed bars, at least *keep* and at most *most*; nothing is invented where no trade was."""

    def __init__(self, symbol: str, timeframe: str, keep: int, most: int) -> None:
        self.symbol = symbol
        self.step = TIMEFRAMES[timeframe]
        self._keep, self._most = keep, most
        self._candles: list[Candle] = []
        self._closes: list[float] = []

    def __len__(self) -> int:
        return len(self._candles)

    @property
    def candles(self) -> tuple[Candle, ...]:
        """The closed bars kept, oldest first."""
        return tuple(self._candles)

    @property
    def newest(self) -> Candle | None:
        return self._candles[-1] if self._candles else None

    def window(self, bars: int) -> Window:
        """The newest *bars* closed bars."""
        return Window(self._candles[-bars:], self._closes[-bars:])

    def judge(self, candle: Candle) -> Taken:
        """What *candle* is, without keeping it. A running bar far ahead also tells that closed ones are missing."""
        if not self._candles:
            return Taken.CLOSED if candle.closed else Taken.RUNNING
        ahead = candle.open_time - self._candles[-1].open_time
        if ahead <= timedelta(0):
            return self._judge_known(candle)
        if ahead > self.step:
            return Taken.GAP
        return Taken.CLOSED if candle.closed else Taken.RUNNING

    def append(self, candle: Candle) -> None:
        """*candle* is the newest closed bar."""
        self._candles.append(candle)
        self._closes.append(float(candle.close))
        if len(self._candles) > self._most:
            del self._candles[: -self._keep]
            del self._closes[: -self._keep]

    def shrink(self) -> None:
        """From now on no more is kept than has to be."""
        self._most = self._keep
        del self._candles[: -self._keep]
        del self._closes[: -self._keep]

    def correct(self, candle: Candle) -> None:
        """The kept bar of that time is *candle* now, as a restarted process would see it."""
        index = self._index(candle.open_time)
        if index is not None:
            self._candles[index] = candle
            self._closes[index] = float(candle.close)

    def missing(self, candles: Iterable[Candle], before: datetime) -> tuple[Candle, ...]:
        """The closed bars among *candles* that come after the newest one kept and before *before*, in order."""
        newest = self.newest
        found = {
            candle.open_time: candle
            for candle in candles
            if candle.closed and candle.open_time < before and (newest is None or candle.open_time > newest.open_time)
        }
        return tuple(found[moment] for moment in sorted(found))

    def _judge_known(self, candle: Candle) -> Taken:
        index = self._index(candle.open_time)
        if index is None:
            return Taken.OUT_OF_ORDER
        # A running version of a closed bar is only a late message.
        if not candle.closed or self._candles[index] == candle:
            return Taken.DUPLICATE
        return Taken.CHANGED

    def _index(self, open_time: datetime) -> int | None:
        for index in range(len(self._candles) - 1, -1, -1):
            if self._candles[index].open_time == open_time:
                return index
            if self._candles[index].open_time < open_time:
                return None
        return None
