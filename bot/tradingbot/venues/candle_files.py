"""Bars on the state volume, a file for each market: whoever starts again need not ask for them all.

They are a copy of what the venue told: a file that cannot be read is no file, and the folder may be emptied whenever.
Beside the newest bars of a market may lie its past, gathered when somebody asked for it, in the form of recordings.
"""

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from tradingbot.domain.candle import TIMEFRAMES, Candle

COLUMNS = "open_time_ms,open,high,low,close,volume"
# Also what a killed process left half written: it counts, and goes when room is made.
PATTERN = "*"


@dataclass(frozen=True, slots=True)
class Bound:
    """How many bytes the folder may hold, and how long a file may be believed."""

    most_bytes: int
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Entry:
    """One file; its age is in the time of this machine. *first* and *last* are when those bars begin."""

    path: Path
    exchange: str
    symbol: str
    timeframe: str
    bars: int
    size: int
    age_seconds: float
    first: datetime | None = None
    last: datetime | None = None


class CandleFiles:
    """The bars of one venue in *folder*, which other venues and another colour may share."""

    def __init__(
        self, folder: Path, place: tuple[str, str], bound: Bound, wall: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self._exchange, self._address = place
        self._bound = bound
        self._wall = wall

    def load(self, symbol: str, timeframe: str) -> tuple[Candle, ...]:
        """What was stored of that market; nothing when it is too old, or is not what was written."""
        path = self._path(symbol, timeframe)
        try:
            if self._wall() - path.stat().st_mtime > self._bound.lasts.total_seconds():
                return ()
            return parse_bars(json.loads(path.read_bytes()), (self._address, symbol, timeframe))
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError):
            return ()

    def store(self, symbol: str, timeframe: str, candles: Sequence[Candle]) -> None:
        """*candles* are what is known of that market, whole or not at all; raises OSError.

        The oldest files have made room where the folder would be too large.
        """
        path = self._path(symbol, timeframe)
        rows = [_row(each) for each in candles]
        head = {"exchange": self._exchange, "address": self._address, "symbol": symbol, "timeframe": timeframe}
        text = json.dumps({**head, "candles": rows})
        if not self._made_room(path, len(text)):
            path.unlink(missing_ok=True)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # Two colours may share the volume, and both are process 1 of their pods: each writes a file named by its own.
        fresh = path.with_suffix(f".{os.uname().nodename}")
        fresh.write_text(text)
        fresh.replace(path)

    async def gather(self, symbol: str, timeframe: str, pages: AsyncIterator[Sequence[Candle]]) -> bool:
        """*pages* are the past of that market, all of them; False, and none of them, where they are too large."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(symbol, timeframe).with_suffix(".csv")
        fresh = path.with_name(f"{path.name}.{os.uname().nodename}")
        try:
            with fresh.open("w") as file:
                size = file.write(f"{COLUMNS}\n")
                async for page in pages:
                    text = "".join(f"{','.join(map(str, _row(each)))}\n" for each in page)
                    size += len(text)
                    if not self._made_room(fresh, size):
                        return False
                    file.write(text)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return True

    def _made_room(self, path: Path, size: int) -> bool:
        others = [(each, told) for each, told in _told(self.folder) if each != path]
        room = self._bound.most_bytes - sum(told.st_size for _, told in others)
        for each, told in sorted(others, key=lambda other: other[1].st_mtime):
            if room >= size or size > self._bound.most_bytes:
                break
            each.unlink(missing_ok=True)
            room += told.st_size
        return room >= size

    def _path(self, symbol: str, timeframe: str) -> Path:
        place = hashlib.sha256(self._address.encode()).hexdigest()[:8]
        return self.folder / f"{self._exchange}-{place}-{symbol.replace('/', '-')}-{timeframe}.json"


def parse_bars(body: Any, market: tuple[str, str, str]) -> tuple[Candle, ...]:
    """The bars in *body*, if they are those of *market* (address, symbol, timeframe) and in order."""
    _, symbol, timeframe = market
    if (body["address"], body["symbol"], body["timeframe"]) != market:
        return ()
    found = []
    for at, *numbers in body["candles"]:
        first, high, low, last, volume = prices = [Decimal(number) for number in numbers]
        if not all(price.is_finite() for price in prices) or not 0 < low <= high:
            return ()
        opened = datetime.fromtimestamp(at / 1000, UTC)
        found.append(Candle(symbol, timeframe, opened, first, high, low, last, volume))
    step = TIMEFRAMES[timeframe]
    ordered = all(after.open_time - before.open_time >= step for before, after in pairwise(found))
    return tuple(found) if ordered else ()


def _told(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """Every file in *folder*, by name; another process may remove one at any time."""
    found = []
    for path in sorted(folder.glob(PATTERN)):
        with suppress(FileNotFoundError):
            found.append((path, path.stat()))
    return found


def entries(folder: Path, wall: Callable[[], float] = time.time) -> tuple[Entry, ...]:
    """Every file in *folder*, by name; one that cannot be read is of no market."""
    found, now = [], wall()
    for path, told in _told(folder):
        try:
            names, bars, ends = _gathered(path) if path.suffix == ".csv" else _stored(path)
        except (OSError, ValueError, LookupError, TypeError, ArithmeticError):
            names, bars, ends = ("", "", ""), 0, ()
        first, last = (datetime.fromtimestamp(int(at) / 1000, UTC) for at in ends) if ends else (None, None)
        found.append(Entry(path, *names, bars, told.st_size, now - told.st_mtime, first, last))
    return tuple(found)


Told = tuple[tuple[str, str, str], int, Sequence[Any]]


def _stored(path: Path) -> Told:
    """Market, number of bars, and when the first and the last begin."""
    body = json.loads(path.read_bytes())
    rows = body["candles"]
    return (str(body["exchange"]), str(body["symbol"]), str(body["timeframe"])), len(rows), _ends(rows)


def _gathered(path: Path) -> Told:
    exchange, _, base, quote, timeframe = path.stem.split("-")
    count, first, last = 0, "", ""
    with path.open() as file:
        next(file, "")
        for number, line in enumerate(file, 1):
            count, first, last = number, first or line, line
    return (exchange, f"{base}/{quote}", timeframe), count, [each.partition(",")[0] for each in (first, last) if count]


def _ends(rows: Sequence[Any]) -> Sequence[Any]:
    return [rows[0][0], rows[-1][0]] if rows else ()


def _row(candle: Candle) -> list[Any]:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return [int(candle.open_time.timestamp() * 1000), *(str(price) for price in prices)]


def held(folder: Path) -> tuple[int, int]:
    """How many markets there are, and in how many bytes."""
    found = _told(folder)
    return len({path.stem.rpartition("-")[0] for path, _ in found}), sum(told.st_size for _, told in found)


def cleared(folder: Path, older_than: timedelta, wall: Callable[[], float] = time.time) -> int:
    """How many files were written longer ago than that and are gone now."""
    before = wall() - older_than.total_seconds()
    old = [path for path, told in _told(folder) if told.st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
