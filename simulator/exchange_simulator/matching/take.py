"""An order that takes the book's price at once."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from exchange_simulator.domain.order import Kind, Order, Side, TimeInForce
from exchange_simulator.matching.outcomes import Expired, Filled, Outcome, Quote

# How much of an order may be filled at a price right now.
Room = Callable[[Order, Decimal], Decimal]


def takes(order: Order, quote: Quote) -> bool:
    """True when the order would trade at once against *quote*."""
    if not order.is_limited:
        return True
    return order.price >= quote.ask if order.side is Side.BUY else order.price <= quote.bid


def rests(order: Order) -> bool:
    """True when what is not filled at once stays on the book."""
    return order.is_limited and (order.time_in_force is TimeInForce.GTC or order.kind is Kind.LIMIT_MAKER)


def take(order: Order, quote: Quote, room: Room) -> Iterator[Outcome]:
    """Fill what the book gives at once; what does not rest expires."""
    price = quote.ask if order.side is Side.BUY else quote.bid
    quantity = min(order.remaining, room(order, price)) if takes(order, quote) else Decimal(0)
    if order.time_in_force is TimeInForce.FOK and quantity < order.remaining:
        quantity = Decimal(0)
    if quantity > 0:
        yield Filled(order, price, quantity, maker=False)
    if quantity < order.remaining and not rests(order):
        yield Expired(order)


def arrive(order: Order, quote: Quote, room: Room) -> Iterator[Outcome]:
    """What happens to a new order on arrival; stops and take-profits wait for the next move of the price."""
    if not order.is_waiting:
        yield from take(order, quote, room)
