"""Strategies: what they want on a closed bar, and that nothing but the past decides it."""

import hashlib
import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets import DEEP
from trading import AT_ONCE, DATA, OFTEN, START, bars, recorded
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.intent import Action
from tradingbot.domain.window import Window, window_of
from tradingbot.strategy import strategy_of
from tradingbot.strategy.ml_basic import Model, model_of, probability
from tradingbot.strategy.registry import NAMES, inside_training
from tradingbot.strategy.rsi import strength

FLAT, HELD = Decimal(0), Decimal(1)
TRAINED = Model("0" * 64, (0.8, -0.3), 0.05, datetime(2017, 9, 3, tzinfo=UTC), datetime(2017, 9, 4, 23, 59, tzinfo=UTC))
PARAMETERS = {
    "sma_cross": {"fast": "3", "slow": "8"},
    "rsi": {"period": "5", "lower": "35", "upper": "60"},
    "ml_basic": {"enter": "0.51", "exit": "0.5"},
}


def made(name: str):
    return strategy_of(name, PARAMETERS[name], TRAINED if name == "ml_basic" else None)


def content(**changes: object) -> bytes:
    fields = {"weights": [1.0, -1.0], "bias": 0.0, "trained": {"from": "2017-09-03T00:00Z", "to": "2017-09-04T00:00Z"}}
    return json.dumps({**fields, **changes}).encode()


def loaded(raw: bytes) -> Model:
    return model_of(raw, hashlib.sha256(raw).hexdigest())


@pytest.mark.parametrize(
    ("closes", "held", "action"),
    [
        ((1, 2, 3), FLAT, Action.ENTER),
        ((1, 2, 3), HELD, None),
        ((3, 2, 1), HELD, Action.EXIT),
        ((3, 2, 1), FLAT, None),
        ((2, 2, 2), FLAT, None),
        ((2, 2, 2), HELD, None),
    ],
)
def test_sma_cross_holds_while_fast_is_above_slow(closes, held, action):
    """It enters when flat above, exits when holding below, and does nothing on a tie."""
    strategy = strategy_of("sma_cross", {"fast": "2", "slow": "3"})
    intent = strategy.decide(window_of(bars(*closes)), held)
    assert (intent and intent.action) == action


def test_an_intent_rests_on_the_close_of_its_bar():
    """Price, bar and the newest datum are those of the last closed bar."""
    intent = strategy_of("sma_cross", {"fast": "2", "slow": "3"}).decide(window_of(bars(1, 2, 3)), FLAT)
    assert intent.bar == START + timedelta(minutes=2)
    assert intent.seen_at == START + timedelta(minutes=3)
    assert intent.price == Decimal(3)
    assert (intent.symbol, intent.strategy, intent.reason) == ("BTC/USDT", "sma_cross", "fast average above slow")


@pytest.mark.parametrize(
    ("closes", "held", "action"),
    [
        ((5, 4, 3), FLAT, Action.ENTER),
        ((5, 4, 3), HELD, None),
        ((3, 4, 5), HELD, Action.EXIT),
        ((3, 4, 5), FLAT, None),
        ((4, 4, 4), FLAT, None),
    ],
)
def test_rsi_buys_weakness_and_sells_strength(closes, held, action):
    """Below the lower bound it enters, above the upper one it exits, and without movement it does nothing."""
    intent = strategy_of("rsi", {"period": "2"}).decide(window_of(bars(*closes)), held)
    assert (intent and intent.action) == action


def test_strength_is_the_share_of_the_gains():
    """Three up and one down of the same size are 75."""
    assert strength([1.0, 2.0, 3.0, 4.0, 3.0]) == 75.0


@pytest.mark.parametrize(
    ("closes", "held", "action"),
    [
        ((100, 100, 110), FLAT, Action.ENTER),
        ((100, 100, 110), HELD, None),
        ((110, 110, 100), HELD, Action.EXIT),
        ((110, 110, 100), FLAT, None),
    ],
)
def test_ml_basic_follows_its_probability(closes, held, action):
    """It enters when a rise is likely and exits when it is not."""
    strategy = strategy_of("ml_basic", {}, loaded(content(weights=[1.0, 0.0])))
    intent = strategy.decide(window_of(bars(*closes)), held)
    assert (intent and intent.action) == action


