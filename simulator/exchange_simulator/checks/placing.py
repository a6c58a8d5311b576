"""The checks of a new order."""

from collections.abc import Callable
from decimal import Decimal

from exchange_simulator.checks.situation import Situation
from exchange_simulator.domain.numbers import ZERO, is_multiple
from exchange_simulator.domain.order import LIMITED_KINDS, STOPS, TRIGGERED_KINDS, Kind, Side
from exchange_simulator.domain.refusal import Refusal
from exchange_simulator.domain.request import NewOrder

Check = Callable[[NewOrder, Situation], Refusal | None]


def filter_failure(name: str) -> Refusal:
    """The venue's answer when a filter of the symbol is not met."""
    return Refusal(-1013, f"Filter failure: {name}")


def rejected(message: str) -> Refusal:
    """The venue's answer when the order itself cannot be taken."""
    return Refusal(-2010, message)


def market_open(_: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse while the symbol is halted."""
    return rejected("Market is closed.") if situation.halted else None


def price_filter(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse a price outside the symbol's range or off its tick."""
    rules = situation.rules
    prices = [wish.price] if wish.kind in LIMITED_KINDS else []
    prices += [wish.stop_price] if wish.kind in TRIGGERED_KINDS else []
    fits = all(rules.min_price <= price <= rules.max_price and is_multiple(price, rules.tick) for price in prices)
    return None if fits else filter_failure("PRICE_FILTER")


def lot_size(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse a quantity outside the symbol's range or off its step."""
    rules = situation.rules
    fits = rules.min_quantity <= wish.quantity <= rules.max_quantity and is_multiple(wish.quantity, rules.step)
    return None if fits else filter_failure("LOT_SIZE")


def market_lot_size(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse a market order above the size the venue takes at once."""
    fits = wish.kind is not Kind.MARKET or wish.quantity <= situation.rules.max_market_quantity
    return None if fits else filter_failure("MARKET_LOT_SIZE")


def percent_price(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse a limit price too far from the average of the last minutes."""
    rules = situation.rules
    low, high = situation.average * rules.percent_down, situation.average * rules.percent_up
    fits = wish.kind not in LIMITED_KINDS or low <= wish.price <= high
    return None if fits else filter_failure("PERCENT_PRICE_BY_SIDE")


def notional(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse an order worth too little or too much; market orders are valued at the average price."""
    price = wish.price or wish.stop_price or situation.average
    fits = situation.rules.min_notional <= wish.quantity * price <= situation.rules.max_notional
    return None if fits else filter_failure("NOTIONAL")


def order_count(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse what would be one resting order too many."""
    fits = wish.kind is Kind.MARKET or situation.open_orders < situation.rules.max_orders
    return None if fits else filter_failure("MAX_NUM_ORDERS")


def stop_count(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse what would be one waiting stop too many."""
    fits = wish.kind not in TRIGGERED_KINDS or situation.waiting_orders < situation.rules.max_stop_orders
    return None if fits else filter_failure("MAX_NUM_ALGO_ORDERS")


def fresh_id(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse a client id that an open order carries."""
    return rejected("Duplicate order sent.") if wish.client_id in situation.client_ids else None


def not_triggered(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse a stop or take-profit that the present price would trigger."""
    if wish.kind not in TRIGGERED_KINDS:
        return None
    falling = (wish.side is Side.SELL) == (wish.kind in STOPS)
    meets = [price <= wish.stop_price if falling else price >= wish.stop_price for price in situation.prices]
    return rejected("Stop price would trigger immediately.") if all(meets) else None


def makes(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse a limit-maker order that would take."""
    if wish.kind is not Kind.LIMIT_MAKER:
        return None
    price = situation.taker_price(wish.side)
    would_take = wish.price >= price if wish.side is Side.BUY else wish.price <= price
    return rejected("Order would immediately match and take.") if would_take else None


def cost(wish: NewOrder, situation: Situation) -> tuple[str, Decimal]:
    """The coin the order pays with and how much of it must be free."""
    if wish.side is Side.SELL:
        return situation.rules.base, wish.quantity
    return situation.rules.quote, wish.quantity * (wish.price or wish.stop_price or situation.ask)


def funded(wish: NewOrder, situation: Situation) -> Refusal | None:
    """Refuse what the free balance does not cover."""
    asset, amount = cost(wish, situation)
    enough = situation.account.balance(asset).free >= amount > ZERO
    return None if enough else rejected("Account has insufficient balance for requested action.")


FILTERS: tuple[Check, ...] = (
    price_filter,
    lot_size,
    market_lot_size,
    percent_price,
    notional,
    order_count,
    stop_count,
)
ACCEPTANCE: tuple[Check, ...] = (market_open, fresh_id, not_triggered, makes, funded)


def first_refusal(wish: NewOrder, situation: Situation, checks: tuple[Check, ...]) -> Refusal | None:
    """The first refusal of *checks*, in their order."""
    return next((refusal for check in checks if (refusal := check(wish, situation)) is not None), None)
