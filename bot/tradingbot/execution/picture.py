"""The book as risk and people look at it: one exposure, and the positions with what covers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.domain.exposure import Exposure
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Purpose
from tradingbot.domain.snapshot import HeldPosition
from tradingbot.execution.book import Book, order


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the book does not know: time, prices, halts and the marks of day and peak."""

    now: datetime
    marks: Mapping[str, Decimal]
    seen_at: Mapping[str, datetime]
    day_start_equity: Decimal
    peak_equity: Decimal
    filters_at: datetime | None = None
    orders_last_minute: int = 0
    recent_signals: int = 0
    halt: HaltKind | None = None
    blocks: tuple[str, ...] = ()
    breakers: tuple[str, ...] = ()
    waived: frozenset[str] = frozenset()
    spacing: timedelta = timedelta(0)
    hour_peak_equity: Decimal = ZERO
    day_results: tuple[Decimal, ...] = ()
    market_open: bool = True
    volatility: Mapping[str, float] = field(default_factory=dict)

    @property
    def held_back(self) -> tuple[str, ...]:
        """Everything that keeps entries back and clears by itself."""
        return (*self.blocks, *self.breakers)


def exposure(book: Book, around: Surroundings) -> Exposure:
    return Exposure(
        now=around.now,
        instruments=book.instruments,
        positions=book.positions,
        marks=around.marks,
        free_cash=book.free_cash(around.marks),
        equity=book.equity(around.marks),
        day_start_equity=around.day_start_equity,
        peak_equity=around.peak_equity,
        orders_last_minute=around.orders_last_minute,
        recent_signals=around.recent_signals,
        working=book.working(around.marks),
        halt=around.halt,
        data_seen_at=around.seen_at,
        filters_at=around.filters_at,
        blocks=around.blocks,
        breakers=around.breakers,
        waived=around.waived,
        spacing=around.spacing,
        hour_peak_equity=around.hour_peak_equity,
        day_results=around.day_results,
    )


def held_positions(book: Book, marks: Mapping[str, Decimal]) -> tuple[HeldPosition, ...]:
    """Every position that is not zero, dust included."""
    return tuple(_held(book, symbol, marks) for symbol, position in book.positions.items() if position.quantity)


def _held(book: Book, symbol: str, marks: Mapping[str, Decimal]) -> HeldPosition:
    position = book.positions[symbol]
    mark = marks.get(symbol, position.average_price)
    stops = [order(record) for record in book.orders(symbol, Purpose.STOP)]
    return HeldPosition(
        position=position,
        mark=mark,
        unrealised=position.quantity * mark - position.cost,
        stop_price=stops[0].stop_price if stops else None,
        covered=sum((stop.quantity for stop in stops), ZERO),
        dust=book.instruments[symbol].is_dust(position.quantity, mark),
    )
