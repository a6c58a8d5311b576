"""Bars that were told before: what is asked once more, what is joined, and what a file of them is worth."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, START, CountingMetrics, candle, instrument
from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.history import joined, kept_with, to_ask
from tradingbot.venues.candle_files import Bound, CandleFiles, cleared, entries, held
from tradingbot.venues.remembered import EVERY, RememberedFeed
from tradingbot.venues.replay import ReplayClock

MINUTE = timedelta(minutes=1)
PLACE = ("binance", "http://venue")
DAY = timedelta(days=1)
OTHER = "100 101 99 100.5"


def bars(*minutes: int) -> tuple[Candle, ...]:
    return tuple(candle(minute) for minute in minutes)


@pytest.mark.parametrize(
    ("kept", "minute", "asked"),
    [
        ((), 10, 200),
        (range(200), 200, 4),  # the running bar's place, and three that are known
        (range(200), 260, 64),
        (range(200), 397, 200),  # nothing of it is of use any more
        (range(200), 10_000, 200),
        (range(200), 150, 200),  # the venue's clock was put back: another market
    ],
)
def test_only_what_is_not_known_is_asked_for_and_a_little_more(kept: range, minute: int, asked: int):
    """Three known bars are asked again, since only their being the same proves the rest."""
    assert to_ask(bars(*kept), START + minute * MINUTE, 200) == asked


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 40), st.integers(0, 30))
def test_what_is_joined_is_what_the_venue_would_have_told(known: int, now: int, wanted: int, changed: int):
    """Whatever was kept: the answer is the venue's own, or none and all is asked."""
    venue = [*bars(*range(now)), candle(now, closed=False)]
    kept = list(bars(*range(min(known, now))))
    told = venue[-(to_ask(kept, START + now * MINUTE, wanted) + 1) :]
    found = joined(kept, told, wanted)
    assert found in (None, tuple(venue[-(wanted + 1) :]))
    if kept and changed < len(kept) and kept[changed].open_time >= told[0].open_time:
        kept[changed] = candle(changed, OTHER)
        assert joined(kept, told, wanted) is None


def test_bars_that_do_not_meet_or_are_too_few_are_not_joined():
    """Nothing is invented between two lists, and a short history is no history."""
    assert joined(bars(0, 1, 2), bars(2, 3, 4), 3) == bars(1, 2, 3, 4)
    assert joined(bars(0, 1, 2), bars(3, 4), 3) is None
    assert joined(bars(0, 1, 2), (), 3) is None
    assert joined(bars(1, 2), bars(2, 3), 3) is None
    assert joined(bars(0, 1, 2), bars(1, 3, 4), 3) is None


@pytest.mark.parametrize(
    ("kept", "came", "after"),
    [
        ((0, 1), candle(2), bars(0, 1, 2)),
        ((0, 1, 2), candle(3), bars(1, 2, 3)),
        ((0, 1), candle(2, closed=False), bars(0, 1)),
        ((0, 1), candle(1), bars(0, 1)),
        ((0, 1), candle(0), bars(0, 1)),
        ((1, 2), candle(0), bars(1, 2)),
        ((0, 1), candle(3), bars(3)),
        ((), candle(3), bars(3)),
        ((0, 1), candle(1, OTHER), ()),
        ((0, 1), candle(0, OTHER), ()),
    ],
)
def test_what_is_kept_has_no_gap_and_no_bar_that_changed(kept: tuple[int, ...], came: Candle, after: tuple[Candle]):
    """A gap begins anew; after a changed bar nothing is believed; three are kept at the most."""
    assert kept_with(bars(*kept), came, 3) == after


def files(folder: Path, most: int = 1_000_000, now: float | None = None, place: tuple[str, str] = PLACE) -> CandleFiles:
    bound = Bound(most, DAY)
    return CandleFiles(folder, place, bound) if now is None else CandleFiles(folder, place, bound, lambda: now)


def test_stored_bars_are_loaded_as_they_were_told(tmp_path: Path):
    """Decimals keep their digits; the bars of another market or another venue are not these."""
    told = (replace(candle(0), volume=Decimal("0.00000001")), candle(1))
    files(tmp_path).store(BTC, "1m", told)
    assert files(tmp_path).load(BTC, "1m") == told
    assert files(tmp_path).load("ETH/USDT", "1m") == ()
    assert files(tmp_path).load(BTC, "5m") == ()
    assert files(tmp_path, place=("binance", "http://other")).load(BTC, "1m") == ()
    assert [(each.exchange, each.symbol, each.timeframe, each.bars) for each in entries(tmp_path)] == [
        ("binance", BTC, "1m", 2)
    ]