def test_probability_is_the_logistic_of_the_weighted_returns():
    """The newest return comes first, in percent."""
    model = Model("", (0.5, 0.25), 0.1, START, START)
    expected = 1 / (1 + math.exp(-(0.5 * 10.0 + 0.25 * 0.0 + 0.1)))
    assert probability(window_of(bars(100, 100, 110)), model) == pytest.approx(expected, rel=1e-12)


def test_probability_does_not_overflow():
    """A monstrous weight still gives a probability."""
    assert probability(window_of(bars(100, 1)), Model("", (1e9,), 0.0, START, START)) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("nix", {}, 'strategy.name: "nix" is not known; choose one of ml_basic, rsi, sma_cross'),
        ("sma_cross", {"quick": "1"}, "strategy.parameters.quick is unknown; use fast, slow"),
        ("sma_cross", {"fast": "0"}, "strategy.parameters.fast is '0'; give a whole number from 1 to 5000"),
        ("sma_cross", {"fast": "x"}, "strategy.parameters.fast is 'x'; give a whole number from 1 to 5000"),
        ("sma_cross", {"fast": "²"}, "strategy.parameters.fast is '²'; give a whole number from 1 to 5000"),
        ("sma_cross", {"slow": "5001"}, "strategy.parameters.slow is '5001'; give a whole number from 2 to 5000"),
        ("sma_cross", {"fast": "9", "slow": "9"}, "strategy.parameters.fast is '9'; give less than slow, which is 9"),
        ("rsi", {"lower": "x"}, "strategy.parameters.lower is 'x'; give a number from 0.0 to 100.0"),
        ("rsi", {"upper": "101"}, "strategy.parameters.upper is '101'; give a number from 0.0 to 100.0"),
        ("rsi", {"lower": "nan"}, "strategy.parameters.lower is 'nan'; give a number from 0.0 to 100.0"),
        ("rsi", {"lower": "70"}, "strategy.parameters.lower is '70'; give less than upper, which is 70"),
        ("ml_basic", {}, "strategy.parameters.model is missing; name a file in the models folder, and its sha256"),
    ],
)
def test_wrong_parameters_get_one_sentence(name, parameters, message):
    """Field, value and cure."""
    with pytest.raises(Misconfigured) as refused:
        strategy_of(name, parameters)
    assert str(refused.value) == message


def test_a_model_needs_an_exit_below_its_entry():
    """Else it would leave on the bar it entered."""
    with pytest.raises(Misconfigured, match=r"strategy.parameters.exit is '0.7'; give at most enter, which is 0.6"):
        strategy_of("ml_basic", {"enter": "0.6", "exit": "0.7"}, TRAINED)


def test_a_model_of_another_hash_is_refused():
    """The file on the volume must be the one that was configured."""
    with pytest.raises(Misconfigured, match="the model file's is"):
        model_of(content(), "0" * 64)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"{}",
        content(weights=[]),
        content(weights=["x"]),
        content(trained={"from": "2017-09-03", "to": "2017-09-04"}),
        content(trained={"from": "2017-09-03T00:00Z", "to": "2017-09-04"}),
    ],
)
def test_a_file_that_is_no_model_is_refused(raw):
    """Broken, empty and zoneless files are named by their hash."""
    with pytest.raises(Misconfigured, match="is no model"):
        loaded(raw)


def test_a_model_is_refused_on_the_data_it_was_trained_on():
    """Bars that touch the training range prove nothing; bars beside it are fine; other strategies have no range."""
    strategy = made("ml_basic")
    inside, before, after = (datetime(2017, 9, day, tzinfo=UTC) for day in (4, 2, 5))
    assert inside_training(strategy, before, inside) == (
        "strategy.parameters.model was trained on 2017-09-03T00:00:00+00:00 to 2017-09-04T23:59:00+00:00;"
        " test it on other data"
    )
    assert inside_training(strategy, before, before) is None
    assert inside_training(strategy, after, after) is None
    assert inside_training(made("rsi"), inside, inside) is None


