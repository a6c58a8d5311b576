"""The counter: a sender's wish becomes an order, a cancel, or a refusal; all three stand in the log."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from exchange_simulator.checks.placing import ACCEPTANCE, FILTERS, first_refusal, rejected
from exchange_simulator.checks.situation import Situation
from exchange_simulator.domain.events import BalanceEvent, OrderEvent
from exchange_simulator.domain.numbers import ZERO, floored
from exchange_simulator.domain.order import TRIGGERED_KINDS, Kind, Order, Side, Status, Trade
from exchange_simulator.domain.refusal import Refusal
from exchange_simulator.domain.request import NewOrder, Sender, Target
from exchange_simulator.exchange import Exchange
from exchange_simulator.funds.lock import needed, spent_asset
from exchange_simulator.funds.settle import locked
from exchange_simulator.matching.outcomes import Quote
from exchange_simulator.matching.take import arrive

MINUTES_OF_AVERAGE = 5


@dataclass(frozen=True, slots=True)
class Placed:
    """An accepted order as it stands after arrival, and what it traded at once."""

    order: Order
    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """Both halves of a cancel-replace; `placed` None means not attempted."""

    cancelled: Order | Refusal
    placed: Placed | Refusal | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """Cancel this, then place that; with `stop_on_failure` only if the cancel succeeded."""

    target: Target
    wish: NewOrder
    stop_on_failure: bool
    only: frozenset[Status] = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


def quote(exchange: Exchange, symbol: str) -> Quote:
    """The book's best prices now."""
    pit = exchange.pits[symbol]
    price = pit.price(exchange.clock.now_ms())
    return Quote(bid=price, ask=price + exchange.spread(pit))


def average(exchange: Exchange, symbol: str) -> Decimal:
    """The volume-weighted price of the last five minutes, or the last price where nothing traded."""
    pit = exchange.pits[symbol]
    bars = [pit.bar(pit.open_ms - index * pit.step_ms) for index in range(1, 1 + MINUTES_OF_AVERAGE)]
    bars_with_volume = [bar for bar in bars if bar is not None and bar.volume > ZERO]
    volume = sum((bar.volume for bar in bars_with_volume), ZERO)
    if volume == ZERO:
        return pit.last
    return sum((bar.close * bar.volume for bar in bars_with_volume), ZERO) / volume


def situation(exchange: Exchange, symbol: str, account: str) -> Situation:
    """What the checks may look at, now."""
    pit, best = exchange.pits[symbol], quote(exchange, symbol)
    mine = exchange.register.open(symbol, account)
    return Situation(
        rules=pit.rules,
        account=exchange.accounts[account],
        bid=best.bid,
        ask=best.ask,
        prices=(pit.last, best.bid),
        average=average(exchange, symbol),
        open_orders=len(mine),
        waiting_orders=sum(order.is_waiting for order in mine),
        client_ids=frozenset(order.client_id for order in exchange.register.open(account=account)),
        halted=pit.halted,
    )


def completed(exchange: Exchange, wish: NewOrder) -> NewOrder:
    """The wish with a client id, and with a quantity where it named what to spend."""
    if not wish.client_id:
        wish = replace(wish, client_id=f"x{next(exchange.ids)}")
    if wish.quote_quantity > ZERO:
        best = quote(exchange, wish.symbol)
        price = best.ask if wish.side is Side.BUY else best.bid
        wish = replace(wish, quantity=floored(wish.quote_quantity / price, exchange.pits[wish.symbol].rules.step))
    return wish


def refusal_of(exchange: Exchange, wish: NewOrder, account: str) -> Refusal | None:
    """Why the completed wish cannot be taken, or None; nothing changes."""
    now = situation(exchange, wish.symbol, account)
    return first_refusal(wish, now, FILTERS) or first_refusal(wish, now, ACCEPTANCE)


def tried(exchange: Exchange, wish: NewOrder, account: str) -> Refusal | None:
    """The answer of a test order: the refusal a real one would meet now."""
    if wish.symbol not in exchange.pits:
        return Refusal(-1121, "Invalid symbol.")
    return refusal_of(exchange, completed(exchange, wish), account)


def place(exchange: Exchange, wish: NewOrder, sender: Sender, action: str = "order") -> Placed | Refusal:
    """The order is accepted, logged and has met the book; or it is refused and that is logged."""
    if wish.symbol not in exchange.pits:
        return refused(exchange, wish, sender, Refusal(-1121, "Invalid symbol."), action)
    wish = completed(exchange, wish)
    refusal = refusal_of(exchange, wish, sender.account) or stop_fault(exchange, wish, sender)
    if refusal is not None:
        return refused(exchange, wish, sender, refusal, action)
    order = accepted(exchange, wish, sender, action)
    now_ms = exchange.clock.now_ms()
    trades = exchange.apply(arrive(order, quote(exchange, wish.symbol), exchange.room), now_ms)
    return Placed(exchange.register.orders[order.order_id], tuple(trades))


def stop_fault(exchange: Exchange, wish: NewOrder, sender: Sender) -> Refusal | None:
    """The refusal a test has asked for, of stops only."""
    if wish.kind not in TRIGGERED_KINDS:
        return None
    fault = exchange.faults.take("stop_refused", sender.route, exchange.wall_ms())
    if fault is None:
        return None
    return rejected(str(fault.parameters.get("message", "Stop price would trigger immediately.")))


