"""``POST /fence/...``: the lease functions of an embedded ledger, whose file the operator cannot write (protocol 1)."""

from collections.abc import Awaitable, Callable, Iterator

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import Json, body, error
from tradingbot.api.desk import Desk
from tradingbot.domain.lease import LeaseRow

Endpoint = Callable[[Request], Awaitable[Response]]
LATER = ("release", "order", "grant", "fence", "hold")


def fence_routes(desk: Desk) -> Iterator[tuple[str, Endpoint]]:
    """Path and endpoint of each lease function."""
    yield "/fence/status", _embedded(desk, _status(desk))
    yield "/fence/claim", _embedded(desk, _claim(desk))
    yield "/fence/retire", _embedded(desk, _retire(desk))
    for name in LATER:
        yield f"/fence/{name}", _embedded(desk, _later(name))


def _embedded(desk: Desk, endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        if not desk.identity.embedded:
            return error(409, "this bot's ledger is PostgreSQL: call its tb_ functions there")
        return await endpoint(request)

    return answer


def _status(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json(view.lease(await _row(desk)))

    return answer


def _claim(desk: Desk) -> Endpoint:
    """A process claims by itself at its start; this tells whether the one that was asked holds the row."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {"instance": desk.identity.instance}, {"revision": desk.identity.revision})
        row = await _row(desk)
        if sent["instance"] != desk.identity.instance:
            return error(409, f'instance "{sent["instance"]}" is not this process: ask {desk.identity.instance}')
        held = row.instance == desk.identity.instance and row.released_at is None
        return Json({"claimed": held, **view.lease(row)}, 200 if held else 409)

    return answer


def _retire(desk: Desk) -> Endpoint:
    """No entry leaves from now on; the row is released when what is in flight is settled."""

    async def answer(request: Request) -> Response:
        sent = await body(request, {"epoch": "1"}, {})
        row = await _row(desk)
        if sent["epoch"] != str(row.epoch) or desk.commands.snapshot().epoch != row.epoch:
            return error(409, f'epoch "{sent["epoch"]}" is stale: the row stands at {row.epoch}')
        desk.commands.stop()
        return Json({"retiring": True, **view.lease(row)}, 202)

    return answer


def _later(name: str) -> Endpoint:
    async def answer(_: Request) -> Response:
        return error(501, f"{name} is not served yet: this bot runs in one colour and hands over to nobody")

    return answer


async def _row(desk: Desk) -> LeaseRow:
    return await desk.ask(lambda ledger: ledger.lease_row())