FILES = sorted(DATA.glob("*.csv"))


@cache
def whole_window(file: str) -> Window:
    """All the bars of *file*."""
    return window_of(recorded(file))


def part(window: Window, first: int, end: int) -> Window:
    """The bars from *first* to before *end*."""
    return Window(window.candles[first:end], window.closes[first:end])


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
@pytest.mark.parametrize("name", NAMES)
def test_a_prefix_of_the_bars_gives_a_prefix_of_the_decisions(name, file):
    """No decision looks ahead: on bars[:k] the first k decisions are those of all bars (every strategy, every file)."""
    strategy, window = made(name), whole_window(file.stem)
    whole = decisions(strategy, window, len(window.candles))
    assert sum(intent is not None for intent in whole) > 10
    for k in range(strategy.bars, len(window.candles), len(window.candles) // 5):
        assert decisions(strategy, part(window, 0, k), k) == whole[: k - strategy.bars + 1]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
@pytest.mark.parametrize("name", NAMES)
def test_a_late_start_decides_the_same(name, file):
    """Streaming equals batch: with just the bars it needs, a fresh process decides as one that has seen all."""
    strategy, window = made(name), whole_window(file.stem)
    for k in range(strategy.bars, len(window.candles), 53):
        needed = window_of(window.candles[k - strategy.bars : k])
        for held in (FLAT, HELD):
            assert strategy.decide(needed, held) == strategy.decide(part(window, 0, k), held)


def decisions(strategy, window: Window, k: int) -> list:
    """One decision a bar, entering and leaving as wished."""
    made_, held = [], FLAT
    for end in range(strategy.bars, k + 1):
        intent = strategy.decide(part(window, end - strategy.bars, end), held)
        if intent is not None:
            held = HELD if intent.action is Action.ENTER else FLAT
        made_.append(intent)
    return made_


PLAYED = "BTCUSDT-1m"
DEMO = {"name": "sma_cross", "parameters": {"fast": "3", "slow": "8"}}  # and of the process tests


@given(st.lists(st.integers(1, 10**6), min_size=9, max_size=40))
def test_sma_cross_never_enters_and_exits_on_the_same_bar(closes):
    """Whatever the bars, at most one of the two is wanted."""
    strategy, window = made("sma_cross"), window_of(bars(*closes))
    assert strategy.decide(window, FLAT) is None or strategy.decide(window, HELD) is None


@pytest.mark.parametrize(
    ("recording", "strategy", "entry", "leaving"),
    [
        (PLAYED, AT_ONCE, 0, None),
        (PLAYED, OFTEN, 16, 20),
        (PLAYED, DEMO, 24, 41),
        (DEEP, AT_ONCE, 0, None),
        (DEEP, OFTEN, 16, 21),
        (DEEP, DEMO, 28, 29),
    ],
)
def test_no_recording_lets_a_story_wait_longer_than_it_allows(recording, strategy, entry, leaving):
    """The most bars in a row of the loop that is played that want no entry while flat, and no exit while held."""
    chosen = strategy_of(strategy["name"], strategy["parameters"])
    day = recorded(recording)
    # A strategy sees over the joint: the last bars of the day stand before the first.
    window = window_of((*day[-chosen.bars + 1 :], *day))
    ends = range(chosen.bars, len(window.candles) + 1)
    seen = [part(window, end - chosen.bars, end) for end in ends]
    assert len(seen) == len(day) == 1440
    for held, longest in ((FLAT, entry), (HELD, leaving)):
        quiet = "".join("-" if chosen.decide(each, held) is None else " " for each in seen)
        assert max(map(len, f"{quiet}{quiet}".split()), default=0) == (2 * len(day) if longest is None else longest)


@pytest.mark.parametrize("recording", [PLAYED, DEEP])
def test_no_bar_of_the_recording_meets_a_stop_ten_percent_below_another(recording):
    """Wherever in the loop a story enters, such a stop stays."""
    day = recorded(recording)
    assert min(bar.low for bar in day) > Decimal("0.9") * max(bar.high for bar in day)
