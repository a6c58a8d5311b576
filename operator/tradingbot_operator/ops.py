"""The operator's own HTTP: liveness, readiness and metrics on one port, the fleet on the other."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally

Health = Callable[[], str | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
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


def fleet(store: Store) -> web.Application:
    """/fleet: every bot this operator knows, as its process last described itself; nothing secret."""

    async def answer(_: web.Request) -> web.StreamResponse:
        names = sorted((namespace, name) for kind, namespace, name in store.known() if kind == BOT.kind)
        return web.json_response({"bots": [_entry(store, name) for name in names]})

    app = web.Application()
    app.router.add_get("/fleet", answer)
    return app


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
