"""Recorded candles in a loop, revealed point by point, aggregated, bent and frozen."""

from decimal import Decimal

import pytest

from exchange_simulator.domain.bar import Bar, merged
from exchange_simulator.domain.rules import Rules
from exchange_simulator.market.candles import Candles, Window
from exchange_simulator.market.pit import Pit, Regime, on_tick
from exchange_simulator.market.recording import BadData, Recording, loaded, pair, recording
from exchange_simulator.matching.path import path

MINUTE = 60_000
RULES = Rules("BTCUSDT", "BTC", "USDT")


def bar(index, *prices, volume=8):
    """The candle of minute *index*; four prices or one for all."""
    four = prices if len(prices) == 4 else prices * 4
    return Bar(index * MINUTE, *(Decimal(price) for price in four), Decimal(volume))


TEN = recording("BTCUSDT", "1m", [bar(index, 100 + index, 104 + index, 98 + index, 101 + index) for index in range(10)])


def pit(record=TEN, now_ms=5 * MINUTE, *, standing=True):
    made = Pit(record, RULES, path)
    made.set_to(now_ms, standing=standing)
    return made


def test_a_recording_begins_again_after_its_end():
    """Slot ten is slot zero re-based; history reaches back before the first candle in the same way."""
    assert TEN.bar(12 * MINUTE) == Bar(12 * MINUTE, Decimal(102), Decimal(106), Decimal(100), Decimal(103), Decimal(8))
    assert TEN.bar(-MINUTE).open == Decimal(109)
    assert TEN.length_ms == 10 * MINUTE


def test_a_missing_candle_stays_missing():
    """A gap in the recording is a gap on the venue, each time around."""
    gapped = recording("BTCUSDT", "1m", [bar(0, 100), bar(2, 102)])
    assert [gapped.bar(index * MINUTE) is None for index in range(6)] == [False, True, False, False, True, False]


def test_the_points_of_a_candle_fall_due_over_its_time():
    """Open at its start, extremes after a third and two, close in the last millisecond, then its end."""
    made = pit()
    seen = []
    for _ in range(5):
        due = made.due_ms - 5 * MINUTE
        revealed = made.reveal()
        seen.append((due, revealed.price, revealed.jump))
    assert seen == [
        (0, Decimal(105), True),
        (20_000, Decimal(103), False),
        (40_000, Decimal(109), False),
        (59_999, Decimal(106), False),
        (60_000, None, False),
    ]


def test_a_standing_pit_waits_before_the_open():
    """In lockstep the price a taker meets is the open that is due; the last price is still the close before."""
    made = pit()
    assert (made.phase, made.last, made.price(5 * MINUTE)) == (0, Decimal(105), Decimal(105))
    assert made.running(5 * MINUTE) == bar(5, 105, volume=0)
    assert made.price(5 * MINUTE - 1) == Decimal(105)


def test_a_running_pit_has_shown_what_is_due():
    """Entered in mid-candle, the points before are shown and the volume so far is in proportion."""
    made = pit(now_ms=5 * MINUTE + 25_000, standing=False)
    assert made.running(5 * MINUTE + 25_000) == bar(5, 105, 105, 103, 103, volume=4)


def test_where_nothing_was_recorded_no_price_is_shown():
    """In a gap the last price stands, nothing can be filled, and there is no candle."""
    made = pit(recording("BTCUSDT", "1m", [bar(0, 100), bar(2, 102)]), now_ms=MINUTE)
    assert (made.volume, made.running(MINUTE), made.price(MINUTE)) == (0, None, Decimal(100))
    assert [made.reveal().price for _ in range(5)] == [None] * 5
    assert made.reveal().jump is True
    assert Candles(made).between(Window(MINUTE, 3), 2 * MINUTE) == [bar(0, 100), bar(2, 102, volume=2)]


def test_a_start_in_a_gap_looks_back_for_the_last_price():
    """The price before the gap is the last one."""
    made = pit(recording("BTCUSDT", "1m", [bar(0, 100), bar(4, 104)]), now_ms=3 * MINUTE)
    assert made.last == Decimal(100)


