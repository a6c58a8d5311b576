"""What every request of the dialect passes: outage and faults, weight and its headers, the venue's errors."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from exchange_simulator.api.house import ARRIVED, ENTRIES, HOUSE, House, no, wall_headers
from exchange_simulator.api.unserved import note_unserved
from exchange_simulator.control.faults import Fault
from exchange_simulator.dialect.read import BadParameter
from exchange_simulator.dialect.weights import weight
from exchange_simulator.domain.refusal import Refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MESSAGES = {
    429: Refusal(-1003, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."),
    418: Refusal(-1003, "Way too much request weight used; IP banned."),
    500: Refusal(-1000, "An unknown error occurred while processing the request."),
    504: Refusal(
        -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    ),
}
UNKNOWN = Refusal(-1006, "An unexpected response was received from the message bus. Execution status unknown.")
CLOSED = Refusal(1, "System is under maintenance.", status=503)
HANG_SECONDS = 120.0
LOOK_SECONDS = 0.02


def route_of(request: web.Request) -> str:
    """`METHOD /path`, the name faults and weights use."""
    return f"{request.method} {request.path}"


def pause(house: House, kind: str, route: str) -> float:
    """Wall seconds of a delay fault, or zero."""
    fault = house.exchange.faults.take(kind, route, house.exchange.wall_ms())
    return 0.0 if fault is None else float(fault.parameters["ms"]) / 1000


def faulty(fault: Fault) -> Refusal:
    """The answer a `status` fault asks for."""
    status = int(fault.parameters.get("status", 503))
    base = MESSAGES.get(status, UNKNOWN)
    after = fault.parameters.get("retry_after")
    headers = {} if after is None else {"Retry-After": str(after)}
    code = int(fault.parameters.get("code", base.code))
    return Refusal(code, str(fault.parameters.get("message", base.message)), status, headers)


def turned_away(house: House, route: str) -> Refusal | None:
    """Why nobody is served at all, or None."""
    faults, wall_ms = house.exchange.faults, house.exchange.wall_ms()
    if faults.find("maintenance", route, wall_ms) and not route.endswith("/system/status"):
        return CLOSED
    fault = faults.find("status", route, wall_ms)
    if fault is None or fault.parameters.get("after"):
        return None
    faults.take("status", route, wall_ms)
    return faulty(fault)


@web.middleware
async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Requests of the dialect are weighed, may meet a fault, and are answered with the venue's headers."""
    route, house = route_of(request), request.app[HOUSE]
    if not request.path.startswith(("/api/", "/sapi/")):
        return await handler(request)
    await asyncio.sleep(pause(house, "delay_before", route))
    house.exchange.advance()
    if house.outage:
        return web.Response(status=503, text="<html><body><h1>503 Service Unavailable</h1></body></html>")
    request[ARRIVED] = house.exchange.clock.now_ms()
    used, refusal = house.rates.weigh(request.remote or "", weight(route, request.query), request[ARRIVED])
    refusal = refusal or turned_away(house, route)
    response = (
        await served(request, handler) if refusal is None else no(wall_headers(refusal, house.exchange.clock.scale))
    )
    await note_unserved(house, request, response)
    response.headers["X-MBX-USED-WEIGHT"] = response.headers["X-MBX-USED-WEIGHT-1M"] = str(used)
    return await leave(request, response)


async def served(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or the venue's error."""
    try:
        return await handler(request)
    except BadParameter as error:
        return no(error.refusal)
    except web.HTTPNotFound:
        return web.Response(
            status=404, text="<html><body><h2>404 Not found</h2></body></html>", content_type="text/html"
        )
    except web.HTTPMethodNotAllowed:
        return no(Refusal(-1000, "Request method is not supported.", status=405))


async def leave(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The answer leaves: late, replaced or never, when a test asked for it."""
    house, route = request.app[HOUSE], route_of(request)
    faults, wall_ms = house.exchange.faults, house.exchange.wall_ms()
    fault = faults.find("status", route, wall_ms)
    if fault is not None and fault.parameters.get("after"):
        faults.take("status", route, wall_ms)
        response = no(faulty(fault))
    await asyncio.sleep(pause(house, "delay_after", route))
    lost = faults.take("lost_answer", route, wall_ms)
    if lost is not None:
        await lose(request, hang=lost.parameters.get("how", "hang") != "drop")
        return response
    first, last = request.get(ENTRIES, (0, 0))
    house.exchange.log.answered(first, last, house.exchange.clock.now_ms())
    return response


async def lose(request: web.Request, *, hang: bool) -> None:
    """The caller never hears: the connection is held until it gives up, then dropped."""
    waited = 0.0
    while hang and waited < HANG_SECONDS and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    if request.transport is not None:
        request.transport.abort()
