"""Both ports in the engine's event loop, without a quarrel over signals."""

import asyncio
import contextlib
import importlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradingbot.api.metrics import Counters
from tradingbot.domain.errors import Misconfigured

# What a client of a WebSocket may say; nobody reads it.
WORD_BYTES = 4096


class Server(uvicorn.Server):
    """A server that leaves signals to ``main``: two of them in one process would take them from each other."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Counted:
    """The application *app*, its answers counted under the name of its port."""

    app: ASGIApp
    counters: Counters
    port: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.counters.request(self.port, message["status"])
            await send(message)

        await self.app(scope, receive, counting)


def bind(address: str) -> socket.socket:
    """A socket that listens at *address* (host:port) as soon as this returns; raises Misconfigured when it is taken."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"listen {address} cannot be had ({error.strerror}): end what listens there, or write another"
        ) from None
    listener.setblocking(False)
    return listener


def websocket(**about: Any) -> asyncio.Protocol:
    """The protocol of one WebSocket; its library is loaded with the first of them, since most bots never see one."""
    made: asyncio.Protocol = importlib.import_module("uvicorn.protocols.websockets.wsproto_impl").WSProtocol(**about)
    return made


def server(app: ASGIApp) -> Server:
    """A server for *app* that ends within two seconds of being told."""
    return Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ws=cast("type[asyncio.Protocol]", websocket),
            ws_max_size=WORD_BYTES,
            http="h11",
            loop="none",
            timeout_graceful_shutdown=2,
        )
    )


async def serve(running: Server, listener: socket.socket) -> None:
    """Answers on *listener* until ``running.should_exit``."""
    with contextlib.suppress(asyncio.CancelledError):
        await running.serve(sockets=[listener])
