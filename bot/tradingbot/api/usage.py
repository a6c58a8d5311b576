"""Who calls the API how often: counted by the fingerprint of the token, never by the token."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_TOKEN = "none"  # noqa: S105  # nosec B105 - the word for its absence
MOST = 1000


@dataclass(slots=True)
class Usage:
    """Calls since the process began, by token, method and path, and how many of them were refused."""

    _calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    _refused: Counter[str] = field(default_factory=Counter)

    def count(self, authorization: str, call: str, code: int) -> None:
        """One call more. What a stranger makes up is counted as one, so that it cannot fill the memory."""
        who = fingerprint(authorization) if code != 401 else NO_TOKEN
        known = call if code not in (401, 404) and len(self._calls) < MOST else "other"
        self._calls[who, known] += 1
        if code >= 400:
            self._refused[who] += 1

    def summary(self) -> dict[str, Any]:
        callers = sorted({who for who, _ in self._calls})
        return {
            "total": self._calls.total(),
            "refused": self._refused.total(),
            "callers": [self._of(who) for who in callers],
        }

    def _of(self, who: str) -> dict[str, Any]:
        calls = {call: count for (caller, call), count in sorted(self._calls.items()) if caller == who}
        return {"token": who, "total": sum(calls.values()), "refused": self._refused[who], "calls": calls}


def fingerprint(authorization: str) -> str:
    """Twelve digits that tell one token from another and nothing about it."""
    token = authorization.partition(" ")[2].strip()
    return hashlib.sha256(token.encode()).hexdigest()[:12] if token else NO_TOKEN


@dataclass(frozen=True, slots=True)
class Watched:
    """The application *app*, its calls below /api counted in *usage*."""

    app: ASGIApp
    usage: Usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"].startswith("/api/"):
                given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
                self.usage.count(given, f"{scope['method']} {scope['path']}", message["status"])
            await send(message)

        await self.app(scope, receive, counting)
