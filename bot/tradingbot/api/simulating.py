"""``/api/config/simulation-mode``: invented prices in place of the market's, where no money can follow them."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api.answers import Json, error, fields
from tradingbot.api.desk import Desk
from tradingbot.domain.snapshot import Snapshot

Endpoint = Callable[[Request], Awaitable[Response]]
log = structlog.stdlib.get_logger(__name__)


def simulating(desk: Desk) -> Endpoint:
    """GET tells it, POST ``{"enabled": true}`` sets it; 409 where an outage would be hidden from a bot with money."""

    async def answer(request: Request) -> Response:
        if request.method == "POST":
            sent = await fields(request, {"enabled": True}, frozenset())
            why = refused(desk, desk.commands.snapshot()) if sent["enabled"] else None
            if why is not None:
                return error(409, f"enabled true: {why}")
            if desk.invention is not None:
                desk.invention.on = sent["enabled"]
            log.warning("Simulation mode", enabled=sent["enabled"])
        return Json({"simulation_mode": desk.invention is not None and desk.invention.on})

    return answer


def refused(desk: Desk, shown: Snapshot) -> str | None:
    """Why prices may not be invented, or None: on paper they may, at a market only for who is halted and flat."""
    book = desk.identity.book
    if desk.invention is None or book not in ("paper", "sandbox", "live"):
        return f"a bot of mode {book} cannot be switched to invented prices; use one of mode paper"
    if book == "paper":
        return None
    held = sum(1 for each in shown.positions if not each.dust)
    if shown.epoch is not None and shown.halted and not (held or shown.open_orders or shown.unresolved):
        return None
    state = "halted" if shown.halted else "not halted"
    return (
        f"this bot trades at a market ({book}), is {state}, holds {held} positions and has {shown.open_orders} open "
        "orders; halt it and close everything first, or use a bot of mode paper"
    )
