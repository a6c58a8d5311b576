"""The operator's own HTTP: liveness, readiness and metrics on one port, the fleet and exit grants on the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from tradingbot_operator.domain.exitgrant import Denied, ExitAnswer, ExitAsk, Granted
from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally

Health = Callable[[], str | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Grant = Callable[[tuple[str, str], str, ExitAsk], Awaitable[ExitAnswer]]
ASK = '{"ledger_id": "...", "epoch": 1, "instance": "..."}'
METRICS = "text/plain; version=0.0.4; charset=utf-8"


def ops(alive: Health, ready: Health, tally: Tally) -> web.Application:
    """/livez, /readyz and /metrics."""

    async def metrics(_: web.Request) -> web.StreamResponse:
        return web.Response(body=tally.text(), headers={"Content-Type": METRICS})

    app = web.Application()
    app.router.add_get("/livez", _check(alive))
    app.router.add_get("/readyz", _check(ready))
    app.router.add_get("/metrics", metrics)
    return app


def _check(health: Health) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        problem = health()
        return web.json_response({"problem": problem}, status=503 if problem else 200)

    return answer


@dataclass
class Counter:
    """Who gives exit grants: nobody until this process leads."""

    grant: Grant | None = None


def api(store: Store, counter: Counter) -> web.Application:
    """/fleet: every bot this operator knows, as its process last described itself; nothing secret. And exit grants."""

    async def answer(_: web.Request) -> web.StreamResponse:
        names = sorted((namespace, name) for kind, namespace, name in store.known() if kind == BOT.kind)
        return web.json_response({"bots": [_entry(store, name) for name in names]})

    app = web.Application()
    app.router.add_get("/fleet", answer)
    app.router.add_post("/exit-grants/{namespace}/{name}", _granting(counter))
    return app


def _granting(counter: Counter) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if counter.grant is None:
            return _told(503, "this operator does not lead: ask again")
        asked = _exit_ask(await _body(request))
        if asked is None:
            return _told(400, f"the body is no exit ask: send {ASK}")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        key = request.match_info["namespace"], request.match_info["name"]
        match await counter.grant(key, token if scheme == "Bearer" else "", asked):
            case Granted(lasts_ms):
                return web.json_response({"lasts_ms": lasts_ms})
            case Denied(reason, unknown):
                return _told(503 if unknown else 409, reason)
        return _told(401, "the bearer token is none of this bot's: send the one in its Secret -api")

    return answer


def _told(status: int, reason: str) -> web.Response:
    return web.json_response({"reason": reason}, status=status)


async def _body(request: web.Request) -> Any:
    """Whatever Content-Type it was sent under."""
    try:
        return await request.json()
    except (JSONDecodeError, UnicodeDecodeError):
        return None


def _exit_ask(body: Any) -> ExitAsk | None:
    match body:
        case {"ledger_id": str(ledger_id), "epoch": int(epoch), "instance": str(instance)}:
            return ExitAsk(ledger_id, epoch, instance)
    return None


def _entry(store: Store, name: tuple[str, str]) -> dict[str, object]:
    seen = store.observed(name)
    said = seen.report
    return {
        "namespace": name[0],
        "name": name[1],
        "pods": [{"name": pod.name, "colour": pod.colour, "ready": pod.ready} for pod in seen.pods],
        "state": said.state if said else None,
        "trading_active": said.trading_active if said else None,
        "epoch": said.epoch if said else None,
        "halts": [halt.id for halt in said.halts] if said else None,
    }


async def listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    """The application answers on that address until its runner is cleaned up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
