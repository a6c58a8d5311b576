"""Asks Prometheus. No answer, no value and more than one value are all the same: nothing is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import aiohttp

# A pass may wait for it, and halts are carried before it begins.
PATIENCE = aiohttp.ClientTimeout(total=1)
NO_ANSWER = (TimeoutError, aiohttp.ClientError, ValueError, KeyError, AttributeError, TypeError, IndexError)


class Watch(Protocol):
    """Whoever keeps the figures of the bots."""

    async def query(self, server: str, text: str, at: datetime) -> Decimal | None:
        """The one value of *text* at that time, or None when *server* does not say."""
        ...

    async def rules(self, server: str) -> frozenset[str] | None:
        """The names of the alerting rules that are loaded, or None when *server* does not say."""
        ...


@dataclass(frozen=True, slots=True)
class Prometheus:
    session: aiohttp.ClientSession

    async def query(self, server: str, text: str, at: datetime) -> Decimal | None:
        try:
            return value(await self._data(server, "query", {"query": text, "time": f"{at.timestamp():.3f}"}))
        except NO_ANSWER:
            return None

    async def rules(self, server: str) -> frozenset[str] | None:
        try:
            groups = (await self._data(server, "rules", {"type": "alert"}))["groups"]
            return frozenset(str(rule["name"]) for group in groups for rule in group["rules"])
        except NO_ANSWER:
            return None

    async def _data(self, server: str, what: str, asked: Mapping[str, str]) -> Any:
        url = f"{server.rstrip('/')}/api/v1/{what}"
        async with self.session.get(url, params=asked, timeout=PATIENCE) as answer:
            return (await answer.json(content_type=None))["data"]


def value(data: Any) -> Decimal | None:
    """The one finite number of an answer, a vector of one or a scalar."""
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
