"""``/api/logs`` and ``/api/config/log-level``: the newest lines of this process, and which levels are written."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime

import structlog
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api.answers import HIGHEST, BadBody, BadQuery, Json, body
from tradingbot.api.desk import Desk
from tradingbot.api.metrics import BASE, base_labels
from tradingbot.domain.logline import LEVELS, Wanted, level_named
from tradingbot.scalars import parse_duration

Endpoint = Callable[[Request], Awaitable[Response]]
MOST = 1000
log = structlog.stdlib.get_logger(__name__)


def tailing(desk: Desk) -> Endpoint:
    """Lines as they were written, oldest first; *next* is what to ask ``after`` for those that come."""

    async def answer(request: Request) -> Response:
        asked = request.query_params
        wanted = Wanted(
            _level(asked.get("level", LEVELS[0])), asked.get("component"), _since(asked.get("since"), desk.now())
        )
        most, after = _number(asked.get("lines", "100"), "lines", 1, MOST), asked.get("after", "0")
        # Before the look, so that a line which comes meanwhile is told now or next time.
        number = desk.log.number
        lines = desk.log.tail(wanted, most, _number(after, "after", 0, HIGHEST))
        return Json({"lines": [line.text for line in lines], "next": max([number, *(line.number for line in lines)])})

    return answer


def levelling(desk: Desk) -> Endpoint:
    """GET tells the level, PUT ``{"level": "debug"}`` sets it until the process ends."""

    async def answer(request: Request) -> Response:
        if request.method == "PUT":
            sent = (await body(request, {"level": "debug"}, {}))["level"]
            level = level_named(sent)
            if level is None:
                raise BadBody(f'level "{sent[:20]}" is unknown: send one of {", ".join(LEVELS)}')
            before, desk.log.threshold = desk.log.threshold, level
            log.warning("Log level", threshold=level, was=before)
        return Json({"level": desk.log.threshold})

    return answer


def families(desk: Desk) -> Iterator[Metric]:
    """How many lines were written, and how many were lost on their way."""
    base = base_labels(desk.identity)
    written = CounterMetricFamily("log_messages", "Log lines, by level", labels=(*BASE, "level"))
    for level, count in desk.log.counts().items():
        written.add_metric((*base, level), count)
    text = "Log lines that standard output or the state volume did not take"
    lost = CounterMetricFamily("tradingbot_log_lines_lost", text, labels=(*BASE, "outlet"))
    for outlet, count in desk.log.lost().items():
        lost.add_metric((*base, outlet), count)
    yield from (written, lost)


def _level(text: str) -> str:
    level = level_named(text)
    if level is None:
        raise BadQuery(f'level "{text[:20]}" is unknown: write one of {", ".join(LEVELS)}')
    return level


def _since(text: str | None, now: datetime) -> datetime | None:
    try:
        return None if text is None else now - parse_duration(text)
    except (ValueError, OverflowError):
        raise BadQuery(f'since "{text[:20] if text else ""}" is not a duration: write for example 10m') from None


def _number(text: str, name: str, lowest: int, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and lowest <= int(text) <= highest):
        raise BadQuery(f'{name} "{text[:20]}" is not a number from {lowest} to {highest}: write one')
    return int(text)
