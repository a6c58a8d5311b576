"""Open WebSockets and what each has asked to hear."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, web

# A reader this far behind is cut off, as the venue does.
LONGEST_QUEUE = 20_000


@dataclass(slots=True, eq=False)
class Socket:
    """One connection; what is queued is sent in order by its own task."""

    wire: web.WebSocketResponse
    kind: str
    request: web.Request
    queue: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    streams: set[str] = field(default_factory=set)
    combined: bool = False
    # Accounts subscribed to, by subscription id.
    accounts: dict[int, str] = field(default_factory=dict)

    def send(self, message: Any) -> None:
        """The message will be sent after all queued before it; a reader too far behind hears no more."""
        if self.queue.qsize() < LONGEST_QUEUE and not self.wire.closed:
            self.queue.put_nowait(json.dumps(message))

    async def pump(self) -> None:
        """Queued messages go out until the socket closes; what cannot be sent counts as done."""
        while True:
            text = await self.queue.get()
            try:
                with contextlib.suppress(ConnectionError):
                    await self.wire.send_str(text)
            finally:
                self.queue.task_done()


@dataclass(slots=True)
class Sockets:
    """All open sockets."""

    open: set[Socket] = field(default_factory=set)

    def market(self) -> list[Socket]:
        """Those that hear market data."""
        return [socket for socket in self.open if socket.streams]

    def streams(self) -> set[str]:
        """Every stream somebody hears."""
        return {stream for socket in self.open for stream in socket.streams}

    async def sent(self) -> None:
        """All queued messages have left."""
        await asyncio.gather(*(socket.queue.join() for socket in self.open))

    async def drop(self, kind: str = "all") -> int:
        """Sockets of *kind* are closed; says how many."""
        chosen = [socket for socket in self.open if kind in ("all", socket.kind)]
        for socket in chosen:
            # Without a closing handshake: a dropped line says nothing.
            if socket.request.transport is not None:
                socket.request.transport.abort()
        return len(chosen)

    async def close(self) -> None:
        """All sockets are closed with a word."""
        for socket in list(self.open):
            await socket.wire.close(code=WSCloseCode.GOING_AWAY, message=b"venue stops")


SOCKETS: web.AppKey[Sockets] = web.AppKey("sockets", Sockets)


@contextlib.asynccontextmanager
async def connected(request: web.Request, kind: str) -> Any:
    """A prepared socket, known to the house while it is open."""
    wire = web.WebSocketResponse(heartbeat=60.0)
    await wire.prepare(request)
    socket = Socket(wire, kind, request)
    sockets = request.app[SOCKETS]
    sockets.open.add(socket)
    pump = asyncio.create_task(socket.pump())
    try:
        yield socket
    finally:
        sockets.open.discard(socket)
        pump.cancel()
        while not socket.queue.empty():
            socket.queue.get_nowait()
            socket.queue.task_done()
