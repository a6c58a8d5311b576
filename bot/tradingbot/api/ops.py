"""Port 9090: probes and metrics, without a token, inside the cluster only."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradingbot.api import view
from tradingbot.api.answers import Json
from tradingbot.api.desk import Desk
from tradingbot.api.pacing import status as overall
from tradingbot.api.told import Account

PONG, ALIVE, READY = {"pong": True}, {"alive": True}, {"ready": True}
STUCK = {"alive": False, "reason": "the engine's loop has not turned for 30 s"}
ENDING = {"ready": False, "reason": "the process is ending"}


def health(desk: Desk) -> Response:
    """200 while healthy or degraded, 503 when unhealthy; a report for people and alerts, never a probe."""
    snapshot = desk.commands.snapshot()
    report = view.health(snapshot, desk.is_alive(), desk.monotonic() - desk.since)
    return Json(report, 503 if report["status"] == "unhealthy" else 200)


def ops_app(desk: Desk, registry: CollectorRegistry) -> Starlette:
    """The application of the ops port."""
    account = Account(desk)

    async def ping(_: Request) -> Response:
        return Json(PONG)

    async def livez(_: Request) -> Response:
        return Json(ALIVE) if desk.is_alive() else Json(STUCK, 503)

    async def readyz(_: Request) -> Response:
        return Json(READY) if desk.serving else Json(ENDING, 503)

    async def report(_: Request) -> Response:
        return health(desk)

    async def status(_: Request) -> Response:
        return Json(overall(desk))

    async def metrics(_: Request) -> Response:
        account.look()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/health", report),
            Route("/status", status),
            Route("/metrics", metrics),
        ]
    )
