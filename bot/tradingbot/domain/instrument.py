"""What can be traded, and the steps and bounds the venue puts on it."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One spot market, for example BTC/USDT, with the venue's filters (steps of 0 mean unlimited)."""

    symbol: str
    base: str
    quote: str
    price_step: Decimal
    quantity_step: Decimal
    minimum_quantity: Decimal
    minimum_notional: Decimal
    maximum_quantity: Decimal = Decimal("1e30")
    market_quantity_step: Decimal = ZERO
    order_types: frozenset[str] = frozenset()

    def floor_quantity(self, quantity: Decimal) -> Decimal:
        """The largest tradable quantity not above *quantity*."""
        return floored(quantity, self.quantity_step)

    def market_quantity(self, quantity: Decimal) -> Decimal:
        """The largest quantity not above *quantity* that one market order may have, zero at the least."""
        whole = floored(self.floor_quantity(max(ZERO, quantity)), self.market_quantity_step)
        return min(whole, self.maximum_quantity)

    def is_dust(self, quantity: Decimal, price: Decimal) -> bool:
        """True when what is tradable of *quantity* is too little for the venue to sell at *price*."""
        whole = self.floor_quantity(max(ZERO, quantity))
        return whole <= ZERO or whole < self.minimum_quantity or whole * price < self.minimum_notional

    def floor_price(self, price: Decimal) -> Decimal:
        return floored(price, self.price_step)

    def ceil_price(self, price: Decimal) -> Decimal:
        if self.price_step == ZERO:
            return price
        return (price / self.price_step).to_integral_value(ROUND_CEILING) * self.price_step


def floored(value: Decimal, step: Decimal) -> Decimal:
    """*value* cut down to a whole number of *step*; a step of 0 changes nothing."""
    if step == ZERO:
        return value
    return (value / step).to_integral_value(ROUND_FLOOR) * step
