"""Writes turned away before the counter, by key, signature, time or limit: they are logged too."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from aiohttp import web

from exchange_simulator.api.house import ARRIVED, ENTRIES, House

WRITES: Mapping[str, str] = {
    "POST /api/v3/order": "order",
    "DELETE /api/v3/order": "cancel",
    "DELETE /api/v3/openOrders": "cancel",
    "POST /api/v3/order/cancelReplace": "cancelReplace",
}


async def note_unserved(house: House, request: web.Request, response: web.StreamResponse) -> None:
    """A write that was refused before the counter stands in the log as a refusal; others are left alone."""
    action = WRITES.get(f"{request.method} {request.path}")
    if action is None or ENTRIES in request or not isinstance(response, web.Response):
        return
    parameters = dict(parse_qsl(request.query_string) + parse_qsl(await request.text()))
    answer = json.loads(response.text or "{}")
    house.exchange.log.append(
        arrived_ms=request[ARRIVED], at_ms=house.exchange.clock.now_ms(), action="refuse", request=action,
        sender=request.headers.get("User-Agent", ""), address=request.remote or "",
        api_key=request.headers.get("X-MBX-APIKEY", ""), symbol=parameters.get("symbol", ""),
        client_id=client_id(parameters), side=parameters.get("side", ""), type=parameters.get("type", ""),
        quantity=decimal(parameters.get("quantity", "")), price=decimal(parameters.get("price", "")),
        stop_price=decimal(parameters.get("stopPrice", "")), outcome="refused",
        code=answer.get("code"), message=answer.get("msg", ""),
    )  # fmt: skip
    end = len(house.exchange.log.entries)
    request[ENTRIES] = (end - 1, end)


def client_id(parameters: Mapping[str, str]) -> str:
    names = ("newClientOrderId", "origClientOrderId", "cancelOrigClientOrderId")
    return next((parameters[name] for name in names if name in parameters), "")


def decimal(text: str) -> Decimal:
    """The amount as sent, or zero where it is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)
