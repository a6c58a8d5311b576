"""The ways to stop trading over HTTP, and the one way to let it go on: what each of them latches."""

from collections.abc import Awaitable, Callable, Iterator

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import BadBody, Json, body, error
from tradingbot.api.desk import Desk
from tradingbot.api.maintaining import BUSY, in_maintenance
from tradingbot.domain.halt import MAINTENANCE, HaltKind

Endpoint = Callable[[Request], Awaitable[Response]]
REASON = "why trading stops"


def stopping_routes(desk: Desk) -> Iterator[tuple[str, Endpoint]]:
    """Path and endpoint of each order to stop or to go on."""
    yield "/api/halt", _halt(desk)
    yield "/api/resume", _resume(desk)
    yield "/api/trading/disable", _stop(desk, HaltKind.REDUCE, "trading disabled")
    yield "/api/emergency/stop-all-trading", _stop(desk, HaltKind.HALT, "emergency stop")
    yield "/api/emergency/close-all-positions", _stop(desk, HaltKind.FLATTEN, "emergency closure")


def _halt(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        sent = await body(request, {"reason": REASON}, {"kind": "halt"})
        kind = sent.get("kind", "halt")
        if kind not in {each.value for each in HaltKind}:
            raise BadBody(f'kind "{kind}" is unknown: write reduce, halt or flatten')
        made = await desk.commands.halt(sent["reason"].strip(), HaltKind(kind), "http")
        return Json(view.halt(made), 201)

    return answer


def _stop(desk: Desk, kind: HaltKind, usual: str) -> Endpoint:
    """A halt of *kind*; whoever is in a hurry need not say why."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {}, {"reason": REASON})
        made = await desk.commands.halt(sent.get("reason", "").strip() or usual, kind, "http")
        return Json(view.halt(made), 201)

    return answer


def _resume(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        sent = await body(request, {"id": "the halt's id", "reason": "why trading may go on"}, {})
        standing = desk.commands.snapshot().halts
        if in_maintenance(desk) and not sent["id"].strip().startswith(MAINTENANCE):
            return error(503, BUSY)
        if not await desk.commands.resume(sent["id"].strip(), sent["reason"].strip()):
            ids = ", ".join(each.id for each in standing) or "none"
            return error(404, f'id "{sent["id"]}" is not a standing halt: write one of {ids}')
        rest = desk.commands.snapshot().halts
        return Json({"resumed": sent["id"].strip(), "halts": [view.halt(each) for each in rest]})

    return answer
