"""Training: what recorded candles teach, with the same answer every time."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingbot.cli.program import run
from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.intent import Action, Intent
from tradingbot.settings import Settings
from tradingbot.start.learning import lesson
from tradingbot.strategy.registry import strategy_of
from tradingbot.training.grid import USUAL, parse_axes, points
from tradingbot.training.lesson import learnt
from tradingbot.training.trial import Figures, held, joined, tried

BEGAN = datetime(2022, 12, 13, tzinfo=UTC)


def candles(*closes, opens=()):
    """Bars that each open where the one before closed, unless *opens* says otherwise."""
    firsts = opens or (closes[0], *closes[:-1])
    return tuple(
        Candle("BTC/USDT", "1m", BEGAN + timedelta(minutes=number), first, max(first, last), min(first, last), last, 1)
        for number, (first, last) in enumerate(zip(map(Decimal, firsts), map(Decimal, closes), strict=True))
    )


@dataclass(frozen=True)
class Told:
    """A strategy that does at each bar what it was told."""

    bars: int
    wishes: tuple[Action | None, ...]

    def decide(self, window, _held):
        number = int((window.newest.open_time - BEGAN) / timedelta(minutes=1))
        action = self.wishes[number]
        bar = window.newest
        return action and Intent("BTC/USDT", "told", bar.open_time, action, bar.close, bar.close_time, "told")


ENTER, EXIT = Action.ENTER, Action.EXIT


def test_what_is_decided_on_a_bar_is_done_at_the_next_open():
    """Bought at 110, sold at 121, with the paper venue's fee at both: 10 % less twice a thousandth."""
    bars = candles(100, 120, 121, 90, opens=(100, 110, 121, 121))
    told = Told(1, (ENTER, None, EXIT, None))
    assert tried(told, bars, 0) == Figures(Decimal("9.78"), Decimal("0.10"), 1)


def test_what_is_held_at_the_end_is_worth_the_last_close():
    """A position that was not left is no trade, and its fall is counted."""
    bars = candles(100, 100, 50)
    assert tried(Told(1, (ENTER, None, None)), bars, 0) == Figures(Decimal("-50.05"), Decimal("50.05"), 0)


def test_wish_that_the_purse_fulfils_already_changes_nothing():
    """Whoever holds cannot enter, and whoever is flat cannot leave."""
    bars = candles(100, 100, 110, 110)
    once = tried(Told(1, (ENTER, None, None, None)), bars, 0)
    assert tried(Told(1, (ENTER, ENTER, ENTER, None)), bars, 0) == once
    assert tried(Told(1, (EXIT, EXIT, None, None)), bars, 0) == Figures(Decimal("0.00"), Decimal("0.00"), 0)


def test_strategy_sees_its_bars_and_no_later_one():
    """The window ends with the bar that has just closed."""
    seen = []

    class Looks:
        bars = 2

        def decide(self, window, _held):
            seen.append([candle.close for candle in window.candles])
            assert window.closes == [float(candle.close) for candle in window.candles]

    tried(Looks(), candles(1, 2, 3), 1)
    assert seen == [[1, 2], [2, 3]]


def test_holding_is_bought_at_the_open_after_the_first_bar():
    """The measure of what is learnt: a price that doubled, less one fee."""
    assert held(candles(100, 100, 200), 0) == Figures(Decimal("99.80"), Decimal("0.10"), 0)


def test_markets_are_joined_as_if_each_had_the_same_money():
    """Mean return, deepest fall, all trades."""
    each = (Figures(Decimal(10), Decimal(3), 2), Figures(Decimal(-5), Decimal(7), 1))
    assert joined(each) == Figures(Decimal("2.50"), Decimal(7), 3)


@given(st.lists(st.sampled_from([ENTER, EXIT, None]), min_size=3, max_size=30), st.data())
def test_flat_market_brings_nothing_but_fees(wishes, data):
    """Where the price never moves, what is lost is a thousandth for each thing done, whatever was decided."""
    bars = candles(*[100] * len(wishes))
    told = tried(Told(1, tuple(wishes)), bars, 0)
    done = 2 * told.trades + (1 if _holds(wishes[:-1]) else 0)
    assert told.return_percent == ((Decimal("0.999") ** done - 1) * 100).quantize(Decimal("0.01"))


def _holds(wishes):
    last = next((wish for wish in reversed(wishes) if wish), None)
    return last is ENTER


def test_grid_is_every_combination_in_the_order_named():
    """Values named twice are tried once."""
    axes = parse_axes("sma_cross", ["fast=2,3,2", "slow=5"])
    assert points(axes) == ({"fast": "2", "slow": "5"}, {"fast": "3", "slow": "5"})


@pytest.mark.parametrize("strategy", sorted(USUAL))
def test_what_is_tried_unasked_makes_strategies(strategy):
    """Every usual combination is one that the strategy takes."""
    for point in points(parse_axes(strategy, [])):
        assert strategy_of(strategy, point).bars > 1


@pytest.mark.parametrize(
    ("strategy", "texts", "sentence"),
    [
        ("ml_basic", [], "--grid is missing: of ml_basic nothing is tried unasked; write NAME=VALUE,VALUE"),
        ("rsi", ["period"], "--grid 'period' names nothing to try: write NAME=VALUE,VALUE"),
        ("rsi", ["=1"], "--grid '=1' names nothing to try: write NAME=VALUE,VALUE"),
        ("rsi", ["period=,"], "--grid 'period=,' names nothing to try: write NAME=VALUE,VALUE"),
        ("rsi", ["period=2", "period=3"], "--grid names period twice: write all its values once, period=VALUE,VALUE"),
    ],
)
def test_grid_that_says_nothing_is_refused(strategy, texts, sentence):
    """One sentence with the field, the value and the cure."""
    with pytest.raises(Misconfigured) as refused:
        parse_axes(strategy, texts)
    assert str(refused.value) == sentence