def test_a_shock_multiplies_every_price_to_come_and_writes_history_as_shown():
    """The running candle holds both levels, later candles only the new one, earlier ones the old."""
    made = pit(now_ms=5 * MINUTE + 25_000, standing=False)
    revealed = made.shock(Decimal("0.5"), 5 * MINUTE + 25_000)
    assert (revealed.previous, revealed.price, revealed.jump) == (Decimal(103), Decimal("51.50"), True)
    for _ in range(3):
        made.reveal()
    assert made.bar(5 * MINUTE) == bar(5, 105, 105, "51.5", 53)
    assert made.bar(6 * MINUTE).open == Decimal(53)
    assert made.bar(4 * MINUTE).open == Decimal(104)
    assert made.disturbed_from_ms == 5 * MINUTE


def test_a_shock_before_the_open_moves_the_open_too():
    """Nothing of the candle was shown: all of it is at the new level."""
    made = pit()
    made.shock(Decimal(2), 5 * MINUTE)
    assert (made.price(5 * MINUTE), made.last) == (Decimal(210), Decimal(210))
    assert made.reveal().price == Decimal(210)


def test_volatility_stretches_candles_from_their_open():
    """Twice the way from the open, from the next candle on."""
    made = pit()
    made.bend(Regime(volatility=Decimal(2)))
    assert made.bar(6 * MINUTE) == bar(6, 106, 114, 102, 108)
    assert made.bar(5 * MINUTE) == bar(5, 105, 109, 103, 106)
    assert made.regime.volatility == Decimal(2)


def test_a_second_bend_of_the_same_candle_replaces_the_first():
    """Only the newest wish for the coming candles counts."""
    made = pit()
    made.bend(Regime(volatility=Decimal(2)))
    made.bend(Regime(volatility=Decimal(1)))
    assert made.bar(6 * MINUTE) == bar(6, 106, 110, 104, 107)


def test_while_still_nothing_is_shown_and_the_candle_is_missing_afterwards():
    """A frozen candle never was; a candle frozen in its middle ends with what was shown; the next price is a jump."""
    made = pit()
    made.reveal()
    made.frozen = True
    assert (made.liquidity, made.volume) == (0, 8)
    assert [made.reveal().price for _ in range(4)] == [None] * 4
    assert [made.reveal().open_ms for _ in range(5)][-1] is None
    made.frozen = False
    assert made.bar(5 * MINUTE) == bar(5, 105)
    assert made.bar(6 * MINUTE) is None
    assert made.reveal().jump is True


def test_prices_after_a_freeze_in_the_middle_of_a_candle_jump():
    """What happened in between was not traded through."""
    made = pit()
    made.reveal()
    made.halted = True
    made.reveal()
    made.halted = False
    revealed = made.reveal()
    assert (revealed.jump, revealed.price) == (True, Decimal(109))


def test_a_price_on_the_tick_is_never_zero():
    """Rounded half to even, at least one tick."""
    assert on_tick(Decimal("1.005"), Decimal("0.01")) == Decimal("1.00")
    assert on_tick(Decimal("0.001"), Decimal("0.01")) == Decimal("0.01")