def accepted(exchange: Exchange, wish: NewOrder, sender: Sender, action: str) -> Order:
    """The order is in the register and the log, its coins are locked, nothing has matched yet."""
    now_ms = exchange.clock.now_ms()
    hidden = exchange.faults.take("invisible", sender.route, exchange.wall_ms())
    order = Order(
        order_id=next(exchange.ids), account=sender.account, symbol=wish.symbol, client_id=wish.client_id,
        side=wish.side, kind=wish.kind, quantity=wish.quantity, created_ms=now_ms, updated_ms=now_ms,
        price=wish.price, stop_price=wish.stop_price, quote_quantity=wish.quote_quantity,
        time_in_force=wish.time_in_force,
        visible_ms=0 if hidden is None else now_ms + int(hidden.parameters["ms"] * exchange.clock.scale),
    )  # fmt: skip
    if order.kind is not Kind.MARKET:
        rules = exchange.pits[order.symbol].rules
        account, order = locked(exchange.accounts[order.account], order, needed(order, ZERO), rules)
        exchange.accounts[order.account] = account
    exchange.register.put(order)
    write_entry(exchange, sender, action, wish, order_id=order.order_id, outcome="accepted")
    exchange.tell(OrderEvent("NEW", order, now_ms))
    exchange.tell(BalanceEvent(order.account, (spent_asset(order, exchange.pits[order.symbol].rules),), now_ms))
    return order


def refused(exchange: Exchange, wish: NewOrder, sender: Sender, refusal: Refusal, action: str) -> Refusal:
    """The refusal stands in the log."""
    write_entry(
        exchange, sender, "refuse", wish, outcome="refused", code=refusal.code, message=refusal.message, request=action
    )
    return refusal


def write_entry(exchange: Exchange, sender: Sender, action: str, wish: NewOrder, **rest: object) -> None:
    fields: dict[str, object] = {
        "arrived_ms": sender.arrived_ms, "at_ms": exchange.clock.now_ms(), "sender": sender.agent,
        "address": sender.address, "api_key": sender.account, "action": action, "symbol": wish.symbol,
        "client_id": wish.client_id, "side": wish.side.value, "type": wish.kind.value, "quantity": wish.quantity,
        "price": wish.price, "stop_price": wish.stop_price, "request": action,
    }  # fmt: skip
    exchange.log.append(**{**fields, **rest})


def wish_of(order: Order) -> NewOrder:
    """The wish an order was made from, for its log entries."""
    return NewOrder(
        symbol=order.symbol, side=order.side, kind=order.kind, quantity=order.quantity, price=order.price,
        stop_price=order.stop_price, client_id=order.client_id,
    )  # fmt: skip


def cancel(
    exchange: Exchange, target: Target, sender: Sender, allowed: Callable[[Order], bool] = lambda _: True
) -> Order | Refusal:
    """The order is cancelled and its lock free; or there is none open, and both are logged."""
    order = exchange.register.find(sender.account, target)
    if order is None or not order.is_open or not allowed(order):
        refusal = Refusal(
            -2011,
            "Unknown order sent."
            if order is None or not order.is_open
            else "Order was not canceled due to cancel restrictions.",
        )
        meant = (
            NewOrder(target.symbol, Side.BUY, Kind.LIMIT, client_id=target.client_id or "")
            if order is None
            else wish_of(order)
        )
        write_entry(
            exchange, sender, "refuse", meant, order_id=target.order_id, outcome="refused",
            code=refusal.code, message=refusal.message, request="cancel",
        )  # fmt: skip
        return refusal
    order = exchange.end(
        order, Status.CANCELED, exchange.clock.now_ms(), target.cancel_client_id or f"x{next(exchange.ids)}"
    )
    write_entry(exchange, sender, "cancel", wish_of(order), order_id=order.order_id, outcome="accepted")
    return order


def cancel_all(exchange: Exchange, symbol: str, sender: Sender) -> list[Order] | Refusal:
    """Every open order of the account on the symbol is cancelled; none open is a refusal."""
    targets = [Target(symbol, order_id=order.order_id) for order in exchange.register.open(symbol, sender.account)]
    if not targets:
        cancelled = cancel(exchange, Target(symbol), sender)
        return cancelled if isinstance(cancelled, Refusal) else [cancelled]
    ended = [cancel(exchange, target, sender) for target in targets]
    return [order for order in ended if isinstance(order, Order)]


def cancel_replace(exchange: Exchange, replacement: Replacement, sender: Sender) -> Replaced | Refusal:
    """Filters are judged first, with nothing changed on refusal; then the cancel, then the new order."""
    wish = replacement.wish
    if wish.symbol not in exchange.pits:
        return refused(exchange, wish, sender, Refusal(-1121, "Invalid symbol."), "cancelReplace")
    wish = completed(exchange, wish)
    count_free = tuple(check for check in FILTERS if check.__name__ not in ("order_count", "stop_count"))
    refusal = first_refusal(wish, situation(exchange, wish.symbol, sender.account), count_free)
    if refusal is not None:
        return refused(exchange, wish, sender, refusal, "cancelReplace")
    cancelled = cancel(exchange, replacement.target, sender, lambda order: order.status in replacement.only)
    if isinstance(cancelled, Refusal) and replacement.stop_on_failure:
        return Replaced(cancelled, None)
    return Replaced(cancelled, place(exchange, wish, sender, "cancelReplace"))
