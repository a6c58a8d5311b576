"""What one leg of price movement does to the orders on the book."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from exchange_simulator.domain.numbers import ZERO
from exchange_simulator.domain.order import STOPS, TAKE_PROFITS, Order
from exchange_simulator.matching.outcomes import Filled, Outcome, Quote, Triggered
from exchange_simulator.matching.path import Leg
from exchange_simulator.matching.reach import meets, reached
from exchange_simulator.matching.take import Room, rests, take, takes


@dataclass(frozen=True, slots=True)
class Terms:
    """The tick of the symbol, the spread takers pay, and the room left for fills."""

    tick: Decimal
    spread: Decimal
    room: Room

    def quote(self, price: Decimal) -> Quote:
        """The book around the last price."""
        return Quote(bid=price, ask=price + self.spread)


def travel(leg: Leg, orders: Iterable[Order], terms: Terms) -> Iterator[Outcome]:
    """Everything that happens on *leg*, in the order the price meets it; stops first where they meet together.

    The caller applies each outcome before it asks for the next, so `terms.room` may look at live balances.
    """
    book = {order.order_id: order for order in orders}
    while found := first_met(leg, book.values(), terms.tick):
        price, order = found
        if order.is_waiting:
            yield Triggered(order, price)
            order = replace(order, triggered=True)
            stays = rests(order) and not takes(order, terms.quote(price))
            if not stays:
                yield from take(order, terms.quote(price), terms.room)
            # One fill a leg: the book has given what it gives at this price.
            book = {**book, order.order_id: order} if stays else without(book, order)
        else:
            quantity = min(order.remaining, terms.room(order, order.price))
            if quantity > ZERO:
                yield Filled(order, order.price, quantity, maker=True)
            book = without(book, order)
        leg = replace(leg, start=price)


def without(book: dict[int, Order], order: Order) -> dict[int, Order]:
    return {key: other for key, other in book.items() if key != order.order_id}


def first_met(leg: Leg, orders: Iterable[Order], tick: Decimal) -> tuple[Decimal, Order] | None:
    """The order the price meets first on *leg*, and where."""
    orders = list(orders)
    met = [
        (abs(price - leg.start), order.kind not in STOPS, order.order_id, price, order)
        for order in orders
        if (price := reached(order, leg, tick)) is not None and not yields_to_stop(order, orders, leg, tick)
    ]
    if not met:
        return None
    _, _, _, price, order = min(met, key=lambda found: found[:3])
    return price, order


def yields_to_stop(order: Order, orders: list[Order], leg: Leg, tick: Decimal) -> bool:
    """A take-profit waits while a stop of the same account and side is still to be met within this bar."""
    if leg.jump or order.kind not in TAKE_PROFITS or not order.is_waiting:
        return False
    return any(
        other.kind in STOPS
        and other.is_waiting
        and (other.account, other.side) == (order.account, order.side)
        and any(meets(other, price, tick) for price in (leg.end, *leg.ahead))
        for other in orders
    )