@pytest.mark.parametrize(
    ("window", "opens"),
    [
        (Window(MINUTE, 3), [3, 4, 5]),
        (Window(MINUTE, 3, start_ms=MINUTE + 1), [2, 3, 4]),
        (Window(MINUTE, 3, end_ms=4 * MINUTE), [2, 3, 4]),
        (Window(MINUTE, 9, start_ms=2 * MINUTE, end_ms=3 * MINUTE), [2, 3]),
        (Window(MINUTE, 9, start_ms=9 * MINUTE), []),
    ],
)
def test_a_window_of_candles_is_cut_as_the_venue_cuts_it(window, opens):
    """From the start upwards when given, else the newest; never beyond now."""
    found = Candles(pit()).between(window, 5 * MINUTE)
    assert [one.open_ms // MINUTE for one in found] == opens


def test_long_candles_hold_their_short_ones_and_the_running_one():
    """A three-minute candle in its last minute: two whole candles and the open of the third."""
    candles = Candles(pit())
    assert candles.at(3 * MINUTE, 3 * MINUTE, 5 * MINUTE) == Bar(
        3 * MINUTE, Decimal(103), Decimal(108), Decimal(101), Decimal(105), Decimal(16)
    )
    assert candles.at(0, 3 * MINUTE, 5 * MINUTE) == Bar(
        0, Decimal(100), Decimal(106), Decimal(98), Decimal(103), Decimal(24)
    )
    assert candles.at(6 * MINUTE, 3 * MINUTE, 5 * MINUTE) is None


def test_undisturbed_history_is_aggregated_once():
    """The recording repeats, so its aggregates do; after a shock they are made anew."""
    candles = Candles(pit(now_ms=35 * MINUTE))
    first = candles.at(0, 5 * MINUTE, 35 * MINUTE)
    assert candles.at(10 * MINUTE, 5 * MINUTE, 35 * MINUTE) == Bar(
        10 * MINUTE, first.open, first.high, first.low, first.close, first.volume
    )
    assert len(candles.remembered) == 1
    candles.pit.shock(Decimal(2), 35 * MINUTE)
    candles.pit.set_to(50 * MINUTE, standing=True)
    assert candles.at(40 * MINUTE, 5 * MINUTE, 50 * MINUTE).open == 2 * first.open


def test_the_last_day_is_one_candle_of_all_that_was_shown():
    """Where nothing traded for a day, the last price stands for it."""
    day = Candles(pit()).last_day(5 * MINUTE)
    assert (day.high, day.low) == (Decimal(113), Decimal(98))
    empty = pit(recording("BTCUSDT", "1m", [bar(0, 100), bar(3000, 100)]), now_ms=2000 * MINUTE)
    quiet = Candles(empty).last_day(2000 * MINUTE)
    assert (quiet.open, quiet.volume) == (Decimal(100), 0)


def test_the_last_day_is_summed_once_a_candle():
    """Within a candle only the running one is added anew."""
    candles = Candles(pit())
    candles.last_day(5 * MINUTE)
    kept = candles.day
    candles.last_day(5 * MINUTE)
    assert candles.day is kept


def test_no_candle_is_merged_from_none():
    """Nothing traded, no candle."""
    assert merged([], 0) is None


@pytest.mark.parametrize(
    ("symbol", "coins"), [("BTCUSDT", ("BTC", "USDT")), ("ETHBTC", ("ETH", "BTC")), ("BTCUSD", ("BTC", "USD"))]
)
def test_a_symbol_is_split_by_its_quote_coin(symbol, coins):
    """The longest known quote coin wins."""
    assert pair(symbol) == coins


def test_a_symbol_without_known_quote_coin_is_refused():
    """The message says what to rename."""
    with pytest.raises(BadData, match="rename the file"):
        pair("BTC")


def write(folder, name, *rows):
    (folder / name).write_text("\n".join(["open_time_ms,open,high,low,close,volume", *rows, ""]))


def test_files_of_one_symbol_are_joined_and_the_finest_step_is_taken(tmp_path):
    """Two days in two files are one recording; a coarser file of the symbol is left aside."""
    write(tmp_path, "BTCUSDT-1m-a.csv", "0,1,1,1,1,1")
    write(tmp_path, "BTCUSDT-1m-b.csv", "60000,2,2,2,2,1")
    write(tmp_path, "BTCUSDT-1h-c.csv", "0,9,9,9,9,1")
    found = loaded(tmp_path)
    assert list(found) == ["BTCUSDT"]
    assert (found["BTCUSDT"].timeframe, len(found["BTCUSDT"].slots)) == ("1m", 2)


@pytest.mark.parametrize(
    "row", ["x,1,1,1,1,1", "0,1,1,1,1", "0,2,1,1,1,1", "30000,1,1,1,1,1", "0,1,1,1,1,-1", "0,NaN,1,1,1,1"]
)
def test_a_row_that_is_no_candle_is_refused(tmp_path, row):
    """File and line are named."""
    write(tmp_path, "BTCUSDT-1m-a.csv", row)
    with pytest.raises(BadData, match="line 2 is no candle"):
        loaded(tmp_path)


def test_a_folder_without_recordings_is_refused(tmp_path):
    """The message says which folder and flag."""
    with pytest.raises(BadData, match="give another --data"):
        loaded(tmp_path)


def test_a_recording_knows_its_step():
    """From its timeframe."""
    assert Recording("BTCUSDT", "1h", 0, (None,)).step_ms == 60 * MINUTE
