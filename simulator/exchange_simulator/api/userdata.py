"""The WebSocket API: user data by signed subscription."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from exchange_simulator.api.house import HOUSE, House
from exchange_simulator.api.signed import BAD_SIGNATURE, NOT_ALLOWED, freshness
from exchange_simulator.api.sockets import SOCKETS, Socket, Sockets, connected
from exchange_simulator.api.streams import parsed, sockets_refused
from exchange_simulator.dialect import events as wire
from exchange_simulator.dialect.read import BadParameter, required
from exchange_simulator.dialect.signature import is_signed
from exchange_simulator.domain.events import BalanceEvent, Event, OrderEvent, TransferEvent
from exchange_simulator.domain.refusal import Refusal


@dataclass(slots=True)
class UserData:
    """Turns what the exchange tells into messages for the account's own sockets."""

    house: House
    sockets: Sockets
    held: dict[int, Any] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """The sockets of the account have the message queued; twice or out of order when a test asked for it."""
        account, message = self.message(event)
        if message is None:
            return
        faults, wall_ms = self.house.exchange.faults, self.house.exchange.wall_ms()
        twice = isinstance(event, OrderEvent) and faults.take("duplicate_event", "", wall_ms) is not None
        late = isinstance(event, OrderEvent) and faults.take("reorder_events", "", wall_ms) is not None
        for socket in list(self.sockets.open):
            for number, subscribed in socket.accounts.items():
                if subscribed == account:
                    self.deliver(socket, {"subscriptionId": number, "event": message}, twice=twice, late=late)

    def deliver(self, socket: Socket, message: Any, *, twice: bool, late: bool) -> None:
        """A late message is sent after the next order event."""
        if late:
            self.held.setdefault(id(socket), []).append(message)
            return
        for _ in range(2 if twice else 1):
            socket.send(message)
        if message["event"]["e"] == "executionReport":
            for kept in self.held.pop(id(socket), []):
                socket.send(kept)

    def message(self, event: Event) -> tuple[str, Any]:
        match event:
            case OrderEvent():
                return event.order.account, wire.execution_report(event)
            case BalanceEvent():
                account = self.house.exchange.accounts[event.account]
                return event.account, wire.account_position(account, event.assets, event.time_ms)
            case TransferEvent():
                return event.account, wire.balance_update(event)
            case _:
                return "", None


def payload(parameters: dict[str, Any]) -> str:
    """What the signature of a WebSocket request covers: all parameters but itself, by name."""
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters) if name != "signature")


def identity(house: House, parameters: dict[str, Any]) -> Refusal | None:
    """Why the sender may not listen, or None."""
    text = {name: str(value) for name, value in parameters.items()}
    try:
        account = house.exchange.accounts.get(required(text, "apiKey"))
        if account is None or house.exchange.faults.take("auth_refused", "userDataStream", house.exchange.wall_ms()):
            return NOT_ALLOWED
        if not is_signed(account.secret, payload(parameters), required(text, "signature")):
            return BAD_SIGNATURE
        return freshness(house, text)
    except BadParameter as error:
        return error.refusal


def obey(house: House, socket: Socket, request: Any) -> Any:
    """The answer to a request on the WebSocket API."""
    if not isinstance(request, dict):
        return {"id": None, "status": 400, "error": {"code": -1135, "msg": "Invalid JSON Request."}}
    number, method, parameters = request.get("id"), request.get("method"), request.get("params") or {}
    match method:
        case "ping":
            return {"id": number, "status": 200, "result": {}}
        case "time":
            return {"id": number, "status": 200, "result": {"serverTime": house.venue_ms()}}
        case "userDataStream.subscribe.signature":
            return subscribed(house, socket, number, parameters)
        case "userDataStream.unsubscribe":
            asked = parameters.get("subscriptionId")
            socket.accounts = (
                {} if asked is None else {key: value for key, value in socket.accounts.items() if key != asked}
            )
            return {"id": number, "status": 200, "result": {}}
        case _:
            return {"id": number, "status": 400, "error": {"code": -1000, "msg": "Unknown method."}}


def subscribed(house: House, socket: Socket, number: Any, parameters: dict[str, Any]) -> Any:
    refusal = identity(house, parameters)
    if refusal is not None:
        return {"id": number, "status": refusal.status, "error": {"code": refusal.code, "msg": refusal.message}}
    subscription = len(socket.accounts)
    socket.accounts[subscription] = str(parameters["apiKey"])
    return {"id": number, "status": 200, "result": {"subscriptionId": subscription}}


async def user_socket(request: web.Request) -> web.StreamResponse:
    """A WebSocket API connection."""
    house = request.app[HOUSE]
    refused = sockets_refused(house, "user")
    if refused is not None:
        return refused
    async with connected(request, "user") as socket:
        async for message in socket.wire:
            if message.type is WSMsgType.TEXT:
                socket.send(obey(house, socket, parsed(message.data)))
        return socket.wire  # type: ignore[no-any-return]


def routes() -> list[web.RouteDef]:
    """The WebSocket API's path."""
    return [web.get("/ws-api/v3", user_socket)]


def subscribe(app: web.Application) -> UserData:
    """The user-data streams hear the exchange."""
    streams = UserData(app[HOUSE], app[SOCKETS])
    app[HOUSE].exchange.listeners.append(streams.hear)
    return streams
