"""Recorded candles as a feed that ends, and a clock that stands where the recording is."""

import asyncio
import csv
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.clock import ClockState
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.instrument import Instrument

COLUMNS = ["open_time_ms", "open", "high", "low", "close", "volume"]


class ReplayClock:
    """Time is the recording's; waiting moves it on at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._waited = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return time.monotonic() + self._waited

    def boottime(self) -> float:
        return self.monotonic()

    def scaled(self, duration: timedelta) -> timedelta:
        return duration

    def doubt(self) -> None:
        return None

    @property
    def state(self) -> ClockState:
        return ClockState.OK

    async def assure(self) -> None:
        return

    async def sleep(self, duration: timedelta) -> None:
        self._now += duration
        self._waited += duration.total_seconds()
        await asyncio.sleep(0)

    def move_to(self, moment: datetime) -> None:
        """It is *moment* now, unless it is later already."""
        self._now = max(self._now, moment)


class ReplayFeed:
    """Plays *candles* from the bar at *start* on; bars before it are history."""

    def __init__(
        self, candles: Iterable[Candle], instruments: Mapping[str, Instrument], clock: ReplayClock, start: datetime
    ) -> None:
        self._candles = sorted(candles, key=lambda candle: (candle.close_time, candle.symbol))
        self._instruments = instruments
        self._clock = clock
        self._start = start
        self._by_symbol: dict[str, list[Candle]] = {}
        for candle in self._candles:
            self._by_symbol.setdefault(candle.symbol, []).append(candle)
        clock.move_to(start)

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        missing = [symbol for symbol in symbols if symbol not in self._instruments]
        if missing:
            raise Misconfigured(
                f"exchange.symbols names {missing[0]}, which is not recorded; use {', '.join(self._instruments)}"
            )
        return {symbol: self._instruments[symbol] for symbol in symbols}

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        now = self._clock.now()
        known = self._by_symbol.get(symbol, [])
        past = bisect_right(known, now, key=lambda candle: candle.close_time)
        return tuple(candle for candle in known[max(0, past - bars) : past] if candle.timeframe == timeframe)

    async def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        """Each bar at its close, in order of time; the clock stands there."""
        for candle in self._candles:
            if candle.close_time > self._start and candle.symbol in symbols and candle.timeframe == timeframe:
                self._clock.move_to(candle.close_time)
                yield candle

    async def quote(self, symbol: str) -> Quote:
        """The open that is due at this instant, as a taker at the venue would meet it; else the last close."""
        now = self._clock.now()
        known = self._by_symbol.get(symbol, [])
        next_ = bisect_left(known, now, key=lambda candle: candle.open_time)
        if next_ < len(known) and known[next_].open_time == now:
            return Quote(symbol, known[next_].open, known[next_].open, now)
        past = bisect_right(known, now, key=lambda candle: candle.close_time)
        if past == 0:
            raise VenueUnavailable(f"no price of {symbol} is recorded at {now.isoformat()}")
        return Quote(symbol, known[past - 1].close, known[past - 1].close, now)

    async def close(self) -> None:
        return


def load_candles(file: Path, symbol: str, timeframe: str) -> tuple[Candle, ...]:
    """The candles of one CSV file of the simulator's form."""
    with file.open(newline="") as text:
        reader = csv.reader(text)
        if next(reader, None) != COLUMNS:
            raise Misconfigured(f"data file {file.name} does not begin with {','.join(COLUMNS)}; give a recording")
        return tuple(_candle(row, symbol, timeframe) for row in reader)


def _candle(row: list[str], symbol: str, timeframe: str) -> Candle:
    opened = datetime.fromtimestamp(int(row[0]) / 1000, tz=UTC)
    first, high, low, last, volume = (Decimal(cell) for cell in row[1:6])
    return Candle(symbol, timeframe, opened, first, high, low, last, volume)


def recorded_instrument(symbol: str) -> Instrument:
    """The steps and bounds recordings are traded with: those of the simulator's markets."""
    base, _, quote = symbol.partition("/")
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.00001"),
        minimum_quantity=Decimal("0.00001"),
        minimum_notional=Decimal(5),
        maximum_quantity=Decimal(100),
    )
