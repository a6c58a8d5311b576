"""The order in which a candle's four prices are met."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from exchange_simulator.domain.bar import Bar


def path(bar: Bar) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Open, the extreme nearer to the open (the low on a tie), the other extreme, close."""
    if bar.high - bar.open < bar.open - bar.low:
        return bar.open, bar.high, bar.low, bar.close
    return bar.open, bar.low, bar.high, bar.close


@dataclass(frozen=True, slots=True)
class Leg:
    """The price moves from *start* to *end*; on a jump nothing trades between. `ahead`: what the bar shows later."""

    start: Decimal
    end: Decimal
    jump: bool
    ahead: tuple[Decimal, ...] = ()


def legs(bar: Bar, last: Decimal) -> Sequence[Leg]:
    """The jump from *last* to the open, then the three continuous legs of the candle."""
    points = path(bar)
    inside = [Leg(points[i], points[i + 1], jump=False, ahead=points[i + 2 :]) for i in range(3)]
    return [Leg(last, points[0], jump=True, ahead=points[1:]), *inside]
