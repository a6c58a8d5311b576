"""Buy what has fallen a lot, sell what has risen a lot: relative strength over a fixed number of bars (Cutler)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import fsum

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.intent import Action, Intent
from tradingbot.domain.window import Window
from tradingbot.strategy.parameters import known, number, whole
from tradingbot.strategy.wish import wish


@dataclass(frozen=True, slots=True)
class Rsi:
    period: int
    lower: float
    upper: float

    @property
    def bars(self) -> int:
        return self.period + 1


def parse(parameters: Mapping[str, str]) -> Rsi:
    known(parameters, frozenset({"period", "lower", "upper"}))
    lower = number(parameters, "lower", 30.0, (0.0, 100.0))
    upper = number(parameters, "upper", 70.0, (0.0, 100.0))
    if lower >= upper:
        raise Misconfigured(f"strategy.parameters.lower is '{lower:g}'; give less than upper, which is {upper:g}")
    return Rsi(whole(parameters, "period", 14, least=2), lower, upper)


def rsi(window: Window, held: Decimal, parameters: Rsi) -> Intent | None:
    """Enter when flat and strength is below *lower*; exit when holding and it is above *upper*."""
    value = strength(window.closes[-parameters.bars :])
    if value < parameters.lower and not held:
        return wish(window.newest, "rsi", Action.ENTER, f"rsi {value:.2f} below {parameters.lower:g}")
    if value > parameters.upper and held:
        return wish(window.newest, "rsi", Action.EXIT, f"rsi {value:.2f} above {parameters.upper:g}")
    return None


def strength(closes: Sequence[float]) -> float:
    """0 when every bar fell, 100 when every bar rose, 50 when nothing moved.

    The plain average over exactly the period is used, not Wilder's smoothing, whose value depends on where one began:
    a restarted bot must see what the running one saw.
    """
    steps = [after - before for before, after in pairwise(closes)]
    gain, loss = fsum(s for s in steps if s > 0), -fsum(s for s in steps if s < 0)
    return 100.0 * gain / (gain + loss) if gain + loss > 0 else 50.0
