"""Which strategies there are, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.intent import Intent
from tradingbot.domain.window import Window
from tradingbot.strategy import metronome, ml_basic, rsi, sma_cross
from tradingbot.strategy.metronome import Metronome
from tradingbot.strategy.ml_basic import Model

NAMES = ("ml_basic", "rsi", "sma_cross")
# Never for money: refused in mode live.
BENCH = ("metronome",)


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy with its parameters: *decide* looks at the last *bars* bars and the quantity held, at nothing else.

    *trained* is the range of data a model was learnt from; results inside it prove nothing.
    A *metronome* decides on its timer and not on bars.
    """

    name: str
    bars: int
    decide: Callable[[Window, Decimal], Intent | None]
    trained: tuple[datetime, datetime] | None = None
    metronome: Metronome | None = None

    @property
    def every(self) -> timedelta | None:
        """How long lies between two decisions where bars do not tell."""
        return self.metronome.every if self.metronome else None


def strategy_of(name: str, parameters: Mapping[str, str], model: Model | None = None) -> Strategy:
    """The strategy *name* with its parameters parsed; raises Misconfigured in one sentence."""
    if name == "sma_cross":
        crossing = sma_cross.parse(parameters)
        return Strategy(name, crossing.bars, partial(sma_cross.sma_cross, parameters=crossing))
    if name == "rsi":
        strength = rsi.parse(parameters)
        return Strategy(name, strength.bars, partial(rsi.rsi, parameters=strength))
    if name == "ml_basic":
        learnt = ml_basic.parse(parameters, model)
        trained = (learnt.model.trained_from, learnt.model.trained_to)
        return Strategy(name, learnt.bars, partial(ml_basic.ml_basic, parameters=learnt), trained)
    if name in BENCH:
        return Strategy(name, 1, lambda _window, _held: None, metronome=metronome.parse(parameters))
    raise Misconfigured(f'strategy.name: "{name}" is not known; choose one of {", ".join(NAMES)}')


def inside_training(strategy: Strategy, first: datetime, last: datetime) -> str | None:
    """One sentence when bars from *first* to *last* touch the data the strategy was trained on, else None."""
    if strategy.trained is None or last < strategy.trained[0] or first > strategy.trained[1]:
        return None
    begin, end = (moment.isoformat() for moment in strategy.trained)
    return f"strategy.parameters.model was trained on {begin} to {end}; test it on other data"
