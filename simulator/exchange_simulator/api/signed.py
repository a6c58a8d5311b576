"""Signed requests: who asks, whether they may, and whether the request is fresh, judged twice."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from exchange_simulator.api.door import pause, route_of
from exchange_simulator.api.house import ARRIVED, ENTRIES, HOUSE, House, answer, no, wall_headers
from exchange_simulator.dialect.read import Parameters, required, whole
from exchange_simulator.dialect.signature import DEFAULT_WINDOW_MS, Tolerance, is_signed, signed_part, window_refusal
from exchange_simulator.dialect.weights import ORDERS_PLACED
from exchange_simulator.domain.account import Account
from exchange_simulator.domain.refusal import Refusal
from exchange_simulator.domain.request import Sender

NOT_ALLOWED = Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
BAD_KEY = Refusal(-2014, "API-key format invalid.", status=401)
BAD_SIGNATURE = Refusal(-1022, "Signature for this request is not valid.")


@dataclass(frozen=True, slots=True)
class Call:
    """A signed request that may be acted on."""

    house: House
    parameters: Parameters
    account: Account
    sender: Sender


Act = Callable[[Call], Any]


def signed(permission: str, act: Act) -> Callable[[web.Request], Any]:
    """A route that runs *act* for a fresh request of a key with *permission*; a Refusal becomes the error."""

    async def route(request: web.Request) -> web.StreamResponse:
        query, body = request.raw_path.partition("?")[2], await request.text()
        parameters = dict(parse_qsl(query) + parse_qsl(body))
        house, name = request.app[HOUSE], route_of(request)
        refusal = identity_refusal(request, parameters, signed_part(query, body), permission)
        refusal = refusal or freshness(house, parameters)
        if refusal is not None:
            return no(refusal)
        wait = pause(house, "delay_between", name)
        if wait:
            await asyncio.sleep(wait)
            house.exchange.advance()
        # The venue looks at the window again before it matches.
        late = freshness(house, parameters)
        return no(late) if late is not None else acted(request, parameters, act)

    return route


def identity_refusal(request: web.Request, parameters: Parameters, payload: str, permission: str) -> Refusal | None:
    """Why the sender may not do this, or None."""
    house, name = request.app[HOUSE], route_of(request)
    key = request.headers.get("X-MBX-APIKEY", "")
    if not key:
        return BAD_KEY
    account = house.exchange.accounts.get(key)
    faults, wall_ms = house.exchange.faults, house.exchange.wall_ms()
    if account is None or faults.take("auth_refused", name, wall_ms):
        return NOT_ALLOWED
    if not is_signed(account.secret, payload, required(parameters, "signature")):
        return BAD_SIGNATURE
    return None if permission in allowed(house, account, name) else NOT_ALLOWED


def allowed(house: House, account: Account, route: str) -> frozenset[str]:
    """What the key may do now; a `permissions` fault overrides the account."""
    fault = house.exchange.faults.find("permissions", route, house.exchange.wall_ms())
    if fault is None or fault.parameters.get("api_key") not in (None, account.key):
        return account.permissions
    return frozenset(fault.parameters.get("permissions", ["read"]))


def freshness(house: House, parameters: Parameters) -> Refusal | None:
    """Why the request is too old or too new, or None."""
    timestamp = (
        int(required(parameters, "timestamp"))
        if parameters.get("timestamp", "").isdigit()
        else whole(parameters, "timestamp")
    )
    if timestamp is None:
        required(parameters, "timestamp")
    window = whole(parameters, "recvWindow")
    clock = house.exchange.clock
    tolerance = Tolerance(clock.scale, clock.standing_wall_ms())
    return window_refusal(timestamp or 0, DEFAULT_WINDOW_MS if window is None else window, house.venue_ms(), tolerance)


def acted(request: web.Request, parameters: Parameters, act: Act) -> web.Response:
    """The act is done, its log entries are tied to this request, its answer is ready."""
    house, name = request.app[HOUSE], route_of(request)
    account = house.exchange.accounts[request.headers["X-MBX-APIKEY"]]
    sender = Sender(account.key, request.headers.get("User-Agent", ""), request.remote or "", request[ARRIVED], name)
    now_ms = house.exchange.clock.now_ms()
    short, long, refusal = house.rates.count_orders(account.key, ORDERS_PLACED.get(name, 0), now_ms)
    headers = {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1D": str(long)}
    if refusal is not None:
        return no(wall_headers(refusal, house.exchange.clock.scale))
    first = len(house.exchange.log.entries)
    result = act(Call(house, parameters, account, sender))
    request[ENTRIES] = (first, len(house.exchange.log.entries))
    response = (
        result if isinstance(result, web.Response) else no(result) if isinstance(result, Refusal) else answer(result)
    )
    if name in ORDERS_PLACED:
        response.headers.update(headers)
    return response
