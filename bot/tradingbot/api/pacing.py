"""``/api/config/rate-limit``: entries and looks at the account further apart, while a venue is short of patience."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import BadBody, Json, fields
from tradingbot.api.desk import Desk

Endpoint = Callable[[Request], Awaitable[Response]]
EXAMPLE = {"delay": 2000, "ttl_seconds": 3600}
LONGEST_MS, LONGEST_SECONDS = 60_000, 86_400
log = structlog.stdlib.get_logger(__name__)


def rate_limiting(desk: Desk) -> Endpoint:
    """GET tells it, POST ``{"delay": 2000}`` sets it for an hour, ``{"delay": 0}`` ends it."""

    async def answer(request: Request) -> Response:
        if request.method == "POST":
            sent = await fields(request, EXAMPLE, frozenset({"ttl_seconds"}))
            delay, lasts = sent["delay"], sent["ttl_seconds"] or EXAMPLE["ttl_seconds"]
            if delay > LONGEST_MS:
                raise BadBody(f"delay {delay} is not a number of milliseconds up to {LONGEST_MS}: send less")
            if lasts > LONGEST_SECONDS:
                raise BadBody(f"ttl_seconds {lasts} is more than {LONGEST_SECONDS}: send less, and again later")
            desk.pacing.ask(timedelta(milliseconds=delay), timedelta(seconds=lasts))
            log.warning("Rate limit", delay_ms=delay, lasts_seconds=lasts)
        return Json({"rate_limit": paced(desk)})

    return answer


def paced(desk: Desk) -> view.Json | None:
    """What somebody asked for that the spec does not say; None when nobody did."""
    delay, left = desk.pacing.delay, desk.pacing.left
    if not delay:
        return None
    return {"delay_ms": delay // timedelta(milliseconds=1), "until": view.instant(desk.now() + left)}


def status(desk: Desk) -> view.Json:
    """The body of ``/status``, with what this process knows beside the engine."""
    return {
        **view.status(desk.identity, desk.commands.snapshot(), desk.account),
        "rate_limit": paced(desk),
        "paper_mode_consistent": desk.safety.consistent,
    }
