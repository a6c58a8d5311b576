"""The protective stop at the venue: it covers exactly what is held, is resized with it, and is never left off."""

from decimal import Decimal

import structlog

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import UNSETTLED, Cancel, Order, OrderStatus, OrderType, Purpose, Refused, Side, Unknown
from tradingbot.execution.book import Book, order
from tradingbot.execution.desk import Desk
from tradingbot.execution.recount import recount
from tradingbot.execution.send import place
from tradingbot.execution.settle import follow

log = structlog.stdlib.get_logger(__name__)
# A second try is for a hiccup of the venue; a stop that is refused twice is no stop.
ATTEMPTS = 2
# Where a venue only knows stop-limit, the limit lies this far below the stop.
LIMIT_DISTANCE = Decimal("0.02")


def cover_step(book: Book, symbol: str) -> Order | Cancel | None:
    """The next write that brings the stop to the position, or None when it covers or nothing can be done now.

    A working exit already stands for its part of the position; a sell whose outcome is unknown may have closed it.
    """
    if any(record.status in UNSETTLED and order(record).side is Side.SELL for record in book.live(symbol)):
        return None
    stops = book.orders(symbol, Purpose.STOP)
    if any(record.status is OrderStatus.PARTIAL for record in stops):
        return None
    exits = book.selling(symbol) - sum((order(record).quantity - record.filled for record in stops), ZERO)
    wish = stop_order(book, symbol, book.there(symbol) - exits)
    if len(stops) > 1 or (stops and wish is None):
        return Cancel(symbol, stops[-1].write.client_id, "more stops than position")
    if wish is None or (stops and order(stops[0]).quantity == wish.quantity):
        return None
    return replacing(wish, stops[0].write.client_id) if stops else wish


def stop_order(book: Book, symbol: str, quantity: Decimal) -> Order | None:
    """A stop for *quantity*, or None when the position asked for none or is too small for one."""
    instrument, price = book.instruments[symbol], book.stop_prices.get(symbol)
    whole = min(instrument.floor_quantity(max(ZERO, quantity)), instrument.maximum_quantity)
    if price is None or whole <= ZERO or whole < instrument.minimum_quantity:
        return None
    if whole * price < instrument.minimum_notional:
        return None
    limited = bool(instrument.order_types) and OrderType.STOP not in instrument.order_types
    return Order(
        symbol=symbol,
        side=Side.SELL,
        type=OrderType.STOP_LIMIT if limited else OrderType.STOP,
        purpose=Purpose.STOP,
        quantity=whole,
        price=instrument.floor_price(price * (1 - LIMIT_DISTANCE)) if limited else None,
        stop_price=price,
        reason="protective stop",
    )


def replacing(wish: Order, client_id: str) -> Order:
    return Order(
        symbol=wish.symbol,
        side=wish.side,
        type=wish.type,
        purpose=wish.purpose,
        quantity=wish.quantity,
        price=wish.price,
        stop_price=wish.stop_price,
        replaces=client_id,
        reason="stop follows the position",
    )


async def renew(desk: Desk, symbol: str, epochs: frozenset[int]) -> None:
    """Every resting stop of *epochs*, which ended uncleanly, is now one of ours.

    A predecessor cut off from the ledger may replace its own stop once more; the venue refuses that when it is gone.
    """
    for record in desk.book.orders(symbol, Purpose.STOP):
        old = order(record)
        wish = stop_order(desk.book, symbol, old.quantity)
        if record.write.epoch in epochs and record.status is OrderStatus.OPEN and wish is not None:
            await place(desk, replacing(wish, record.write.client_id))
            await follow(desk, symbol)


async def cover(desk: Desk, symbol: str) -> bool:
    """The stop was brought to the position; False when the venue refuses one although the position needs it."""
    refusals = 0
    while refusals < ATTEMPTS and (step := cover_step(desk.book, symbol)) is not None:
        outcome = await place(desk, step)
        if isinstance(step, Order):
            became = type(outcome).__name__.lower()
            log.info(
                "stop_loss", symbol=symbol, stop_price=str(step.stop_price), quantity=str(step.quantity), outcome=became
            )
        if isinstance(outcome, Unknown):
            return True
        if isinstance(outcome, Refused):
            refusals += 1
        if isinstance(outcome, Refused) or isinstance(step, Cancel):
            await follow(desk, symbol)
        if isinstance(outcome, Refused):
            await recount(desk, symbol)
    return refusals < ATTEMPTS
