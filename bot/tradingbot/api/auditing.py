"""What is told to the audit log of HTTP: each order with who gave it, and that somebody came with a wrong token."""

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradingbot.api import view
from tradingbot.api.answers import Json
from tradingbot.api.desk import Desk
from tradingbot.api.usage import fingerprint
from tradingbot.domain.audit import Entry, Event, event
from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.realmoney import REAL_TRADE_ATTEMPT

Endpoint = Callable[[Request], Awaitable[Response]]
MOST, BATCH, SHOWN = 1000, 50, 1000
AGAIN_SECONDS = 1.0
# A stranger must not be able to fill the ledger: of his calls the first is told, the others once a minute.
STRANGERS_SECONDS = 60.0
READS = frozenset({"GET", "HEAD", "OPTIONS"})
log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Trail:
    """Entries on their way to the ledger: nobody waits for them, and while it is away as many are kept as fit."""

    desk: Desk
    lost: int = 0
    _waiting: deque[Event] = field(default_factory=deque)
    _writing: "asyncio.Task[None] | None" = None

    def tell(self, told: Event) -> None:
        """*told* will be in the log; when too many wait, that some were lost will be."""
        if len(self._waiting) < MOST:
            self._waiting.append(told)
        else:
            self.lost += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._waiting or self.lost:
            if not self._waiting:
                self._waiting.append(event("ENTRIES_LOST", "trader", "audit log", entries=self.lost))
                self.lost = 0
            batch = tuple(islice(self._waiting, BATCH))
            try:
                await self.desk.ask(lambda ledger, batch=batch: ledger.door().tell(batch))  # type: ignore[misc]
            except LedgerUnavailable:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            except Exception:
                log.exception("the ledger took no audit entries", entries=len(batch))
            for _ in batch:
                self._waiting.popleft()


@dataclass(slots=True)
class Audited:
    """The application *app*, its orders below /api told in *trail*, and the calls of strangers."""

    app: ASGIApp
    trail: Trail
    _refused: int = 0
    _pause: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(("/api/", "/ws/")):
            await self.app(scope, receive, send)
            return
        body, size, status = hashlib.sha256(), 0, 0

        async def reading() -> Message:
            nonlocal size
            message = await receive()
            chunk = message.get("body", b"")
            body.update(chunk)
            size += len(chunk)
            return message

        async def answering(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self.app(scope, reading, answering)
        if status == 401:
            self._strange(scope)
        elif scope.get("method", "GET") not in READS:
            self._ordered(scope, {"status": status, "body_sha256": body.hexdigest(), "bytes": size})

    def _ordered(self, scope: Scope, details: dict[str, object]) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        # What was answered before anybody looked at a token (no such path) is no order.
        if self.trail.desk.api_tokens.admits(given.partition(" ")[2].strip()):
            self.trail.tell(event("HTTP", f"token {fingerprint(given)}", _call(scope), **details))

    def _strange(self, scope: Scope | None) -> None:
        """One call without the right token more; None: the minute is over."""
        if scope is not None:
            self._refused += 1
            if self._pause is not None:
                return
        self._pause = None
        if self._refused == 0:
            return
        address = (scope or {}).get("client") or ("several",)
        subject = "several calls" if scope is None else _call(scope)
        self.trail.tell(event("AUTH_FAILED", f"address {address[0]}", subject, calls=self._refused))
        self._refused = 0
        self._pause = asyncio.get_running_loop().call_later(STRANGERS_SECONDS, self._strange, None)


def _call(scope: Scope) -> str:
    return ascii(f"{scope.get('method', 'GET')} {scope['path'][:100]}")[1:-1]


def auditing_routes(desk: Desk) -> Iterator[tuple[str, Endpoint]]:
    """Path and endpoint of what can be read of the log."""
    yield "/api/security/audit/today", _today(desk)
    yield "/api/audit/real-trades/today", _real_trades(desk)


def entry(made: Entry) -> view.Json:
    told = made.event
    return {
        "id": made.number,
        "timestamp": view.instant(made.at),
        "event_type": told.type,
        "actor": told.actor,
        "subject": told.subject,
        "details": json.loads(told.details),
    }


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _today(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        since = _midnight(desk.now())
        entries = await desk.ask(lambda ledger: ledger.audit(since, (), SHOWN))
        return Json({"since": view.instant(since), "events": [entry(each) for each in entries]})

    return answer


def _real_trades(desk: Desk) -> Endpoint:
    """What was traded with real money today, and what was tried and kept from it; a bot on paper has neither."""

    async def answer(_: Request) -> Response:
        since = _midnight(desk.now())
        attempts = await desk.ask(lambda ledger: ledger.audit(since, (REAL_TRADE_ATTEMPT,), SHOWN))
        real = await desk.ask(lambda ledger: ledger.fills(None)) if desk.identity.book == "live" else ()
        newest = sorted((fill for fill in real if fill.at >= since), key=lambda fill: fill.at, reverse=True)
        return Json([*map(entry, attempts), *map(view.trade, newest[:SHOWN])])

    return answer
