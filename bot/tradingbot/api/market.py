"""``/ws/market``: candles and prices as the bot sees them, and who listens to them."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from tradingbot.api import view
from tradingbot.api.answers import NO_TOKEN, Json, error
from tradingbot.api.desk import Desk, admitted
from tradingbot.api.listeners import MOST_CLIENTS, Listener
from tradingbot.domain.candle import Candle

Socket = Callable[[WebSocket], Awaitable[None]]
Endpoint = Callable[[Request], Awaitable[Response]]
TRY_AGAIN_LATER = 1013
GOODBYE_SECONDS = 1.0


def message(candle: Candle) -> str:
    """A closed bar is a candle, a running one tells its newest price only."""
    bar = {"symbol": candle.symbol, "bar": view.instant(candle.open_time)}
    if not candle.closed:
        return json.dumps({"type": "ticker", **bar, "price": view.decimal(candle.close)})
    prices: dict[str, Any] = {
        name: view.decimal(getattr(candle, name)) for name in ("open", "high", "low", "close", "volume")
    }
    return json.dumps({"type": "candle", **bar, "timeframe": candle.timeframe, **prices})


def market_socket(desk: Desk) -> Socket:
    """Tells one client until it leaves, is too slow, or the process ends."""

    async def serve(socket: WebSocket) -> None:
        if not admitted(desk.api_tokens, socket.headers.get("authorization", "")):
            await socket.send_denial_response(error(401, NO_TOKEN))
            return
        listener = desk.market.join()
        if listener is None:
            sentence = f"{MOST_CLIENTS} clients listen, which is the most: close one of them"
            await socket.send_denial_response(error(503, sentence))
            return
        try:
            await socket.accept()
            await _told(socket, listener)
        finally:
            desk.market.leave(listener)

    return serve


async def _told(socket: WebSocket, listener: Listener) -> None:
    tasks = [asyncio.create_task(each) for each in (_send(socket, listener), _left(socket), _slow(listener))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        # A client that has gone is an end like any other; a fault of ours is not.
        if not task.cancelled() and task.exception() and not isinstance(task.exception(), WebSocketDisconnect):
            task.result()
    if listener.slow.is_set():
        # What was sent and not read may keep even this word back.
        with contextlib.suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await socket.close(TRY_AGAIN_LATER, "too slow: connect again")


async def _send(socket: WebSocket, listener: Listener) -> None:
    while True:
        await socket.send_text(message(await listener.waiting.get()))


async def _left(socket: WebSocket) -> None:
    """Whatever a client says is not read; returns when it has gone."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue


async def _slow(listener: Listener) -> None:
    await listener.slow.wait()


def sockets(desk: Desk) -> Endpoint:
    """Who listens here, and the lines to the venue."""

    async def answer(_: Request) -> Response:
        return Json(
            {
                "clients": len(desk.market),
                "dropped": desk.market.dropped,
                "streams": [{"name": name, "connected": up} for name, up in sorted(desk.streams.items())],
                "last_message_age_seconds": desk.commands.snapshot().data_age_seconds,
            }
        )

    return answer
