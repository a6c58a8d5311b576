"""Hold while the fast average of closes is above the slow one."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import fsum

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.intent import Action, Intent
from tradingbot.domain.window import Window
from tradingbot.strategy.parameters import known, whole
from tradingbot.strategy.wish import wish


@dataclass(frozen=True, slots=True)
class SmaCross:
    fast: int
    slow: int

    @property
    def bars(self) -> int:
        return self.slow


def parse(parameters: Mapping[str, str]) -> SmaCross:
    known(parameters, frozenset({"fast", "slow"}))
    fast, slow = whole(parameters, "fast", 10), whole(parameters, "slow", 50, least=2)
    if fast >= slow:
        raise Misconfigured(f"strategy.parameters.fast is '{fast}'; give less than slow, which is {slow}")
    return SmaCross(fast, slow)


def sma_cross(window: Window, held: Decimal, parameters: SmaCross) -> Intent | None:
    """Enter when flat and fast > slow; exit when holding and fast < slow. It looks at levels, not at the crossing."""
    # fsum rounds once, so the same bars give the same average whatever was added before them.
    fast = fsum(window.closes[-parameters.fast :]) / parameters.fast
    slow = fsum(window.closes[-parameters.slow :]) / parameters.slow
    if fast > slow and not held:
        return wish(window.newest, "sma_cross", Action.ENTER, "fast average above slow")
    if fast < slow and held:
        return wish(window.newest, "sma_cross", Action.EXIT, "fast average below slow")
    return None
