"""Positions are derived from fills, never stored as truth."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, Side


@dataclass(frozen=True, slots=True)
class Position:
    """A long holding in one symbol: quantity net of commission in the base coin, cost in the quote coin."""

    symbol: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    fees_quote: Decimal = ZERO
    opened_at: datetime | None = None
    entry_bar: datetime | None = None

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.quantity if self.quantity else ZERO


def with_fill(position: Position, fill: Fill, base: str, quote: str) -> Position:
    """*position* after *fill*: buys add cost, sells realise against the average price, fees lower the result."""
    fee_quote = fill.commission if fill.commission_asset == quote else ZERO
    fee_base = fill.commission if fill.commission_asset == base else ZERO
    if fill.side is Side.BUY:
        return replace(
            position,
            quantity=position.quantity + fill.quantity - fee_base,
            cost=position.cost + fill.quantity * fill.price,
            realised=position.realised - fee_quote,
            fees_quote=position.fees_quote + fee_quote,
            opened_at=position.opened_at or fill.at,
            entry_bar=position.entry_bar or fill.bar,
        )
    return _sold(position, fill, fee_base, fee_quote)


def _sold(position: Position, fill: Fill, fee_base: Decimal, fee_quote: Decimal) -> Position:
    gone = fill.quantity + fee_base
    share = min(gone / position.quantity, Decimal(1)) if position.quantity > ZERO else Decimal(1)
    cost_gone = position.cost * share
    left = position.quantity - gone
    return replace(
        position,
        quantity=left,
        cost=position.cost - cost_gone,
        realised=position.realised + fill.quantity * fill.price - cost_gone - fee_quote,
        fees_quote=position.fees_quote + fee_quote,
        opened_at=position.opened_at if left > ZERO else None,
        entry_bar=position.entry_bar if left > ZERO else None,
    )


def position_of(symbol: str, fills: Iterable[Fill], base: str, quote: str) -> Position:
    """The position that *fills* (in order of time) leave behind."""
    position = Position(symbol)
    for fill in fills:
        position = with_fill(position, fill, base, quote)
    return position
