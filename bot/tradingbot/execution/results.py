"""What each round trip brought: from an entry until no more than dust is left."""

from collections import deque
from datetime import datetime
from decimal import Decimal

from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.order import Fill, Side
from tradingbot.domain.position import Position

KEPT = 1000


class Results:
    """The newest round trips of all symbols, in the order in which they ended."""

    def __init__(self) -> None:
        self._ended: deque[tuple[datetime, Decimal]] = deque(maxlen=KEPT)
        self._counted: dict[str, Decimal] = {}

    def take(self, fill: Fill, after: Position, instrument: Instrument) -> None:
        """A sell that leaves dust ends a round trip; *after* is the position with *fill* in it."""
        if fill.side is Side.BUY or not instrument.is_dust(after.quantity, fill.price):
            return
        self._ended.append((fill.at, after.realised - self._counted.get(fill.symbol, ZERO)))
        self._counted[fill.symbol] = after.realised

    def since(self, moment: datetime) -> tuple[Decimal, ...]:
        """The results of the round trips that ended at or after *moment*, fees taken off."""
        return tuple(result for at, result in self._ended if at >= moment)
