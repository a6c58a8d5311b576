"""Maintenance: exits only, and nobody lets trading go on by the way until whoever works on the bot has ended it.

It is a halt like every other: latched in the ledger, the same in both colours, and stops and exits go on.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import Json, body, error
from tradingbot.api.desk import Desk
from tradingbot.domain.halt import MAINTENANCE, Halt, HaltKind

Endpoint = Callable[[Request], Awaitable[Response]]
WHY = {"reason": "why"}
BUSY = "the bot is in maintenance: end it first, by POST /api/maintenance/disable"


def maintaining_routes(desk: Desk) -> Iterator[tuple[str, Endpoint]]:
    """Path and endpoint of each order."""
    yield "/api/maintenance/enable", _enable(desk)
    yield "/api/maintenance/disable", _disable(desk)
    yield "/api/trading/enable", _trade(desk)


def in_maintenance(desk: Desk) -> tuple[Halt, ...]:
    """The halts that are maintenance; none when it is not under way."""
    return tuple(halt for halt in desk.commands.snapshot().halts if halt.id.startswith(MAINTENANCE))


def _enable(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        sent = await body(request, {}, WHY)
        standing = in_maintenance(desk)
        if not standing:
            halt_id = f"{MAINTENANCE}{int(desk.now().timestamp() * 1_000_000):x}"
            reason = sent.get("reason", "").strip() or "maintenance"
            standing = (await desk.commands.halt(reason, HaltKind.REDUCE, "http", halt_id),)
        return Json({"maintenance": True, "halts": [view.halt(each) for each in standing]})

    return answer


def _disable(desk: Desk) -> Endpoint:
    """Other halts stay: each of them is somebody's word."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {}, WHY)
        await _clear(desk, in_maintenance(desk), sent.get("reason", "").strip() or "maintenance has ended")
        return Json({"maintenance": False, "halts": [view.halt(each) for each in desk.commands.snapshot().halts]})

    return answer


def _trade(desk: Desk) -> Endpoint:
    """What ``/api/trading/disable`` has latched is cleared, and no other halt."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {}, WHY)
        if in_maintenance(desk):
            return error(503, BUSY)
        standing = desk.commands.snapshot().halts
        disabled = [halt for halt in standing if halt.kind is HaltKind.REDUCE and halt.source == "http"]
        await _clear(desk, disabled, sent.get("reason", "").strip() or "trading enabled")
        rest = [view.halt(each) for each in desk.commands.snapshot().halts]
        return Json({"resumed": [halt.id for halt in disabled], "halts": rest})

    return answer


async def _clear(desk: Desk, halts: Sequence[Halt], reason: str) -> None:
    for halt in halts:
        await desk.commands.resume(halt.id, reason)
