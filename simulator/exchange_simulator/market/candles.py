"""Candles of any timeframe, aggregated from what a symbol has shown."""

from dataclasses import dataclass, field, replace

from exchange_simulator.domain.bar import Bar, merged
from exchange_simulator.market.pit import Pit

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Window:
    """Which candles are asked for."""

    timeframe_ms: int
    limit: int
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(slots=True)
class Candles:
    """Candles of one symbol; remembers aggregates of undisturbed history, which repeat with the recording."""

    pit: Pit
    remembered: dict[tuple[int, int], Bar | None] = field(default_factory=dict)
    day: tuple[int, tuple[Bar, ...]] | None = None

    def between(self, window: Window, now_ms: int) -> list[Bar]:
        """At most `limit` candles, oldest first; the last may still be running."""
        length = window.timeframe_ms
        end = now_ms if window.end_ms is None else min(now_ms, window.end_ms)
        newest = end // length * length
        oldest = newest - (window.limit - 1) * length
        if window.start_ms is not None:
            oldest = -(-window.start_ms // length) * length
            newest = min(newest, oldest + (window.limit - 1) * length)
        found = [self.at(open_ms, length, now_ms) for open_ms in range(max(0, oldest), newest + 1, length)]
        return [bar for bar in found if bar is not None]

    def at(self, open_ms: int, length: int, now_ms: int) -> Bar | None:
        """The candle of *length* at *open_ms*, as far as it may be seen at *now_ms*."""
        if open_ms + length > self.pit.open_ms:
            return self.open_candle(open_ms, length, now_ms)
        if length == self.pit.step_ms:
            return self.pit.bar(open_ms)
        disturbed = self.pit.disturbed_from_ms
        if disturbed is not None and open_ms + length > disturbed:
            return self.closed(open_ms, length)
        key = (length, (open_ms - self.pit.recording.first_ms) % self.pit.recording.length_ms)
        if key not in self.remembered:
            self.remembered[key] = self.closed(open_ms, length)
        bar = self.remembered[key]
        return bar if bar is None or bar.open_ms == open_ms else replace(bar, open_ms=open_ms)

    def closed(self, open_ms: int, length: int) -> Bar | None:
        """The candle from whole recorded candles."""
        bars = [self.pit.bar(at) for at in range(open_ms, open_ms + length, self.pit.step_ms)]
        return merged([bar for bar in bars if bar is not None], open_ms)

    def open_candle(self, open_ms: int, length: int, now_ms: int) -> Bar | None:
        """The candle that is not over: whole recorded candles so far and the running one."""
        over = range(open_ms, min(open_ms + length, self.pit.open_ms), self.pit.step_ms)
        parts = [self.pit.bar(at) for at in over]
        if open_ms <= self.pit.open_ms < open_ms + length:
            parts.append(self.pit.running(now_ms))
        return merged([bar for bar in parts if bar is not None], open_ms)

    def last_day(self, now_ms: int) -> Bar:
        """The past 24 hours as one candle."""
        current = self.pit.open_ms
        if self.day is None or self.day[0] != current:
            opens = range(current - DAY_MS + self.pit.step_ms, current, self.pit.step_ms)
            whole = merged([bar for at in opens if (bar := self.pit.bar(at)) is not None], current - DAY_MS)
            self.day = (current, () if whole is None else (whole,))
        parts = [*self.day[1], *([running] if (running := self.pit.running(now_ms)) else [])]
        whole = merged(parts, current - DAY_MS)
        price = self.pit.price(now_ms)
        return whole or Bar(current - DAY_MS, price, price, price, price, price - price)
