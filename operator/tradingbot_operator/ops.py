"""The operator's own HTTP: liveness, readiness and metrics on one port, the fleet on the other."""

from collections.abc import Callable

from aiohttp import web

from tradingbot_operator.engine.tally import Tally

Health = Callable[[], str | None]


def ops(alive: Health, ready: Health, tally: Tally) -> web.Application:
    """/livez, /readyz and /metrics."""
    app = web.Application()
    app.router.add_get("/livez", _check(alive))
    app.router.add_get("/readyz", _check(ready))

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(body=tally.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.router.add_get("/metrics", metrics)
    return app


def _check(health: Health) -> Callable[[web.Request], object]:
    async def answer(request: web.Request) -> web.Response:
        problem = health()
        return web.json_response({"problem": problem}, status=503 if problem else 200)

    return answer


def fleet(bots: Callable[[], list[dict[str, object]]]) -> web.Application:
    """/fleet: every bot this operator knows."""
    app = web.Application()

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"bots": bots()})

    app.router.add_get("/fleet", answer)
    return app


async def listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    """The application answers on that address until its runner is cleaned up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
