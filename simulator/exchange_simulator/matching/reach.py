"""Whether, and at which price, an order is met on a leg."""

from decimal import Decimal

from exchange_simulator.domain.order import STOPS, Order, Side
from exchange_simulator.matching.path import Leg


def level(order: Order, tick: Decimal) -> tuple[Decimal, bool]:
    """The price that meets the order, and whether it is met by prices at or below it (else at or above)."""
    if order.is_waiting:
        falling = (order.side is Side.SELL) == (order.kind in STOPS)
        return order.stop_price, falling
    # A resting limit is filled only when the price has gone through it by a tick.
    if order.side is Side.BUY:
        return order.price - tick, True
    return order.price + tick, False


def meets(order: Order, price: Decimal, tick: Decimal) -> bool:
    """True when *price* alone meets the order."""
    at, falling = level(order, tick)
    return price <= at if falling else price >= at


def reached(order: Order, leg: Leg, tick: Decimal) -> Decimal | None:
    """The first price on *leg* that meets the order, or None."""
    if leg.jump:
        return leg.end if meets(order, leg.end, tick) else None
    if meets(order, leg.start, tick):
        return leg.start
    return level(order, tick)[0] if meets(order, leg.end, tick) else None
