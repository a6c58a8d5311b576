"""Orders, trades and accounts as JSON."""

import hashlib
from collections.abc import Iterable
from typing import Any

from exchange_simulator.dialect.amounts import text
from exchange_simulator.domain.account import Account
from exchange_simulator.domain.order import TRIGGERED_KINDS, Order, Side, Trade
from exchange_simulator.domain.refusal import Refusal

Json = dict[str, Any]


def refusal(no: Refusal) -> Json:
    """The error body."""
    return {"code": no.code, "msg": no.message}


def amounts(order: Order) -> Json:
    fields = {
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": text(order.quote_quantity),
        "cummulativeQuoteQty": text(order.quote_executed),
        "status": order.status.value,
        "timeInForce": order.time_in_force.value,
        "type": order.kind.value,
        "side": order.side.value,
    }
    return {**fields, "stopPrice": text(order.stop_price)} if order.kind in TRIGGERED_KINDS else fields


def placed(order: Order, trades: Iterable[Trade], detail: str) -> Json:
    """The answer to a new order in the detail asked for: ACK, RESULT or FULL."""
    ack = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.updated_ms,
    }
    if detail == "ACK":
        return ack
    result = {**ack, **amounts(order), "workingTime": order.created_ms, "selfTradePreventionMode": "NONE"}
    return result if detail == "RESULT" else {**result, "fills": [filled(trade) for trade in trades]}


def filled(trade: Trade) -> Json:
    return {
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "commission": text(trade.commission),
        "commissionAsset": trade.commission_asset,
        "tradeId": trade.trade_id,
    }


def queried(order: Order) -> Json:
    """The answer to a question for an order."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        **amounts(order),
        "stopPrice": text(order.stop_price),
        "icebergQty": text(order.stop_price - order.stop_price),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": not order.is_waiting,
        "workingTime": order.created_ms,
        "selfTradePreventionMode": "NONE",
    }


def cancelled(order: Order, cancel_client_id: str) -> Json:
    """The answer to a cancel: the id of the cancel first, the order's own as the original."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_client_id or order.client_id,
        "transactTime": order.updated_ms,
        **amounts(order),
        "selfTradePreventionMode": "NONE",
    }


def trade(done: Trade) -> Json:
    """A line of myTrades."""
    return {
        "symbol": done.symbol,
        "id": done.trade_id,
        "orderId": done.order_id,
        "orderListId": -1,
        "price": text(done.price),
        "qty": text(done.quantity),
        "quoteQty": text(done.quote_quantity),
        "commission": text(done.commission),
        "commissionAsset": done.commission_asset,
        "time": done.time_ms,
        "isBuyer": done.side is Side.BUY,
        "isMaker": done.maker,
        "isBestMatch": True,
    }


def account(held: Account, rates: tuple[Any, Any]) -> Json:
    """The answer to GET account."""
    maker, taker = rates
    return {
        "makerCommission": int(maker * 10_000),
        "takerCommission": int(taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": text(maker), "taker": text(taker), "buyer": "0.00000000", "seller": "0.00000000"},
        "canTrade": "spot" in held.permissions,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": held.updated_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": text(balance.free), "locked": text(balance.locked)}
            for asset, balance in sorted(held.balances.items())
        ],
        "permissions": ["SPOT"],
        "uid": account_number(held.owner or held.key),
    }


def account_number(owner: str) -> int:
    """The number a person's account has at the venue; the same at every start."""
    return int(hashlib.sha256(owner.encode()).hexdigest()[:8], 16)
