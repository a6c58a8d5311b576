"""The strategy of the benches: it decides on beats, and every beat does one thing that can be seen."""

from datetime import timedelta
from decimal import Decimal

import pytest

from trading import bars
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.window import window_of
from tradingbot.strategy import strategy_of
from tradingbot.strategy.metronome import Metronome, Step, Style, parse, step


def test_metronome_without_parameters_keeps_five_small_orders_resting():
    """Every 20 ms, of 10 each, and no position beside them."""
    assert parse({}) == Metronome(timedelta(milliseconds=20), Decimal(10), 5, Style.RESTING, Decimal(0))


def test_metronome_takes_each_of_its_parameters():
    """Beat, size, number, style and position are the bench's to choose."""
    said = {"every_ms": "500", "notional": "12.5", "positions": "2", "style": "market", "holds": "30"}
    assert parse(said) == Metronome(timedelta(milliseconds=500), Decimal("12.5"), 2, Style.MARKET, Decimal(30))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("style", "loud", "strategy.parameters.style is 'loud'; write resting, passing, market"),
        ("notional", "ten", "strategy.parameters.notional is 'ten'; give an amount of the quote coin"),
        ("notional", "-1", "strategy.parameters.notional is '-1'; give an amount of the quote coin"),
        ("holds", "NaN", "strategy.parameters.holds is 'NaN'; give an amount of the quote coin"),
        ("holds", "Infinity", "strategy.parameters.holds is 'Infinity'; give an amount of the quote coin"),
        ("every_ms", "0", "strategy.parameters.every_ms is '0'; give a whole number from 1 to 5000"),
        ("positions", "1.5", "strategy.parameters.positions is '1.5'; give a whole number from 1 to 5000"),
        ("beat", "1", "strategy.parameters.beat is unknown; use every_ms, holds, notional, positions, style"),
    ],
)
def test_metronome_refuses_what_it_cannot_use(name, value, sentence):
    """One sentence with field, value and cure."""
    with pytest.raises(Misconfigured) as refused:
        parse({name: value})
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("parameters", "resting", "flat", "does"),
    [
        ({"style": "market"}, (), True, Step.BUY),
        ({"style": "market"}, (), False, Step.SELL),
        ({"style": "passing", "positions": "3"}, (), True, Step.PLACE),
        ({"style": "passing", "positions": "3"}, ("a",), True, Step.TAKE_BACK),
        ({"positions": "2", "holds": "30"}, ("a", "b"), True, Step.BUY),
        ({"positions": "2", "holds": "30"}, ("a",), False, Step.PLACE),
        ({"positions": "2"}, ("a",), True, Step.PLACE),
        ({"positions": "2"}, ("a", "b"), True, Step.TAKE_BACK),
        ({"positions": "2"}, ("a", "b", "c"), False, Step.TAKE_BACK),
    ],
)
def test_beat_does_one_thing(parameters, resting, flat, does):
    """First the position it is to hold, then orders up to their number, then the oldest goes."""
    assert step(parse(parameters), resting, flat) is does


def test_metronome_decides_on_its_timer_and_on_no_bar():
    """A bar moves it neither in nor out; the others have no timer."""
    beating = strategy_of("metronome", {"every_ms": "50"})
    assert (beating.every, beating.bars, beating.trained) == (timedelta(milliseconds=50), 1, None)
    assert [beating.decide(window_of(bars(1, 2)), held) for held in (Decimal(0), Decimal(1))] == [None, None]
    assert strategy_of("sma_cross", {}).every is None