def broken(**changes: object) -> str:
    row = [0, "1", "2", "1", "2", "5"]
    good = {"exchange": "binance", "address": PLACE[1], "symbol": BTC, "timeframe": "1m", "candles": [row]}
    return json.dumps({**good, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '"text"',
        broken(candles=[[0, "1", "2", "1", "2"]]),
        broken(candles=[["now", "1", "2", "1", "2", "5"]]),
        broken(candles=[[0, "NaN", "2", "1", "2", "5"]]),
        broken(candles=[[0, "1", "1", "2", "1", "5"]]),
        broken(candles=[[0, "0", "0", "0", "0", "5"]]),
        broken(candles=[[60_000, "1", "2", "1", "2", "5"], [0, "1", "2", "1", "2", "5"]]),
        broken(candles=[[10**30, "1", "2", "1", "2", "5"]]),
        broken(symbol="ETH/USDT"),
    ],
)
def test_a_broken_file_is_no_file(tmp_path: Path, text: str):
    """It is ignored, and the next write replaces it."""
    files(tmp_path).store(BTC, "1m", bars(0))
    (path,) = tmp_path.iterdir()
    path.write_text(text)
    assert files(tmp_path).load(BTC, "1m") == ()
    files(tmp_path).store(BTC, "1m", bars(0))
    assert files(tmp_path).load(BTC, "1m") == bars(0)


def test_a_good_file_of_one_row_is_loaded(tmp_path: Path):
    """What the broken ones are made from is not broken."""
    files(tmp_path).store(BTC, "1m", bars(0))
    (path,) = tmp_path.iterdir()
    path.write_text(broken())
    assert len(files(tmp_path).load(BTC, "1m")) == 1


@pytest.mark.parametrize(("seconds", "known"), [(-1, True), (1, False)])
def test_what_is_older_than_its_time_is_not_believed(tmp_path: Path, seconds: int, known: bool):
    """A day after the write, here, all is asked for again."""
    files(tmp_path).store(BTC, "1m", bars(0, 1))
    (path,) = tmp_path.iterdir()
    now = path.stat().st_mtime + DAY.total_seconds() + seconds
    assert bool(files(tmp_path, now=now).load(BTC, "1m")) is known


def test_the_oldest_make_room_and_what_is_too_large_is_not_written(tmp_path: Path):
    """The folder never holds more bytes than it may."""
    files(tmp_path).store("A/USDT", "1m", bars(0, 1))
    size = held(tmp_path)[1]
    (first,) = tmp_path.iterdir()
    os.utime(first, (1, 1))
    bound = 2 * size
    for symbol in ("B/USDT", "C/USDT"):
        files(tmp_path, bound).store(symbol, "1m", bars(0, 1))
        assert held(tmp_path)[1] <= bound
    assert [each.symbol for each in entries(tmp_path)] == ["B/USDT", "C/USDT"]
    files(tmp_path, bound).store("B/USDT", "1m", bars(*range(20)))
    assert [each.symbol for each in entries(tmp_path)] == ["C/USDT"]
    assert held(tmp_path) == (1, size)


def test_what_was_left_half_written_counts_and_makes_room(tmp_path: Path):
    """A process that is killed while it writes leaves nothing that stays for ever."""
    (tmp_path / "binance-0-A-USDT-1m.btc-blue-7").write_text("{" * 900)
    assert held(tmp_path) == (1, 900)
    files(tmp_path, 1000).store(BTC, "1m", bars(0, 1))
    assert [each.symbol for each in entries(tmp_path)] == [BTC]


def test_files_older_than_asked_are_cleared(tmp_path: Path):
    """The others stay, and who clears is told how many went."""
    for symbol in ("A/USDT", "B/USDT"):
        files(tmp_path).store(symbol, "1m", bars(0))
    os.utime(min(tmp_path.iterdir()), (1, 1))
    assert cleared(tmp_path, timedelta(seconds=5), lambda: 7.0) == 1
    assert [each.symbol for each in entries(tmp_path)] == ["B/USDT"]
    assert cleared(tmp_path / "absent", DAY) == 0


@dataclass
class Venue:
    """A fake feed: closed bars up to *minute*, then the running one; it keeps how many were asked for."""

    clock: ReplayClock
    asked: list[int] = field(default_factory=list)
    coming: list[Candle] = field(default_factory=list)
    closed: bool = False

    async def instruments(self, symbols):
        return {symbol: instrument(symbol) for symbol in symbols}

    async def history(self, symbol, timeframe, count):
        self.asked.append(count)
        minute = (self.clock.now() - START) // MINUTE
        return (*bars(*range(minute)), candle(minute, closed=False))[-count - 1 :]

    async def candles(self, symbols, timeframe) -> AsyncIterator[Candle]:
        for each in self.coming:
            yield each

    async def quote(self, symbol):
        return Quote(symbol, Decimal(7), Decimal(8), START)

    async def close(self):
        self.closed = True


