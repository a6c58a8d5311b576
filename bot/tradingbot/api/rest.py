"""Port 8000: what people and the operator ask and order, with a bearer token."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from tradingbot.api import view
from tradingbot.api.answers import NO_TOKEN, BadBody, BadQuery, Json, error
from tradingbot.api.auditing import auditing_routes
from tradingbot.api.breaking import breakers, resetting
from tradingbot.api.desk import Desk, Tokens, admitted
from tradingbot.api.fence import fence_routes
from tradingbot.api.logs import levelling, tailing
from tradingbot.api.maintaining import maintaining_routes
from tradingbot.api.market import market_socket, sockets
from tradingbot.api.openapi import describing
from tradingbot.api.ops import health
from tradingbot.api.pacing import rate_limiting
from tradingbot.api.pacing import status as overall
from tradingbot.api.reconciling import reconciling
from tradingbot.api.reports import report_routes
from tradingbot.api.simulating import simulating
from tradingbot.api.stopping import stopping_routes
from tradingbot.api.switching import strategies, switching
from tradingbot.api.usage import Usage
from tradingbot.domain.errors import LedgerUnavailable, UnknownState
from tradingbot.domain.order import WORKING
from tradingbot.domain.words import storable

Endpoint = Callable[[Request], Awaitable[Response]]
LIMIT = 1000
log = structlog.stdlib.get_logger(__name__)


def http_app(desk: Desk) -> Starlette:
    """The application of the API port."""

    async def report(_: Request) -> Response:
        return health(desk)

    people = [
        Route("/api/openapi.json", guarded(desk.api_tokens, describing())),
        Route("/api/status", guarded(desk.api_tokens, _status(desk))),
        Route("/api/positions", guarded(desk.api_tokens, _positions(desk))),
        Route("/api/orders", guarded(desk.api_tokens, _orders(desk))),
        Route("/api/trades", guarded(desk.api_tokens, _trades(desk))),
        Route("/api/security/api-usage/summary", guarded(desk.api_tokens, _usage(desk.usage))),
        Route("/api/reconcile", guarded(desk.api_tokens, reconciling(desk)), methods=["POST"]),
    ]
    people += [
        Route("/api/circuit-breakers", guarded(desk.api_tokens, breakers(desk))),
        Route("/api/circuit-breakers/reset", guarded(desk.api_tokens, resetting(desk)), methods=["POST"]),
    ]
    people += [
        Route("/api/strategies", guarded(desk.api_tokens, strategies(desk))),
        Route("/api/strategies/enable", guarded(desk.api_tokens, switching(desk, on=True)), methods=["POST"]),
        Route("/api/strategies/disable", guarded(desk.api_tokens, switching(desk, on=False)), methods=["POST"]),
    ]
    simulation = guarded(desk.api_tokens, simulating(desk))
    people += [Route("/api/config/simulation-mode", simulation, methods=["GET", "POST"])]
    people += [Route("/api/logs", guarded(desk.api_tokens, tailing(desk)))]
    people += [Route("/api/config/log-level", guarded(desk.api_tokens, levelling(desk)), methods=["GET", "PUT"])]
    pace = guarded(desk.api_tokens, rate_limiting(desk))
    people += [Route("/api/config/rate-limit", pace, methods=["GET", "POST"])]
    read = (*report_routes(desk), *auditing_routes(desk))
    people += [Route(path, guarded(desk.api_tokens, endpoint)) for path, endpoint in read]
    orders = (*stopping_routes(desk), *maintaining_routes(desk))
    stopping = [Route(path, guarded(desk.api_tokens, endpoint), methods=["POST"]) for path, endpoint in orders]
    fence = [
        Route(path, guarded(desk.operator_tokens, endpoint), methods=["POST"]) for path, endpoint in fence_routes(desk)
    ]
    health_routes = [Route("/health", report), Route("/api/health", report)]
    people += [Route("/api/metrics/websockets", guarded(desk.api_tokens, sockets(desk)))]
    listening = WebSocketRoute("/ws/market", market_socket(desk))
    routes = [*health_routes, *people, *stopping, *fence, listening]
    return Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})


async def unknown(request: Request, refusal: Exception) -> Response:
    """A path that is not there, or a method it does not have."""
    headers = getattr(refusal, "headers", None) or {}
    if methods := headers.get("Allow"):
        return error(405, f"{request.method} is not for this path: send {methods}", headers)
    return error(404, "there is no such path: /api/openapi.json lists them")


def guarded(tokens: Tokens, endpoint: Endpoint) -> Endpoint:
    """*endpoint*, reached only with one of *tokens*; what the caller did wrong is answered, what we did is logged."""

    async def guard(request: Request) -> Response:
        if not admitted(tokens, request.headers.get("authorization", "")):
            return error(401, NO_TOKEN)
        try:
            return await endpoint(request)
        except (BadBody, BadQuery) as refusal:
            return error(422, str(refusal))
        except LedgerUnavailable as away:
            return error(503, f"the ledger cannot be reached ({away}): try again later")
        except UnknownState as unknown:
            return error(500, f"{unknown}: mend that row, or restore the ledger")
        except Exception:
            log.exception("request failed", path=request.url.path)
            return error(500, "this request failed by a fault of the bot: its log says more")

    return guard


def _status(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json(overall(desk))

    return answer


def _usage(usage: Usage) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json(usage.summary())

    return answer


def _positions(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json([view.position(each) for each in desk.commands.snapshot().positions])

    return answer


def _orders(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        limit, wanted = _limit(request), request.query_params.get("status", "all")
        if wanted not in ("all", "open"):
            raise BadQuery(f'status "{wanted}" is unknown: write open or all')
        statuses = WORKING if wanted == "open" else None
        records = await desk.ask(lambda ledger: ledger.orders(statuses, limit))
        return Json([view.order(each) for each in records])

    return answer


def _trades(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        limit, symbol = _limit(request), request.query_params.get("symbol")
        fills = await desk.ask(lambda ledger: ledger.fills(symbol and storable(symbol)))
        newest = sorted(fills, key=lambda fill: fill.at, reverse=True)[:limit]
        return Json([view.trade(each) for each in newest])

    return answer


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "100")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LIMIT):
        raise BadQuery(f'limit "{text[:20]}" is not a number from 1 to {LIMIT}: write one')
    return int(text)
