"""Market streams: who subscribes to what, and what each event becomes on the wire."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from exchange_simulator.api.house import HOUSE, House
from exchange_simulator.api.sockets import SOCKETS, Socket, Sockets, connected
from exchange_simulator.dialect import events as wire
from exchange_simulator.domain.bar import TIMEFRAMES
from exchange_simulator.domain.events import ClosedEvent, Event, PriceEvent

BAD_REQUEST = {"code": 2, "msg": "Invalid request: unknown method or stream"}
LEVELS = 10
KINDS = ("miniTicker", "ticker", "bookTicker", "trade", "aggTrade", "depth", "depth5", "depth10", "depth20")


def known(stream: str, symbols: set[str]) -> bool:
    """True when the venue serves *stream*."""
    if stream in ("!miniTicker@arr", "!ticker@arr"):
        return True
    name, _, rest = stream.partition("@")
    kind = rest.partition("@")[0]
    interval = kind.removeprefix("kline_")
    return name.upper() in symbols and (kind in KINDS or (interval != kind and interval in TIMEFRAMES))


@dataclass(slots=True)
class Publisher:
    """Turns what the exchange tells into messages for who hears the stream."""

    house: House
    sockets: Sockets
    # The levels of the last update by symbol and side, so that vanished ones can be set to zero.
    levels: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    last_ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for symbol in self.house.exchange.pits:
            self.remember(symbol)

    def remember(self, symbol: str) -> None:
        """The book as it stands is what the next update differs from."""
        bids, asks = self.house.book(symbol).levels(LEVELS)
        self.levels[(symbol, "b")] = {level[0] for level in bids}
        self.levels[(symbol, "a")] = {level[0] for level in asks}

    def hear(self, event: Event) -> None:
        """Every subscriber of what *event* means has its message queued."""
        if isinstance(event, PriceEvent):
            self.price(event)
        elif isinstance(event, ClosedEvent):
            self.closed(event)

    def publish(self, stream: str, message: Any) -> None:
        for socket in self.sockets.market():
            if stream in socket.streams:
                socket.send({"stream": stream, "data": message} if socket.combined else message)

    def price(self, event: PriceEvent) -> None:
        prefix = f"{event.symbol.lower()}@"
        for stream in sorted(self.sockets.streams()):
            if stream.startswith(prefix):
                self.publish(stream, self.message(stream.removeprefix(prefix), event))
            elif stream.startswith("!"):
                kind = stream.removeprefix("!").removesuffix("@arr")
                self.publish(stream, [self.message(kind, event)])
        self.last_ids[event.symbol] = event.trade_id
        self.remember(event.symbol)

    def message(self, kind: str, event: PriceEvent) -> Any:
        symbol, candles = event.symbol, self.house.exchange.candles[event.symbol]
        if kind.startswith("kline_"):
            interval = kind.removeprefix("kline_").partition("@")[0]
            length = TIMEFRAMES[interval]
            bar = candles.at(event.time_ms // length * length, length, event.time_ms)
            return None if bar is None else wire.kline(symbol, interval, bar, (length, event.time_ms), closed=False)
        day = candles.last_day(event.time_ms)
        makers = {
            "miniTicker": lambda: wire.mini_ticker(symbol, day, event),
            "ticker": lambda: wire.ticker(self.house.book(symbol), day, event),
            "bookTicker": lambda: wire.book_ticker(self.house.book(symbol)),
            "trade": lambda: wire.trade(event, buyer_maker=event.trade_id % 2 == 0),
            "aggTrade": lambda: wire.aggregate_trade(event, buyer_maker=event.trade_id % 2 == 0),
        }
        name = kind.partition("@")[0]
        return makers[name]() if name in makers else self.depth(name, event)

    def depth(self, kind: str, event: PriceEvent) -> Any:
        book = self.house.book(event.symbol)
        if kind != "depth":
            bids, asks = book.levels(int(kind.removeprefix("depth")))
            return {"lastUpdateId": book.update_id, "bids": bids, "asks": asks}
        message = wire.depth(book, event.time_ms, self.last_ids.get(event.symbol, 0) + 1)
        for side in ("b", "a"):
            gone = self.levels[(event.symbol, side)] - {level[0] for level in message[side]}
            message[side] += [[price, "0.00000000"] for price in sorted(gone)]
        return message

    def closed(self, event: ClosedEvent) -> None:
        prefix = f"{event.symbol.lower()}@kline_"
        for stream in sorted(self.sockets.streams()):
            interval = stream.removeprefix(prefix).partition("@")[0]
            length = TIMEFRAMES.get(interval, 0) if stream.startswith(prefix) else 0
            if not length or event.time_ms % length:
                continue
            bar = self.house.exchange.candles[event.symbol].at(event.time_ms - length, length, event.time_ms)
            if bar is not None:
                self.publish(stream, wire.kline(event.symbol, interval, bar, (length, event.time_ms), closed=True))


def obey(socket: Socket, request: Any, symbols: set[str]) -> Any:
    """The socket hears what it asked for; the answer is an acknowledgement or an error."""
    method = request.get("method") if isinstance(request, dict) else None
    streams = request.get("params") or [] if isinstance(request, dict) else []
    number = request.get("id") if isinstance(request, dict) else None
    if method == "LIST_SUBSCRIPTIONS":
        return {"result": sorted(socket.streams), "id": number}
    if method not in ("SUBSCRIBE", "UNSUBSCRIBE") or not all(
        isinstance(name, str) and known(name, symbols) for name in streams
    ):
        return {"error": BAD_REQUEST, "id": number}
    if method == "SUBSCRIBE":
        socket.streams |= set(streams)
    else:
        socket.streams -= set(streams)
    return {"result": None, "id": number}


async def market_socket(request: web.Request) -> web.StreamResponse:
    """A market-data connection."""
    house = request.app[HOUSE]
    symbols = set(house.exchange.pits)
    refused = sockets_refused(house, "market")
    if refused is not None:
        return refused
    async with connected(request, "market") as socket:
        asked = [name for name in request.query.get("streams", "").split("/") if name]
        tail = [name for name in request.match_info.get("tail", "").split("/") if "@" in name]
        socket.combined = bool(asked)
        socket.streams |= {name for name in asked + tail if known(name, symbols)}
        async for message in socket.wire:
            if message.type is WSMsgType.TEXT:
                socket.send(obey(socket, parsed(message.data), symbols))
        return socket.wire  # type: ignore[no-any-return]


def parsed(text: str) -> Any:
    """The JSON of a message, or None."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def sockets_refused(house: House, kind: str) -> web.Response | None:
    """The answer while sockets of *kind* are kept away, or None."""
    fault = house.exchange.faults.find("drop_socket", "", house.exchange.wall_ms())
    if house.outage or (fault is not None and fault.parameters.get("stream", "all") in ("all", kind)):
        return web.Response(status=503)
    return None


def routes() -> list[web.RouteDef]:
    """Every path a market connection may use."""
    paths = ("/stream", "/stream/ws", "/stream/ws/{tail:.*}", "/stream/stream", "/ws", "/ws/{tail:.*}")
    return [web.get(path, market_socket) for path in paths]


def subscribe(app: web.Application) -> Publisher:
    """The publisher hears the exchange."""
    publisher = Publisher(app[HOUSE], app[SOCKETS])
    app[HOUSE].exchange.listeners.append(publisher.hear)
    return publisher