@dataclass
class CacheMetrics(CountingMetrics):
    """A fake of the Metrics port that keeps what it was told of the cache."""

    told: list[tuple[int, int]] = field(default_factory=list)

    def cache(self, hits: int, misses: int) -> None:
        self.told.append((hits, misses))


def feed(folder: Path, minute: int) -> tuple[RememberedFeed, Venue, CacheMetrics]:
    """A process that begins at *minute*."""
    clock, metrics = ReplayClock(START + minute * MINUTE), CacheMetrics()
    venue = Venue(clock)
    return RememberedFeed(venue, files(folder), clock, metrics), venue, metrics


def test_a_process_that_starts_again_asks_for_what_is_new_only(tmp_path: Path):
    """It has the same bars as one that asked for all."""
    before, venue, metrics = feed(tmp_path, 100)
    asyncio.run(before.history(BTC, "1m", 50))
    assert (venue.asked, metrics.told) == ([50], [(0, 51)])
    again, venue, metrics = feed(tmp_path, 110)
    found = asyncio.run(again.history(BTC, "1m", 50))
    assert venue.asked == [14]
    assert found == (*bars(*range(60, 110)), candle(110, closed=False))
    assert metrics.told == [(36, 15)]


def test_a_gap_is_asked_of_the_venue(tmp_path: Path):
    """Only the first question of a process may be answered from the disk."""
    made, venue, metrics = feed(tmp_path, 100)
    asyncio.run(made.history(BTC, "1m", 50))
    asyncio.run(made.history(BTC, "1m", 3))
    assert (venue.asked, len(metrics.told)) == ([50, 3], 1)


def test_bars_that_the_venue_tells_otherwise_are_not_used(tmp_path: Path):
    """One known bar that changed means that all are asked for."""
    files(tmp_path).store(BTC, "1m", (*bars(*range(50, 99)), candle(99, OTHER)))
    made, venue, metrics = feed(tmp_path, 100)
    assert asyncio.run(made.history(BTC, "1m", 50)) == (*bars(*range(50, 100)), candle(100, closed=False))
    assert (venue.asked, metrics.told) == ([4, 50], [(0, 51)])


def test_bars_that_came_while_it_ran_are_kept_for_the_next(tmp_path: Path):
    """After a long run the next process still asks for little."""

    async def ran() -> Venue:
        made, venue, _ = feed(tmp_path, 100)
        await made.history(BTC, "1m", 50)
        venue.coming = [*bars(100, 101, 102), candle(103, closed=False), *bars(103)]
        assert [each async for each in made.candles([BTC], "1m")] == venue.coming
        assert files(tmp_path).load(BTC, "1m")[-1] == candle(99)
        await made.close()
        return venue

    assert asyncio.run(ran()).closed
    assert files(tmp_path).load(BTC, "1m") == bars(*range(54, 104))


def test_bars_are_written_now_and_then(tmp_path: Path):
    """A process that is killed loses no more than a few minutes of them."""

    async def ran() -> None:
        made, venue, _ = feed(tmp_path, 100)
        await made.history(BTC, "1m", 50)
        venue.coming = list(bars(100, 101))
        came = made.candles([BTC], "1m")
        await anext(came)
        await venue.clock.sleep(EVERY)
        await anext(came)

    asyncio.run(ran())
    assert files(tmp_path).load(BTC, "1m")[-1] == candle(100)


def test_a_process_that_is_too_large_remembers_nothing_more(tmp_path: Path):
    """What was written stays on the disk; a gap is still the venue's to tell."""

    async def ran() -> list[int]:
        made, venue, _ = feed(tmp_path, 100)
        await made.history(BTC, "1m", 50)
        made.shrink()
        venue.coming = list(bars(100, 101))
        assert [each async for each in made.candles([BTC], "1m")] == venue.coming
        await made.history(BTC, "1m", 3)
        await made.close()
        return venue.asked

    assert asyncio.run(ran()) == [50, 3]
    assert files(tmp_path).load(BTC, "1m") == bars(*range(50, 100))


def test_a_volume_that_takes_no_file_costs_nothing_but_questions(tmp_path: Path):
    """The bars come, the failure is counted."""
    (tmp_path / "taken").write_text("a file where the folder should be")
    made, _, metrics = feed(tmp_path / "taken", 100)
    assert len(asyncio.run(made.history(BTC, "1m", 50))) == 51
    assert ("failure", "cache") in metrics.said


def test_all_else_is_the_markets(tmp_path: Path):
    """Filters and prices are never remembered."""
    made, _, _ = feed(tmp_path, 100)
    assert asyncio.run(made.instruments([BTC])) == {BTC: instrument(BTC)}
    assert asyncio.run(made.quote(BTC)).bid == Decimal(7)
