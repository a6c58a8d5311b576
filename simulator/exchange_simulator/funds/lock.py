"""What an order holds back while it is open."""

from decimal import Decimal

from exchange_simulator.domain.order import Order, Side
from exchange_simulator.domain.rules import Rules


def spent_asset(order: Order, rules: Rules) -> str:
    """The coin the order pays with."""
    return rules.quote if order.side is Side.BUY else rules.base


def received_asset(order: Order, rules: Rules) -> str:
    """The coin the order is paid in."""
    return rules.base if order.side is Side.BUY else rules.quote


def needed(order: Order, price: Decimal) -> Decimal:
    """What must be locked for the open rest of the order; *price* stands in where the order names none."""
    if order.side is Side.SELL:
        return order.remaining
    return order.remaining * (order.price or order.stop_price or price)
