"""Asks Prometheus. No answer, no value and more than one value are all the same: nothing is known."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import aiohttp

# A pass may wait for it, and halts are carried before it begins.
PATIENCE = aiohttp.ClientTimeout(total=1)
Query = Callable[[str, str, datetime], Awaitable[Decimal | None]]


async def query(session: aiohttp.ClientSession, server: str, text: str, at: datetime) -> Decimal | None:
    """The one value of *text* at that time, or None when *server* does not say."""
    asked = {"query": text, "time": f"{at.timestamp():.3f}"}
    try:
        async with session.get(f"{server.rstrip('/')}/api/v1/query", params=asked, timeout=PATIENCE) as answer:
            return value(await answer.json(content_type=None)) if answer.status == 200 else None
    except (TimeoutError, aiohttp.ClientError, ValueError, KeyError, AttributeError, TypeError, IndexError):
        return None


def value(body: Any) -> Decimal | None:
    """The one finite number of an answer, a vector of one or a scalar."""
    data = body["data"]
    result = data["result"]
    if data["resultType"] == "vector":
        if len(result) != 1:
            return None
        result = result[0]["value"]
    elif data["resultType"] != "scalar":
        return None
    try:
        found = Decimal(str(result[1]))
    except ArithmeticError:
        return None
    return found if found.is_finite() else None
