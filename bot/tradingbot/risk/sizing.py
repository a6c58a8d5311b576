"""How much: an entry's order from the equity and what the limits leave, and the checks on the finished order."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial

from tradingbot.domain.exposure import Exposure
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Intent, Refusal
from tradingbot.domain.order import Order, OrderType, Purpose, Side
from tradingbot.risk.limits import HUNDRED, RiskLimits

# Fees and the way from the close to the next open must still fit into the cash.
CASH_SHARE = Decimal("0.99")

OrderCheck = Callable[[Order, Decimal, Exposure], Refusal | None]


def entry_order(intent: Intent, exposure: Exposure, limits: RiskLimits) -> Order:
    """A market buy of the wished share of the equity, cut to what order size, position size and cash leave.

    Its *stop_price* is the protective stop that follows the fill; a market order itself has none.
    """
    instrument = exposure.instruments[intent.symbol]
    notional = max(ZERO, min(room(intent, exposure, limits).values()))
    stop = intent.stop_price or intent.price * (1 - limits.stop_loss_percent / HUNDRED)
    return Order(
        symbol=intent.symbol,
        side=Side.BUY,
        type=OrderType.MARKET,
        purpose=Purpose.ENTRY,
        quantity=instrument.market_quantity(notional / intent.price),
        stop_price=instrument.floor_price(stop),
        seen_at=intent.seen_at,
        reason=intent.reason,
    )


def room(intent: Intent, exposure: Exposure, limits: RiskLimits) -> dict[str, Decimal]:
    """How large an entry may be, by each of the settings that bound it, and by the cash."""
    return {
        "order_fraction_percent": exposure.equity * limits.order_fraction_percent / HUNDRED,
        "max_order_notional": limits.max_order_notional,
        "max_position_notional": limits.max_position_notional - worst_position(intent.symbol, intent.price, exposure),
        "free cash": exposure.free_cash * CASH_SHARE,
    }


def worst_position(symbol: str, price: Decimal, exposure: Exposure) -> Decimal:
    """What the position would be worth with every working buy filled."""
    working = (order.notional for order in exposure.working if order.symbol == symbol and order.side is Side.BUY)
    return exposure.quantity(symbol) * price + sum(working, ZERO)


def above_minimum(order: Order, price: Decimal, exposure: Exposure) -> Refusal | None:
    instrument = exposure.instruments[order.symbol]
    if order.quantity <= ZERO or order.quantity < instrument.minimum_quantity:
        return Refusal("BelowMinimum", f"quantity {order.quantity} is below the venue's {instrument.minimum_quantity}")
    if order.quantity * price < instrument.minimum_notional:
        return Refusal(
            "BelowMinimum", f"notional {order.quantity * price} is below the venue's {instrument.minimum_notional}"
        )
    return None


def order_within(limits: RiskLimits, order: Order, price: Decimal, _: Exposure) -> Refusal | None:
    if order.quantity * price <= limits.max_order_notional:
        return None
    return Refusal("OrderTooLarge", f"notional {order.quantity * price} exceeds {limits.max_order_notional}")


def position_within(limits: RiskLimits, order: Order, price: Decimal, exposure: Exposure) -> Refusal | None:
    after = worst_position(order.symbol, price, exposure) + order.quantity * price
    if after <= limits.max_position_notional:
        return None
    return Refusal("PositionTooLarge", f"position would be {after}, at most {limits.max_position_notional}")


def cash_enough(order: Order, price: Decimal, exposure: Exposure) -> Refusal | None:
    if order.quantity * price <= exposure.free_cash:
        return None
    return Refusal("NotEnoughCash", f"notional {order.quantity * price} exceeds free cash {exposure.free_cash}")


def protected(order: Order, price: Decimal, exposure: Exposure) -> Refusal | None:
    """No entry is sent whose stop could not stand below it."""
    stop, step = order.stop_price, exposure.instruments[order.symbol].price_step
    if stop is not None and ZERO < stop <= price - step:
        return None
    return Refusal("StopInvalid", f"the stop {stop} is not above zero and at least {step} below the price {price}")


def order_checks(limits: RiskLimits) -> tuple[OrderCheck, ...]:
    """On entries only, in this order; the first refusal wins."""
    return (above_minimum, partial(order_within, limits), partial(position_within, limits), cash_enough)


def sized(intent: Intent, exposure: Exposure, limits: RiskLimits) -> Order | Refusal:
    """The entry's order, or why there is none."""
    order = entry_order(intent, exposure, limits)
    for check in order_checks(limits):
        found = check(order, intent.price, exposure)
        if found is not None:
            return replace(found, message=f"{found.message}: {_tightest(intent, exposure, limits)}")
    return protected(order, intent.price, exposure) or order


def _tightest(intent: Intent, exposure: Exposure, limits: RiskLimits) -> str:
    """Which of the bounds made an entry as small as it is."""
    bounds = room(intent, exposure, limits)
    name = min(bounds, key=bounds.__getitem__)
    return f"{name} leaves {max(ZERO, bounds[name])}"
