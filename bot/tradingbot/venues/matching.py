"""What a bar does to waiting orders: the matching contract that simulator, paper and replay share as cases.

A bar is walked from its open to the nearer extreme (on a tie the low), to the other one, to the close. A resting limit
fills when the price has gone through it by a tick; a stop that was jumped fills at the open.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from tradingbot.domain.candle import Candle
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import OrderType, Side

STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
TAKE_PROFITS = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
LIMITED = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


@dataclass(frozen=True, slots=True)
class Resting:
    """An order as matching sees it; *waiting* until its stop price was met. *rests*: what is left stays on the book."""

    name: str
    serial: int
    side: Side
    type: OrderType
    remaining: Decimal
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    waiting: bool = False
    rests: bool = False
    whole: bool = False  # all or nothing

    @property
    def limited(self) -> bool:
        return self.type in LIMITED


@dataclass(frozen=True, slots=True)
class Traded:
    order: Resting
    price: Decimal
    quantity: Decimal
    maker: bool


@dataclass(frozen=True, slots=True)
class Triggered:
    order: Resting
    price: Decimal


@dataclass(frozen=True, slots=True)
class Expired:
    order: Resting


Happening = Traded | Triggered | Expired
# How much of an order may still be filled at a price, in this bar and for this account.
Room = Callable[[Resting, Decimal], Decimal]


@dataclass(frozen=True, slots=True)
class Leg:
    """The price goes from *start* to *end*; on a jump nothing trades between. *ahead* is what the bar still shows."""

    start: Decimal
    end: Decimal
    jump: bool
    ahead: tuple[Decimal, ...]


def path(bar: Candle) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    if bar.high - bar.open < bar.open - bar.low:
        return bar.open, bar.high, bar.low, bar.close
    return bar.open, bar.low, bar.high, bar.close


def legs(bar: Candle, last: Decimal) -> tuple[Leg, ...]:
    """The jump from *last* to the open, then three continuous legs."""
    first, second, third, fourth = path(bar)
    return (
        Leg(last, first, True, (second, third, fourth)),
        Leg(first, second, False, (third, fourth)),
        Leg(second, third, False, (fourth,)),
        Leg(third, fourth, False, ()),
    )


def take(order: Resting, price: Decimal, room: Room) -> Iterator[Happening]:
    """*order* takes what there is at *price* now; what does not rest expires."""
    quantity = min(order.remaining, room(order, price)) if takes(order, price) else ZERO
    if order.whole and quantity < order.remaining:
        quantity = ZERO
    if quantity > ZERO:
        yield Traded(order, price, quantity, maker=False)
    if quantity < order.remaining and not order.rests:
        yield Expired(order)


def takes(order: Resting, price: Decimal) -> bool:
    """True when *order* trades at once at *price*."""
    if not order.limited:
        return True
    return order.price >= price if order.side is Side.BUY else order.price <= price


def walk(leg: Leg, orders: Iterable[Resting], tick: Decimal, room: Room) -> Iterator[Happening]:
    """What happens on *leg*, in the order the price meets it; a stop comes first where several meet together."""
    book = {order.serial: order for order in orders}
    while (found := _first_met(leg, book, tick)) is not None:
        price, order = found
        del book[order.serial]
        if order.waiting:
            yield Triggered(order, price)
            woken = replace(order, waiting=False)
            if woken.rests and not takes(woken, price):
                book[order.serial] = woken
            else:
                yield from take(woken, price, room)
        elif (quantity := min(order.remaining, room(order, order.price))) > ZERO:
            yield Traded(order, order.price, quantity, maker=True)
        leg = replace(leg, start=price)


def _first_met(leg: Leg, book: dict[int, Resting], tick: Decimal) -> tuple[Decimal, Resting] | None:
    met = []
    for order in book.values():
        price = reached(order, leg, tick)
        if price is not None and not _yields(order, book, leg, tick):
            met.append((abs(price - leg.start), order.type not in STOPS, order.serial, price, order))
    if not met:
        return None
    first = min(met, key=lambda entry: entry[:3])
    return first[3], first[4]


def reached(order: Resting, leg: Leg, tick: Decimal) -> Decimal | None:
    """The first price on *leg* that meets *order*, or None."""
    if leg.jump:
        return leg.end if meets(order, leg.end, tick) else None
    if meets(order, leg.start, tick):
        return leg.start
    return _level(order, tick)[0] if meets(order, leg.end, tick) else None


def meets(order: Resting, price: Decimal, tick: Decimal) -> bool:
    level, falling = _level(order, tick)
    return price <= level if falling else price >= level


def _level(order: Resting, tick: Decimal) -> tuple[Decimal, bool]:
    if order.waiting:
        return order.stop_price, (order.side is Side.SELL) == (order.type in STOPS)
    if order.side is Side.BUY:
        return order.price - tick, True
    return order.price + tick, False


def _yields(order: Resting, book: dict[int, Resting], leg: Leg, tick: Decimal) -> bool:
    # Within one bar the worse end is assumed: a take-profit waits while a stop of its side is still to be met.
    if leg.jump or not order.waiting or order.type not in TAKE_PROFITS:
        return False
    return any(
        other.waiting
        and other.type in STOPS
        and other.side is order.side
        and any(meets(other, price, tick) for price in (leg.end, *leg.ahead))
        for other in book.values()
    )
