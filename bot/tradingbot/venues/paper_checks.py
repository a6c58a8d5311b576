"""Why the paper venue takes an order or not, in the words of the venue it stands for."""

from decimal import Decimal

from tradingbot.domain.instrument import ZERO, Instrument, floored
from tradingbot.domain.order import Order, OrderType, Refused, Side
from tradingbot.venues.account import Account
from tradingbot.venues.matching import LIMITED, STOPS, TAKE_PROFITS


def filter_refusal(instrument: Instrument, request: Order, price: Decimal) -> Refused | None:
    """The first filter of the symbol that *request* does not meet."""
    if not all(floored(p, instrument.price_step) == p for p in _prices(request)):
        return Refused("-1013", "Filter failure: PRICE_FILTER")
    if (
        request.quantity < instrument.minimum_quantity
        or instrument.floor_quantity(request.quantity) != request.quantity
    ):
        return Refused("-1013", "Filter failure: LOT_SIZE")
    if request.type is OrderType.MARKET and request.quantity > instrument.maximum_quantity:
        return Refused("-1013", "Filter failure: MARKET_LOT_SIZE")
    at = next(iter(_prices(request)), price)
    if request.quantity * at < instrument.minimum_notional:
        return Refused("-1013", "Filter failure: NOTIONAL")
    return None


def _prices(request: Order) -> list[Decimal]:
    limit = [request.price] if request.type in LIMITED and request.price is not None else []
    stop = [request.stop_price] if request.type in STOPS | TAKE_PROFITS and request.stop_price is not None else []
    return limit + stop


def refusal(
    account: Account, instrument: Instrument, client_id: str, request: Order, prices: tuple[Decimal, Decimal]
) -> Refused | None:
    """Why an order that meets the filters is not taken; *prices* are the last one and the one a taker meets now."""
    if any(order.client_id == client_id for order in account.orders.values() if order.is_open):
        return Refused("-2010", "Duplicate order sent.")
    if request.type in STOPS | TAKE_PROFITS and all(_triggers(request, price) for price in prices):
        return Refused("-2010", "Stop price would trigger immediately.")
    if request.type is OrderType.LIMIT_MAKER and _would_take(request, prices[1]):
        return Refused("-2010", "Order would immediately match and take.")
    if not _funded(account, instrument, request, prices[1]):
        return Refused("-2010", "Account has insufficient balance for requested action.")
    return None


def _triggers(request: Order, price: Decimal) -> bool:
    falling = (request.side is Side.SELL) == (request.type in STOPS)
    stop = request.stop_price or ZERO
    return price <= stop if falling else price >= stop


def _would_take(request: Order, price: Decimal) -> bool:
    limit = request.price or ZERO
    return limit >= price if request.side is Side.BUY else limit <= price


def _funded(account: Account, instrument: Instrument, request: Order, price: Decimal) -> bool:
    if request.side is Side.SELL:
        return account.free.get(instrument.base, ZERO) >= request.quantity
    at = next(iter(_prices(request)), price)
    return account.free.get(instrument.quote, ZERO) >= request.quantity * at
