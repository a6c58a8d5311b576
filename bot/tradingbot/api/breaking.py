"""``/api/circuit-breakers``: how the breakers stand, and the way to close them before their time."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import Json, body, error
from tradingbot.api.desk import Desk

Endpoint = Callable[[Request], Awaitable[Response]]
log = structlog.stdlib.get_logger(__name__)


def breakers(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json({"circuit_breakers": shown(desk)})

    return answer


def resetting(desk: Desk) -> Endpoint:
    """One by its name, or all; what made it open may open it again."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {}, {"name": "binance/enter", "reason": "why"})
        name = sent.get("name", "").strip() or None
        closed = await desk.commands.reset_breakers(name)
        if closed is None:
            known = ", ".join(each["name"] for each in shown(desk)) or "none"
            return error(404, f'name "{name or ""}" is no breaker of this bot: write one of {known}, or leave it out')
        log.warning("Circuit breakers reset", closed=closed, reason=sent.get("reason", "").strip())
        return Json({"reset": list(closed), "circuit_breakers": shown(desk)})

    return answer


def shown(desk: Desk) -> list[view.Json]:
    return [view.breaker(*each) for each in desk.commands.snapshot().breakers]
