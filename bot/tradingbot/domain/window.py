"""The closed bars a strategy may look at, oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradingbot.domain.candle import Candle


@dataclass(frozen=True, slots=True)
class Window:
    """Closed bars without a running one; *closes* are the same closes as floats, for indicators only."""

    candles: Sequence[Candle]
    closes: Sequence[float]

    @property
    def newest(self) -> Candle:
        return self.candles[-1]


def window_of(candles: Sequence[Candle]) -> Window:
    return Window(candles, [float(candle.close) for candle in candles])
