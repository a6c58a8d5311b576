"""``POST /fence/...``: the lease functions of an embedded ledger, whose file the operator cannot write (protocol 1)."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import BadBody, Json, body, error, fields
from tradingbot.api.desk import Desk, Door
from tradingbot.domain.lease import LeaseState

Endpoint = Callable[[Request], Awaitable[Response]]
Call = Callable[[Door, Mapping[str, Any]], bool]

Example = Mapping[str, int | str]

# Arguments as in contracts 8.1; an example of each tells its type.
SUCCESSOR = "green 5f0c.../9a8b7c6d 0123456789abcdef0123"
ORDER: Example = {"epoch": 7, "expected": SUCCESSOR, "successor": SUCCESSOR, "lasts_ms": 10000}
FENCE: Example = {"epoch": 7}
GRANT: Example = {"expected": 7, "new": 8, "holder": "green", "instance": "5f0c.../9a8b7c6d", "revision": "0123..."}
HOLD: Example = {"epoch": 7, "instance": "5f0c.../9a8b7c6d", "lasts_ms": 10000}
NULLABLE = frozenset({"expected", "successor", "instance", "revision"})
NONE: frozenset[str] = frozenset()


def fence_routes(desk: Desk) -> Iterator[tuple[str, Endpoint]]:
    """Path and endpoint of each lease function."""
    yield "/fence/status", _embedded(desk, _status(desk))
    yield "/fence/claim", _embedded(desk, _claim(desk))
    yield "/fence/retire", _embedded(desk, _retire(desk))
    yield "/fence/order", _embedded(desk, _called(desk, ORDER, NULLABLE, lambda door, sent: door.order(**sent)))
    yield "/fence/fence", _embedded(desk, _called(desk, FENCE, NONE, lambda door, sent: door.fence(**sent)))
    yield "/fence/grant", _embedded(desk, _called(desk, GRANT, NULLABLE, _grant))
    yield "/fence/hold", _embedded(desk, _called(desk, HOLD, NONE, lambda door, sent: door.hold(**sent)))


def _embedded(desk: Desk, endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        if not desk.identity.embedded:
            return error(409, "this bot's ledger is PostgreSQL: call its tb_ functions there")
        return await endpoint(request)

    return answer


def _status(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json(view.lease(await _state(desk)))

    return answer


def _grant(door: Door, sent: Mapping[str, Any]) -> bool:
    return door.grant(sent["expected"], sent["new"], (sent["holder"], sent["instance"], sent["revision"]))


def _called(desk: Desk, example: Example, nullable: frozenset[str], call: Call) -> Endpoint:
    """The function is called once; its answer and the row after it are told."""

    async def answer(request: Request) -> Response:
        sent = await fields(request, example, nullable)
        try:
            done, state = await desk.ask(lambda ledger: _done(ledger.door(), call, sent))
        except ValueError as refusal:
            raise BadBody(f"{refusal}: send for example {SUCCESSOR}") from None
        return Json({"done": done, **view.lease(state)})

    return answer


def _done(door: Door, call: Call, sent: Mapping[str, Any]) -> tuple[bool, LeaseState]:
    return call(door, sent), door.state()


def _claim(desk: Desk) -> Endpoint:
    """A process claims by itself at its start; this tells whether the one that was asked holds the row."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {"instance": desk.identity.instance}, {"revision": desk.identity.revision})
        state = await _state(desk)
        if sent["instance"] != desk.identity.instance:
            return error(409, f'instance "{sent["instance"]}" is not this process: ask {desk.identity.instance}')
        held = state.row.instance == desk.identity.instance and state.row.released_at is None
        return Json({"claimed": held, **view.lease(state)}, 200 if held else 409)

    return answer


def _retire(desk: Desk) -> Endpoint:
    """No entry leaves from now on; the row is released when what is in flight is settled."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {"epoch": "1"}, {})
        state = await _state(desk)
        if sent["epoch"] != str(state.row.epoch) or desk.commands.snapshot().epoch != state.row.epoch:
            return error(409, f'epoch "{sent["epoch"]}" is stale: the row stands at {state.row.epoch}')
        desk.commands.stop()
        return Json({"retiring": True, **view.lease(state)}, 202)

    return answer


async def _state(desk: Desk) -> LeaseState:
    return await desk.ask(lambda ledger: ledger.door().state())
