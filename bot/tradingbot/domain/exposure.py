"""What risk looks at: one frozen picture of money, positions and counters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.domain.halt import HaltKind
from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.order import Side
from tradingbot.domain.position import Position


@dataclass(frozen=True, slots=True)
class Working:
    """An order that may still fill; counted as filled at its worst."""

    symbol: str
    side: Side
    quantity: Decimal
    notional: Decimal
    unsettled: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """Everything a limit is computed from, across epochs. Money is in the quote currency of the capital."""

    now: datetime
    instruments: Mapping[str, Instrument]
    positions: Mapping[str, Position]
    marks: Mapping[str, Decimal]
    free_cash: Decimal
    equity: Decimal
    day_start_equity: Decimal
    peak_equity: Decimal
    orders_last_minute: int
    recent_signals: int = 0  # wishes to enter, within the time that their limit looks back
    working: tuple[Working, ...] = ()
    halt: HaltKind | None = None
    data_seen_at: Mapping[str, datetime] | None = None
    filters_at: datetime | None = None  # when the venue told its steps and bounds
    blocks: tuple[str, ...] = ()
    breakers: tuple[str, ...] = ()  # why each one is open that is
    waived: frozenset[str] = frozenset()  # ids of limit halts that a person has resumed
    spacing: timedelta = timedelta(0)  # a person wishes it between two orders, and the last one is not so long ago
    hour_peak_equity: Decimal = ZERO  # the highest of the last hour
    day_results: tuple[Decimal, ...] = ()  # of the round trips that ended in this trading day

    def quantity(self, symbol: str) -> Decimal:
        position = self.positions.get(symbol)
        return position.quantity if position else ZERO
