"""Recorded candles, played in a loop."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from exchange_simulator.domain.bar import MINUTE, TIMEFRAMES, Bar
from exchange_simulator.domain.rules import Rules

QUOTES = ("USDT", "USDC", "BUSD", "USD", "EUR", "BTC")
COLUMNS = ["open_time_ms", "open", "high", "low", "close", "volume"]


class BadData(Exception):
    """The recorded files must change; the message says which and how."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The candles of one symbol at their recorded timeframe; None where nothing was recorded."""

    symbol: str
    timeframe: str
    first_ms: int
    slots: tuple[Bar | None, ...]

    @property
    def step_ms(self) -> int:
        """The length of one candle."""
        return TIMEFRAMES[self.timeframe]

    @property
    def length_ms(self) -> int:
        """How long the recording lasts before it begins again."""
        return self.step_ms * len(self.slots)

    def bar(self, open_ms: int) -> Bar | None:
        """The recorded candle that stands at *open_ms*, re-based by whole recording lengths."""
        slot = self.slots[(open_ms - self.first_ms) // self.step_ms % len(self.slots)]
        if slot is None or slot.open_ms == open_ms:
            return slot
        return Bar(open_ms, slot.open, slot.high, slot.low, slot.close, slot.volume)


def pair(symbol: str) -> tuple[str, str]:
    """Base and quote coin of a symbol, by the quote coins the venue knows."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    raise BadData(f"symbol {symbol!r} ends in none of {', '.join(QUOTES)}: rename the file")


def rules_of(symbol: str) -> Rules:
    """The filters of a symbol."""
    base, quote = pair(symbol)
    return Rules(symbol=symbol, base=base, quote=quote)


def loaded(folder: Path) -> dict[str, Recording]:
    """One recording per symbol of *folder*; files of one symbol and timeframe are joined."""
    found: dict[tuple[str, str], list[Path]] = {}
    for file in sorted(folder.glob("*.csv")):
        symbol, timeframe = ([*file.stem.split("-"), ""])[:2]
        if timeframe not in TIMEFRAMES:
            raise BadData(f"data file {file.name!r} is not named <SYMBOL>-<timeframe>-*.csv with a known timeframe")
        found.setdefault((symbol, timeframe), []).append(file)
    if not found:
        raise BadData(f"data folder {str(folder)!r} holds no <SYMBOL>-<timeframe>-*.csv file: give another --data")
    finest: dict[str, Recording] = {}
    for (symbol, timeframe), files in sorted(found.items(), key=lambda item: -TIMEFRAMES[item[0][1]]):
        finest[symbol] = recording(symbol, timeframe, [bar for file in files for bar in rows(file)])
    return dict(sorted(finest.items()))


def rows(file: Path) -> list[Bar]:
    """The candles of one file."""
    with file.open(newline="") as text:
        reader = csv.reader(text)
        if next(reader, None) != COLUMNS:
            raise BadData(f"data file {file.name!r} does not begin with {','.join(COLUMNS)}")
        bars = [candle(row, f"{file.name!r} line {reader.line_num}") for row in reader]
    if not bars:
        raise BadData(f"data file {file.name!r} holds no candle")
    return bars


def candle(row: list[str], where: str) -> Bar:
    """A row as a candle; its open is on a whole minute and its extremes hold open and close."""
    try:
        bar = Bar(int(row[0]), *(Decimal(cell) for cell in row[1:6]))
        sound = is_sound(bar)
    except (ValueError, ArithmeticError, TypeError, IndexError):
        sound = False
    if not sound:
        raise BadData(f"data file {where} is no candle: {','.join(row)}")
    return bar


def is_sound(bar: Bar) -> bool:
    body = (bar.open, bar.close)
    return bar.open_ms % MINUTE == 0 and 0 < bar.low <= min(body) <= max(body) <= bar.high and bar.volume >= 0


def recording(symbol: str, timeframe: str, bars: Iterable[Bar]) -> Recording:
    """A recording with one slot per step from the first candle to the last."""
    by_open = {bar.open_ms: bar for bar in bars}
    step, first, last = TIMEFRAMES[timeframe], min(by_open), max(by_open)
    slots = tuple(by_open.get(first + step * index) for index in range((last - first) // step + 1))
    return Recording(symbol, timeframe, first, slots)
