"""A fill moves coins: paid from the lock first, then from the free balance."""

from dataclasses import dataclass, replace
from decimal import Decimal

from exchange_simulator.domain.account import Account
from exchange_simulator.domain.numbers import ZERO, truncated
from exchange_simulator.domain.order import Order, Side, Status, Trade
from exchange_simulator.domain.rules import Fees, Rules
from exchange_simulator.funds.lock import needed, received_asset, spent_asset


@dataclass(frozen=True, slots=True)
class Commission:
    asset: str
    amount: Decimal


def commission(
    order: Order, trade: tuple[Decimal, Decimal, bool], account: Account, terms: tuple[Rules, Fees]
) -> Commission:
    """What the fill (price, quantity, maker) costs: in the account's fee coin, else in the coin received."""
    price, quantity, maker = trade
    rules, fees = terms
    own = account.rates or (fees.maker, fees.taker)
    rate = own[0] if maker else own[1]
    if account.fee_asset:
        amount = truncated(price * quantity * rate / fees.third_coin_price)
        if account.balance(account.fee_asset).free >= amount and account.fee_asset not in (rules.base, rules.quote):
            return Commission(account.fee_asset, amount)
    received = quantity if order.side is Side.BUY else price * quantity
    return Commission(received_asset(order, rules), truncated(received * rate))


def settled(account: Account, order: Order, trade: Trade, rules: Rules) -> tuple[Account, Order]:
    """The account and the order after *trade*; the lock shrinks to what the open rest needs."""
    paid = trade.quote_quantity if order.side is Side.BUY else trade.quantity
    received = trade.quantity if order.side is Side.BUY else trade.quote_quantity
    executed = order.executed + trade.quantity
    after = replace(
        order,
        executed=executed,
        quote_executed=order.quote_executed + trade.quote_quantity,
        status=Status.FILLED if executed == order.quantity else Status.PARTIALLY_FILLED,
        updated_ms=trade.time_ms,
    )
    # A jump may make a triggered buy pay more than was locked for it: the lock of its rest pays too.
    spare = account.balance(spent_asset(order, rules)).free + order.locked - paid
    kept = min(order.locked, needed(after, ZERO), spare) if after.is_open else ZERO
    released = order.locked - kept
    account = account.moved(spent_asset(order, rules), free=released - paid, locked=-released)
    account = account.moved(received_asset(order, rules), free=received)
    account = account.moved(trade.commission_asset, free=-trade.commission)
    return replace(account, updated_ms=trade.time_ms), replace(after, locked=kept)


def ended(account: Account, order: Order, status: Status, now_ms: int, rules: Rules) -> tuple[Account, Order]:
    """The account and the order after the order ended unfilled; its lock is free again."""
    account = account.moved(spent_asset(order, rules), free=order.locked, locked=-order.locked)
    return replace(account, updated_ms=now_ms), replace(order, status=status, updated_ms=now_ms, locked=ZERO)


def locked(account: Account, order: Order, amount: Decimal, rules: Rules) -> tuple[Account, Order]:
    """The account and the order after *amount* of the spent coin was locked for it."""
    account = account.moved(spent_asset(order, rules), free=-amount, locked=amount)
    return account, replace(order, locked=amount)
