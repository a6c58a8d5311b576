"""The account, its fees and its key."""

from typing import Any

from aiohttp import web

from exchange_simulator.api.door import route_of
from exchange_simulator.api.house import HOUSE, answer
from exchange_simulator.api.signed import Call, allowed, signed
from exchange_simulator.dialect import orders as wire
from exchange_simulator.dialect.amounts import text


def account(call: Call) -> Any:
    fees = call.house.exchange.fees
    body = wire.account(call.account, call.account.rates or (fees.maker, fees.taker))
    if call.parameters.get("omitZeroBalances") == "true":
        body["balances"] = [row for row in body["balances"] if float(row["free"]) or float(row["locked"])]
    return body


def trade_fee(call: Call) -> Any:
    fees = call.house.exchange.fees
    maker, taker = call.account.rates or (fees.maker, fees.taker)
    asked = call.parameters.get("symbol")
    return [
        {"symbol": name, "makerCommission": text(maker), "takerCommission": text(taker)}
        for name in call.house.exchange.pits
        if asked in (None, name)
    ]


def restrictions(call: Call) -> Any:
    permissions = allowed(call.house, call.account, "GET /sapi/v1/account/apiRestrictions")
    return {
        "ipRestrict": False,
        "createTime": 0,
        "enableReading": "read" in permissions,
        "enableSpotAndMarginTrading": "spot" in permissions,
        "enableWithdrawals": "withdraw" in permissions,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enablePortfolioMarginTrading": False,
    }


def order_rates(call: Call) -> Any:
    short, long, _ = call.house.rates.count_orders(call.account.key, 0, call.house.exchange.clock.now_ms())
    limits = call.house.rates.limits
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": "SECOND",
            "intervalNum": 10,
            "limit": limits.orders_ten_seconds,
            "count": short,
        },
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": limits.orders_day, "count": long},
    ]


async def system_status(request: web.Request) -> web.Response:
    exchange = request.app[HOUSE].exchange
    down = exchange.faults.find("maintenance", route_of(request), exchange.wall_ms()) is not None
    return answer({"status": int(down), "msg": "system maintenance" if down else "normal"})


def routes() -> list[web.RouteDef]:
    """The account routes."""
    return [
        web.get("/api/v3/account", signed("read", account), allow_head=False),
        web.get("/api/v3/rateLimit/order", signed("read", order_rates), allow_head=False),
        web.get("/sapi/v1/asset/tradeFee", signed("read", trade_fee), allow_head=False),
        web.get("/sapi/v1/account/apiRestrictions", signed("read", restrictions), allow_head=False),
        web.get("/sapi/v1/system/status", system_status, allow_head=False),
    ]
