"""Orders: placed, tested, cancelled, replaced, asked for."""

from typing import Any

from aiohttp import web

from exchange_simulator import desk
from exchange_simulator.api.house import answer
from exchange_simulator.api.signed import Call, signed
from exchange_simulator.desk import Placed, Replacement
from exchange_simulator.dialect import orders as wire
from exchange_simulator.dialect.read import BadParameter, new_order, required, symbol, target, whole
from exchange_simulator.domain.order import Kind, Order, Status
from exchange_simulator.domain.refusal import Refusal

PARTLY = Refusal(-2021, "Order cancel-replace partially failed.", status=409)
WHOLLY = Refusal(-2022, "Order cancel-replace failed.")
RESTRICTIONS = {
    "ONLY_NEW": frozenset({Status.NEW}),
    "ONLY_PARTIALLY_FILLED": frozenset({Status.PARTIALLY_FILLED}),
}
LONGEST_LIST = 1000
USUAL_LIST = 500


def detail(call: Call, kind: Kind) -> str:
    """How much of a new order is answered; market and limit in full unless asked otherwise."""
    usual = "FULL" if kind in (Kind.MARKET, Kind.LIMIT) else "ACK"
    asked = call.parameters.get("newOrderRespType", "") or usual
    if asked not in ("ACK", "RESULT", "FULL"):
        raise BadParameter(-1124, "Invalid newOrderRespType.")
    return asked


def place(call: Call) -> Any:
    wish = new_order(call.parameters, call.house.exchange.pits)
    level = detail(call, wish.kind)
    done = desk.place(call.house.exchange, wish, call.sender)
    return wire.placed(done.order, done.trades, level) if isinstance(done, Placed) else done


def test(call: Call) -> Any:
    wish = new_order(call.parameters, call.house.exchange.pits)
    return desk.tried(call.house.exchange, wish, call.account.key) or {}


def cancel(call: Call) -> Any:
    meant = target(call.parameters, call.house.exchange.pits)
    done = desk.cancel(call.house.exchange, meant, call.sender, allowed(call))
    return wire.cancelled(done, meant.cancel_client_id) if isinstance(done, Order) else done


def allowed(call: Call) -> Any:
    only = restriction(call)
    return lambda order: order.status in only


def restriction(call: Call) -> frozenset[Status]:
    asked = call.parameters.get("cancelRestrictions", "")
    if asked and asked not in RESTRICTIONS:
        raise BadParameter(-1145, "Invalid cancelRestrictions")
    return RESTRICTIONS.get(asked, frozenset({Status.NEW, Status.PARTIALLY_FILLED}))


def cancel_all(call: Call) -> Any:
    done = desk.cancel_all(call.house.exchange, symbol(call.parameters, call.house.exchange.pits), call.sender)
    return done if isinstance(done, Refusal) else [wire.cancelled(order, "") for order in done]


def replace(call: Call) -> Any:
    wish = new_order(call.parameters, call.house.exchange.pits)
    level = detail(call, wish.kind)
    mode = required(call.parameters, "cancelReplaceMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise BadParameter(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
    meant = target(call.parameters, call.house.exchange.pits, prefix="cancel")
    asked = Replacement(meant, wish, mode == "STOP_ON_FAILURE", restriction(call))
    done = desk.cancel_replace(call.house.exchange, asked, call.sender)
    return done if isinstance(done, Refusal) else halves(done, meant.cancel_client_id, level)


def halves(done: desk.Replaced, cancel_client_id: str, level: str) -> Any:
    """Both halves with their results; one failed is -2021, both (or the second not tried) -2022."""
    cancelled = isinstance(done.cancelled, Order)
    placed = isinstance(done.placed, Placed)
    body = {
        "cancelResult": "SUCCESS" if cancelled else "FAILURE",
        "newOrderResult": "SUCCESS" if placed else "NOT_ATTEMPTED" if done.placed is None else "FAILURE",
        "cancelResponse": wire.cancelled(done.cancelled, cancel_client_id)
        if isinstance(done.cancelled, Order)
        else wire.refusal(done.cancelled),
        "newOrderResponse": wire.placed(done.placed.order, done.placed.trades, level)
        if isinstance(done.placed, Placed)
        else None
        if done.placed is None
        else wire.refusal(done.placed),
    }
    if cancelled and placed:
        return body
    failure = PARTLY if cancelled or placed else WHOLLY
    return answer({**wire.refusal(failure), "data": body}, failure.status)


def visible(call: Call, order: Order) -> bool:
    """False while a test keeps the order from queries."""
    return order.visible_ms <= call.house.exchange.clock.now_ms()


def query(call: Call) -> Any:
    order = call.house.exchange.register.find(call.account.key, target(call.parameters, call.house.exchange.pits))
    if order is None or not visible(call, order):
        return Refusal(-2013, "Order does not exist.")
    return wire.queried(order)


def open_orders(call: Call) -> Any:
    only = symbol(call.parameters, call.house.exchange.pits) if "symbol" in call.parameters else None
    found = call.house.exchange.register.open(only, call.account.key)
    return [wire.queried(order) for order in found if visible(call, order)]


def limit_of(call: Call) -> int:
    asked = whole(call.parameters, "limit")
    return min(LONGEST_LIST, USUAL_LIST if asked is None else asked)


def span(call: Call) -> tuple[int, int]:
    """The asked time span; open ends are all of time."""
    start, end = whole(call.parameters, "startTime"), whole(call.parameters, "endTime")
    return start or 0, end if end is not None else 1 << 62


def all_orders(call: Call) -> Any:
    start, end = span(call)
    first = whole(call.parameters, "orderId")
    found = [
        order
        for order in call.house.exchange.register.of(
            call.account.key, symbol(call.parameters, call.house.exchange.pits)
        )
        if visible(call, order) and start <= order.created_ms <= end and (first is None or order.order_id >= first)
    ]
    kept = found[: limit_of(call)] if first is not None or start else found[-limit_of(call) :]
    return [wire.queried(order) for order in kept]


def my_trades(call: Call) -> Any:
    start, end = span(call)
    first, of_order = whole(call.parameters, "fromId"), whole(call.parameters, "orderId")
    found = [
        trade
        for trade in call.house.exchange.register.trades_of(
            call.account.key, symbol(call.parameters, call.house.exchange.pits)
        )
        if start <= trade.time_ms <= end
        and (first is None or trade.trade_id >= first)
        and of_order in (None, trade.order_id)
    ]
    kept = found[: limit_of(call)] if first is not None or start else found[-limit_of(call) :]
    return [wire.trade(trade) for trade in kept]


def routes() -> list[web.RouteDef]:
    """The order routes."""
    base = "/api/v3"
    return [
        web.post(f"{base}/order", signed("spot", place)),
        web.post(f"{base}/order/test", signed("spot", test)),
        web.delete(f"{base}/order", signed("spot", cancel)),
        web.post(f"{base}/order/cancelReplace", signed("spot", replace)),
        web.delete(f"{base}/openOrders", signed("spot", cancel_all)),
        web.get(f"{base}/order", signed("read", query), allow_head=False),
        web.get(f"{base}/openOrders", signed("read", open_orders), allow_head=False),
        web.get(f"{base}/allOrders", signed("read", all_orders), allow_head=False),
        web.get(f"{base}/myTrades", signed("read", my_trades), allow_head=False),
    ]