def test_grid_nobody_waits_for_is_refused():
    """500 combinations are the most."""
    numbers = ",".join(map(str, range(1, 27)))
    with pytest.raises(Misconfigured, match="676 combinations, and 500 are the most"):
        points(parse_axes("sma_cross", [f"fast={numbers}", f"slow={numbers}"]))


def waves(bars):
    """A price that goes up for ten bars and down for ten."""
    return candles(*[100 + (number % 20 if number % 20 < 10 else 20 - number % 20) for number in range(bars)])


def built(point):
    return strategy_of("sma_cross", point)


def test_of_two_that_brought_the_same_the_first_is_chosen():
    """The answer does not hang on chance: where nothing moves, the first of the grid is the best."""
    flat = candles(*[100] * 200)
    told = learnt([flat], points({"fast": ("2", "3"), "slow": ("5", "6")}), built)
    assert (told.parameters, told.tried) == ({"fast": "2", "slow": "5"}, 4)


def test_combination_that_makes_no_strategy_is_counted_and_left_out():
    """A fast average must be faster than the slow one."""
    told = learnt([waves(300)], points({"fast": ("2", "9"), "slow": ("5",)}), built)
    assert (told.tried, told.refused, told.parameters["fast"]) == (1, 1, "2")


def test_grid_without_any_strategy_is_refused():
    """The words are those of the strategy."""
    with pytest.raises(Misconfigured, match=r"none of 1 combinations makes a strategy: .* is '9'"):
        learnt([waves(300)], [{"fast": "9", "slow": "5"}], built)


def test_recording_too_short_to_judge_by_is_refused():
    """A hundred bars beside those the strategy looks at."""
    with pytest.raises(Misconfigured, match="has 104 bars and 105 are the fewest for a strategy that looks at 5"):
        learnt([waves(104)], [{"fast": "2", "slow": "5"}], built)


def test_judged_part_has_no_say_in_the_choice():
    """Other candles after the split: the same parameters and the same first figures, and another judgement."""
    bars = waves(400)
    grid = points({"fast": ("2", "3"), "slow": ("5", "12")})
    split = next(number for number, bar in enumerate(bars) if bar.open_time == learnt([bars], grid, built).judged.first)
    turned = (*bars[:split], *candles(*[100 + number for number in range(400)])[split:])
    first, second = learnt([bars], grid, built), learnt([turned], grid, built)
    assert (first.parameters, first.chosen) == (second.parameters, second.chosen)
    assert first.judged.figures != second.judged.figures


def test_parts_touch_and_do_not_overlap():
    """The judged part begins with the bar at which the first one ended."""
    told = learnt([waves(300)], [{"fast": "2", "slow": "5"}], built)
    moments = [told.chosen.first, told.chosen.last, told.judged.first, told.judged.last]
    assert told.chosen.last == told.judged.first
    assert all(before <= after for before, after in pairwise(moments))


def settings(tmp_path, **strategy):
    named = {"name": "sma_cross", "timeframe": "1m", **strategy}
    return Settings.model_validate(
        {
            "bot": {"name": "btc", "namespace": "trading", "cluster": "c"},
            "mode": "sim",
            "exchange": {"name": "binance", "symbols": ["BTC/USDT"]},
            "strategy": named,
            "paths": {"data": str(tmp_path)},
        }
    )


DAY = {
    "parameters": {"fast": "20", "slow": "100"},
    "tried": 9,
    "refused": 0,
    "chosen_on": {
        "from": "2022-12-13T01:39Z",
        "to": "2022-12-13T17:18Z",
        "return_percent": "1.87",
        "drawdown_percent": "0.97",
        "trades": 6,
    },
    "judged_on": {
        "from": "2022-12-13T17:18Z",
        "to": "2022-12-14T00:00Z",
        "return_percent": "-0.71",
        "drawdown_percent": "1.14",
        "trades": 3,
        "holding_percent": "0.14",
    },
}


def test_lesson_of_the_day_that_comes_with_the_bot(tmp_path):
    """The same candles and grid give the same answer, to the last digit."""
    assert lesson(settings(tmp_path), []).told() == DAY


def test_bench_strategy_is_not_trained(tmp_path):
    """It decides on a timer."""
    with pytest.raises(Misconfigured, match='"metronome" does not decide on bars'):
        lesson(settings(tmp_path, name="metronome"), [])


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """A bot's settings where the commands look for them."""
    monkeypatch.setenv("TRADINGBOT_SETTINGS", str(tmp_path / "settings.json"))
    (tmp_path / "settings.json").write_text(settings(tmp_path).model_dump_json(exclude_unset=True))


def test_train_prints_the_lesson_on_one_line(mounted, capsys):
    """What other programs read; the words of a container are the same."""
    assert run(["train", "--grid", "fast=20", "--grid=slow=100"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {**DAY, "tried": 1}


def test_train_refuses_in_one_sentence(mounted, capsys):
    """Without a traceback, and with the code that no further try mends."""
    assert run(["train", "--grid", "period=7"]) == 78
    unknown = "strategy.parameters.period is unknown; use fast, slow"
    assert capsys.readouterr().err == f"atb: --grid: none of 1 combinations makes a strategy: {unknown}\n"
