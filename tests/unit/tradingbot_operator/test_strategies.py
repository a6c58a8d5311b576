"""A strategy the bot does not have, or cannot start with, is refused before anything is stopped."""

import pytest

import make_operator as make
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.strategies import complaint
from tradingbot_operator.plan.checks import Case, first_refusal

MODEL = {"model": "trend.json", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sma_cross", {}),
        ("sma_cross", {"fast": "3", "slow": "8"}),
        ("sma_cross", {"slow": "11"}),
        ("rsi", {"lower": "29.5", "upper": "70", "period": "2"}),
        ("ml_basic", MODEL),
        ("ml_basic", {**MODEL, "enter": "0.5", "exit": "0.5"}),
    ],
)
def test_strategy_with_good_parameters_is_accepted(name, parameters):
    """Defaults fill in what is not given."""
    assert complaint(name, parameters) is None


REFUSED = {
    "spec.strategy.name: 'no_such' is not known; use ml_basic, rsi, sma_cross, or name an image that has it": (
        "no_such",
        {},
    ),
    "spec.strategy.parameters.model: missing; ml_basic cannot work without it": ("ml_basic", {"sha256": "0"}),
    "spec.strategy.parameters.medium: '5' is given to an unknown parameter; use fast, slow": (
        "sma_cross",
        {"medium": "5"},
    ),
    "spec.strategy.parameters.fast: '2.5' does not fit; write a whole number from 1 to 5000": (
        "sma_cross",
        {"fast": "2.5"},
    ),
    "spec.strategy.parameters.slow: '5001' does not fit; write a whole number from 2 to 5000": (
        "sma_cross",
        {"slow": "5001"},
    ),
    "spec.strategy.parameters.upper: '101' does not fit; write a number from 0 to 100": ("rsi", {"upper": "101"}),
    "spec.strategy.parameters.fast: '50' is too much; write less than slow, which is 50": (
        "sma_cross",
        {"fast": "50"},
    ),
    "spec.strategy.parameters.exit: '0.7' is too much; write at most enter, which is 0.55": (
        "ml_basic",
        {**MODEL, "exit": "0.7"},
    ),
}


@pytest.mark.parametrize("sentence", sorted(REFUSED))
def test_strategy_that_could_not_start_is_refused(sentence):
    """One sentence with field, value and cure."""
    assert complaint(*REFUSED[sentence]) == sentence


def test_own_image_may_have_its_own_strategies():
    """Only what the default image has is known here."""
    spec = make.bot({**make.MINIMAL, "strategy": {"name": "own"}, "image": "registry/own:1"}).spec
    assert first_refusal(Case(spec, make.SITE)) is None
    same = make.bot({**make.MINIMAL, "strategy": {"name": "own"}, "image": make.SITE.bot_image}).spec
    assert isinstance(first_refusal(Case(same, make.SITE)), Keep)


def test_strategy_of_the_benches_never_trades_with_money():
    """Its own process judges its parameters; in mode live it is refused before."""
    beats = {"strategy": {"name": "metronome", "parameters": {"every_ms": "50"}}}
    assert complaint("metronome", {"beat": "1"}) is None
    assert first_refusal(Case(make.bot({**make.MINIMAL, **beats}).spec, make.SITE)) is None
    live = make.bot({**make.LIVE, **beats}).spec
    assert first_refusal(Case(live, make.site(allow_live=True))) == Keep(
        "SpecRejected", "spec.strategy.name: 'metronome' is for benches; use a strategy that decides on bars"
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, None),
        (
            {"strategies": [{"name": "rsi", "symbols": ["ETH/USDT"], "parameters": {"period": "1"}}]},
            "spec.strategies[rsi].parameters.period: '1' does not fit; write a whole number from 2 to 5000",
        ),
        (
            {"strategies": [{"name": "metronome", "symbols": ["ETH/USDT"]}]},
            "spec.strategies: 'metronome' decides on a timer; let it trade alone",
        ),
        (
            {"strategy": {"name": "metronome"}},
            "spec.strategies: does not go with 'metronome', which decides on a timer; remove it",
        ),
    ],
)
def test_each_of_several_strategies_must_be_one_the_bot_has(changes, sentence):
    """The one that decides beside the first too, with its parameters."""
    refusal = first_refusal(Case(make.bot({**make.SEVERAL, **changes}).spec, make.SITE))
    assert (refusal and refusal.message) == sentence
