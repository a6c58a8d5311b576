"""Orders that come twice are carried out once, and a flood of them is held back; a stop is never refused by either."""

import asyncio
import hashlib
import json
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradingbot.api.answers import BODY_LIMIT, error
from tradingbot.api.desk import Desk
from tradingbot.api.usage import fingerprint

STOPS = frozenset(
    {
        "/api/halt",
        "/api/trading/disable",
        "/api/maintenance/enable",
        "/api/emergency/stop-all-trading",
        "/api/emergency/close-all-positions",
    }
)
A_MINUTE = 60.0
KEPT_SECONDS = 600.0
KEPT, LONGEST = 1000, 200
Answer = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """An order with a key: the *digest* of its body, when it came, and its answer once there is one."""

    digest: str
    at: float
    answer: "asyncio.Future[Answer]"


@dataclass(slots=True)
class Orderly:
    """The application *app*, its orders below /api by those who have a token."""

    app: ASGIApp
    desk: Desk
    _room: float = A_MINUTE
    _counted_at: float = 0.0
    _carried: MutableMapping[tuple[str, str, str], Carried] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        given, key = headers.get(b"authorization", ""), headers.get(b"idempotency-key", "")
        # A stranger uses up nobody's room.
        known = self.desk.api_tokens.admits(given.partition(" ")[2].strip())
        if known and scope["path"] not in STOPS and (wait := self._waits()):
            sentence = f"more than {A_MINUTE:.0f} orders a minute: wait {wait} s; stops are always taken"
            await error(429, sentence, {"Retry-After": str(wait)})(scope, receive, send)
        elif known and key and len(key) <= LONGEST:
            await self._once((fingerprint(given), scope["path"], key), scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _waits(self) -> int:
        """Seconds until there is room for one order more; 0 takes it."""
        now = self.desk.monotonic()
        self._room = min(A_MINUTE, self._room + now - self._counted_at)
        self._counted_at = now
        if self._room < 1:
            return 1
        self._room -= 1
        return 0

    async def _once(self, name: tuple[str, str, str], scope: Scope, receive: Receive, send: Send) -> None:
        """The answer that this very order had before, or its answer now."""
        body = await _read(receive)
        digest = hashlib.sha256(body).hexdigest()
        before = self._known(name)
        if before is not None and before.digest == digest and (answer := await self._stands(before, scope["path"])):
            for message in _marked(answer):
                await send(message)
            return
        if before is not None and before.digest != digest and scope["path"] not in STOPS:
            await error(422, "Idempotency-Key was used with another body: use another key")(scope, receive, send)
            return
        carried = Carried(digest, self.desk.monotonic(), asyncio.get_running_loop().create_future())
        self._carried.pop(name, None)
        self._carried[name] = carried
        answer = ()
        try:
            answer = await self._carry_out(scope, body, send)
        finally:
            carried.answer.set_result(answer)
            # What failed by no fault of the caller may come again.
            if not answer or answer[0]["status"] >= 500:
                self._carried.pop(name, None)

    async def _carry_out(self, scope: Scope, body: bytes, send: Send) -> Answer:
        said: list[Message] = []

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def saying(message: Message) -> None:
            said.append(message)
            await send(message)

        await self.app(scope, again, saying)
        return tuple(said)

    def _known(self, name: tuple[str, str, str]) -> Carried | None:
        """What came under that name of late; older ones are forgotten."""
        oldest = self.desk.monotonic() - KEPT_SECONDS
        for each in list(self._carried):
            if self._carried[each].at >= oldest and len(self._carried) <= KEPT:
                break
            del self._carried[each]
        return self._carried.get(name)

    async def _stands(self, before: Carried, path: str) -> Answer:
        """Its answer; none for a stop whose halt stands no longer: that one is wanted anew."""
        answer = await before.answer
        if path not in STOPS or not answer:
            return answer
        told: Any = json.loads(b"".join(message.get("body", b"") for message in answer))
        standing = {halt.id for halt in self.desk.commands.snapshot().halts}
        ids = {told.get("id"), *(each["id"] for each in told.get("halts", ()))} - {None}
        return answer if ids and ids <= standing else ()


async def _read(receive: Receive) -> bytes:
    """The body, as far as anybody will read it."""
    body, more = b"", True
    while more and len(body) <= BODY_LIMIT:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _marked(answer: Answer) -> Answer:
    start, *rest = answer
    return ({**start, "headers": [*start["headers"], (b"idempotent-replayed", b"true")]}, *rest)
