"""Closed bars: each one once, in order, gaps asked for once, nothing invented."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, START, CountingMetrics, candle
from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.market.bars import Bars
from tradingbot.market.series import Series, Taken
from tradingbot.market.volatility import volatility

MINUTE = timedelta(minutes=1)


@dataclass
class ListedFeed:
    """A fake feed whose history is a list; it counts how often it was asked and may be away."""

    listed: list[Candle] = field(default_factory=list)
    asked: int = 0
    away: bool = False

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        self.asked += 1
        if self.away:
            raise VenueUnavailable("away")
        return tuple(self.listed[-bars:])


def series(*minutes: int, keep: int = 50, most: int = 100) -> Series:
    made = Series(BTC, "1m", keep, most)
    for minute in minutes:
        made.append(candle(minute))
    return made


def running(minute: int) -> Candle:
    return candle(minute, closed=False)


@pytest.mark.parametrize(
    ("kept", "came", "kind"),
    [
        ((), candle(0), Taken.CLOSED),
        ((), running(0), Taken.RUNNING),
        ((0,), candle(1), Taken.CLOSED),
        ((0,), running(1), Taken.RUNNING),
        ((0,), candle(0), Taken.DUPLICATE),
        ((0,), running(0), Taken.DUPLICATE),
        ((0,), candle(0, "100 101 99 100.5"), Taken.CHANGED),
        ((0, 1, 2), candle(1), Taken.DUPLICATE),
        ((0, 1, 3), candle(2), Taken.OUT_OF_ORDER),
        ((1,), candle(0), Taken.OUT_OF_ORDER),
        ((0,), candle(2), Taken.GAP),
        ((0,), running(2), Taken.GAP),
    ],
)
def test_every_candle_is_one_of_six_things(kept, came, kind):
    """The next bar, a running one, a repeat, a correction, too old, or behind a gap."""
    assert series(*kept).judge(came) is kind


def test_a_series_keeps_the_newest_bars_only():
    """Memory does not grow with time."""
    made = series(*range(300), keep=10, most=20)
    assert len(made) <= 20
    assert made.newest == candle(299)
    assert made.window(3).candles == [candle(297), candle(298), candle(299)]
    assert made.window(2).closes == [100.0, 100.0]


def test_a_corrected_bar_is_seen_as_a_restart_would_see_it():
    """An unknown one changes nothing."""
    made = series(0, 1)
    made.correct(candle(0, "100 101 99 100.5"))
    made.correct(candle(7))
    assert made.window(2).closes == [100.5, 100.0]


def bars_on(feed: ListedFeed, *minutes: int) -> tuple[Bars, CountingMetrics]:
    metrics = CountingMetrics()
    made = Bars(feed, "1m", (50, 100), metrics)
    feed.listed = [candle(minute) for minute in minutes]
    asyncio.run(made.load([BTC], START))
    feed.asked = 0
    return made, metrics


def take(bars: Bars, came: Candle, now=START) -> list[int]:
    """The minutes of the bars that are new through *came*."""
    return [(bar.open_time - START) // MINUTE for bar in asyncio.run(bars.take(came, now))]


def test_history_is_loaded_without_its_running_bar():
    """Trap 2: the last row of a list runs; it gives a price and no decision."""
    feed = ListedFeed([candle(0), candle(1), running(2)])
    made = Bars(feed, "1m", (50, 100), CountingMetrics())
    loaded = asyncio.run(made.load([BTC], START + 2 * MINUTE))
    assert loaded == (candle(0), candle(1))
    assert made.newest(BTC) == candle(1)
    assert made.closes() == {BTC: Decimal(100)}
    assert made.seen_at == {BTC: START + 2 * MINUTE}


def test_a_market_without_history_starts_empty():
    """Nothing is invented."""
    made, _ = bars_on(ListedFeed())
    assert made.newest(BTC) is None
    assert made.closes() == {}
    assert take(made, candle(5)) == [5]


def test_bars_in_order_are_taken_once():
    """A repeat gives nothing, and is counted."""
    made, metrics = bars_on(ListedFeed(), 0)
    assert take(made, running(1)) == []
    assert take(made, candle(1)) == [1]
    assert take(made, candle(1)) == []
    assert metrics.said == [("candle", "running"), ("candle", "closed"), ("candle", "duplicate")]


def test_a_gap_is_asked_for_and_filled_in_order():
    """Trap 15: the missing bars come first."""
    feed = ListedFeed()
    made, _ = bars_on(feed, 0)
    feed.listed = [candle(n) for n in range(5)]
    assert take(made, candle(4)) == [1, 2, 3, 4]
    assert feed.asked == 1


def test_a_gap_that_the_venue_confirms_is_a_time_without_trade():
    """Asked once, not again for the same bar; then the bars go on."""
    feed = ListedFeed()
    made, metrics = bars_on(feed, 0)
    feed.listed = [candle(0), candle(3)]
    assert take(made, running(3)) == []
    assert take(made, running(3)) == []
    assert take(made, candle(3)) == [3]
    assert take(made, candle(4)) == [4]
    assert feed.asked == 1
    assert metrics.said.count(("candle", "gap")) == 3


def test_a_running_bar_beyond_a_gap_brings_the_closed_ones():
    """The bar that closed unheard is found before the running one ends."""
    feed = ListedFeed()
    made, _ = bars_on(feed, 0)
    feed.listed = [candle(0), candle(1)]
    assert take(made, running(2)) == [1]


def test_a_gap_with_the_venue_away_is_counted_and_passed():
    """Asking failed: the bar that came is a bar all the same."""
    feed = ListedFeed()
    made, metrics = bars_on(feed, 0)
    feed.away = True
    assert take(made, candle(4)) == [4]
    assert ("failure", "history") in metrics.said


def test_whoever_listens_hears_of_each_candle_that_is_new_and_of_no_other():
    """The newest of the history, a running bar, each closed one through a gap, and a correction; nothing twice."""
    heard = []
    feed = ListedFeed([candle(0), candle(1)])
    made = Bars(feed, "1m", (50, 100), CountingMetrics(), heard.append)
    asyncio.run(made.load([BTC], START))
    feed.listed = [candle(2), candle(3)]
    changed = replace(candle(3), close=Decimal(99))
    for came in (running(2), candle(1), candle(3), candle(3), changed):
        take(made, came)
    assert heard == [candle(1), running(2), candle(2), candle(3), changed]


def test_a_used_bar_that_changes_is_counted_and_not_decided_again():
    """The window shows the correction."""
    made, metrics = bars_on(ListedFeed(), 0, 1)
    assert take(made, candle(1, "100 101 99 100.5")) == []
    assert metrics.said == [("candle", "changed")]
    assert made.window(BTC, 1).closes == [100.5]


def test_data_is_as_old_as_the_newest_that_came():
    """A closed bar is from its end, a running one from now; an older bar does not make data younger or older."""
    made, _ = bars_on(ListedFeed(), 0)
    take(made, candle(1), START + 3 * MINUTE)
    assert made.seen_at[BTC] == START + 2 * MINUTE
    take(made, running(2), START + timedelta(minutes=2, seconds=30))
    assert made.seen_at[BTC] == START + timedelta(minutes=2, seconds=30)
    assert made.marks[BTC] == running(2)
    take(made, candle(1, "100 101 99 100.5"), START + 9 * MINUTE)
    assert made.marks[BTC] == running(2)


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=40))
def test_whatever_comes_bars_are_closed_unique_and_in_order(came):
    """Duplicates, gaps, running bars in any order: the decided bars only ever go forward."""
    feed = ListedFeed()
    made, _ = bars_on(feed, 0)
    decided = []
    for minute, closed in came:
        feed.listed = [candle(n) for n in range(0, minute, 2)]
        fresh = asyncio.run(made.take(replace(candle(minute), closed=closed), START))
        assert all(bar.closed for bar in fresh)
        decided += [bar.open_time for bar in fresh]
    assert decided == sorted(set(decided))


@dataclass
class MeasuredBars(CountingMetrics):
    """A fake of the Metrics port that keeps how many bars there were and how far prices moved."""

    told: list[tuple[str, int, float]] = field(default_factory=list)

    def bars(self, symbol: str, kept: int, volatility: float) -> None:
        self.told.append((symbol, kept, volatility))


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 90))
def test_memory_holds_the_bars_that_are_needed_and_never_more_than_its_bound(keep: int, more: int, came: int):
    """However many come, at least *keep* of them can be looked at and at most *most* are kept: the newest."""
    made = series(*range(came), keep=keep, most=keep + more)
    assert min(came, keep) <= len(made) <= keep + more
    assert [bar.open_time for bar in made.candles] == [candle(each).open_time for each in range(came)][-len(made) :]


def test_the_number_of_bars_kept_is_told_and_stays_below_its_bound():
    """A bot that runs for long holds no more bars than it is allowed to."""
    metrics = MeasuredBars()
    made = Bars(ListedFeed([candle(0), candle(1)]), "1m", (2, 3), metrics)
    asyncio.run(made.load([BTC], START))
    for minute in (2, 3, 4):
        take(made, candle(minute))
    assert [kept for _, kept, _ in metrics.told] == [2, 3, 2, 3]


def test_a_process_that_is_too_large_keeps_what_deciding_needs():
    """At once, of every market it has and of those it loads later; the newest bars stay."""
    metrics = MeasuredBars()
    made = Bars(ListedFeed([candle(each) for each in range(3)]), "1m", (3, 9), metrics)
    asyncio.run(made.load([BTC], START))
    for minute in (3, 4, 5):
        take(made, candle(minute))
    assert len(made.closed(BTC)) == 6
    made.shrink()
    assert made.closed(BTC) == (candle(3), candle(4), candle(5))
    take(made, candle(6))
    assert made.closed(BTC) == (candle(4), candle(5), candle(6))
    assert [kept for _, kept, _ in metrics.told] == [3, 4, 5, 6, 3, 3]
    asyncio.run(made.load([BTC], START))
    take(made, candle(3))
    assert made.closed(BTC) == (candle(1), candle(2), candle(3))


@pytest.mark.parametrize(
    ("closes", "moves"),
    [
        ((), 0.0),
        ((100.0,), 0.0),
        ((100.0, 100.0, 100.0), 0.0),
        ((100.0, 110.0, 121.0), 0.0),
        ((100.0, 101.0, 99.99), 0.01),
        ((0.0, 100.0, 101.0, 99.99), 0.01),
    ],
)
def test_volatility_is_how_far_changes_are_from_their_mean(closes: tuple[float, ...], moves: float):
    """A price that stands, or rises steadily, has none; what cannot be divided by is left out."""
    assert volatility(closes) == pytest.approx(moves, abs=1e-9)
