"""Port 3001: bots ask before each request and tell what was answered; people look, and reset when they must."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradingbot.api.answers import BadBody, Json, body, error, fields
from tradingbot.api.desk import Tokens
from tradingbot.api.rest import guarded
from tradingbot.domain.quota import Quota, Told, Use, is_exhausted
from tradingbot.gate.desk import Desk
from tradingbot.gate.gauges import Gauges

Endpoint = Callable[[Request], Awaitable[Response]]
URGENT, USUAL, ENTRY = "urgent", "usual", "entry"
TAKE: Mapping[str, int | str] = {"provider": "binance", "kind": USUAL, "weight": 1, "orders": 0}
TOLD: Mapping[str, int | str] = {"provider": "binance", "status": 200, "retry_after": 0, "used_weight": 0}
QUIET = "a reset would only hide who uses it up; send force true and a reason to do it all the same"


def gate_app(desk: Desk, tokens: Tokens) -> Starlette:
    """The application; only a reset needs one of *tokens*."""
    registry = CollectorRegistry()
    registry.register(Gauges(desk))

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def healthy(_: Request) -> Response:
        return Json({"status": "healthy"})

    async def status(_: Request) -> Response:
        now = desk.clock()
        return Json({"providers": [shown(each, now) for each in desk.quotas.values()]})

    reset = guarded(tokens, _reset(desk))
    return Starlette(
        routes=[
            *(Route(path, healthy) for path in ("/health", "/livez", "/readyz")),
            Route("/metrics", metrics),
            Route("/status", status),
            Route("/take", _told_why(_take(desk)), methods=["POST"]),
            Route("/told", _told_why(_told(desk)), methods=["POST"]),
            Route("/reset", reset, methods=["POST"]),
            Route("/reset/{provider}", reset, methods=["POST"]),
        ]
    )


def shown(quota: Quota, now: float) -> dict[str, Any]:
    """One provider; *used* and *limit* are those of its first, tightest rule."""
    limits = [
        {"name": limit.name, "used": spent.used(now), "limit": limit.capacity, "seconds": limit.seconds}
        for limit, spent in zip(quota.provider.limits, quota.spent, strict=True)
    ]
    blocked = quota.shut_for(now)
    return {
        "name": quota.provider.name,
        "used": limits[0]["used"],
        "limit": limits[0]["limit"],
        "limits": limits,
        "exhausted": is_exhausted(quota, now),
        "blocked_seconds": round(blocked, 3),
        "why": quota.why if blocked else "",
        "backoffs": quota.backoffs,
    }


def _take(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        sent = await fields(request, TAKE, frozenset())
        if sent["kind"] not in (URGENT, USUAL, ENTRY):
            raise BadBody(f'kind "{sent["kind"]}" is unknown: write {URGENT}, {USUAL} or {ENTRY}')
        use = Use(sent["weight"], sent["orders"], sent["kind"] == URGENT, sent["kind"] == ENTRY)
        waits = desk.take(_known(desk, sent["provider"]), use)
        if waits is None:
            return Json({"granted": True})
        if waits.impossible:
            raise BadBody(f"{waits.why}: ask for less at once")
        return Json({"granted": False, "wait_seconds": round(waits.seconds, 3), "why": waits.why})

    return answer


def _told(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        sent = await fields(request, TOLD, frozenset({"retry_after", "used_weight"}))
        told = Told(sent["status"], sent["retry_after"], sent["used_weight"])
        desk.told(_known(desk, sent["provider"]), told)
        return Json({"told": True})

    return answer


def _reset(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        sent = await body(request, {}, {"force": "true", "reason": "why"})
        force, reason = sent.get("force") == "true", sent.get("reason", "").strip()
        if force and not reason:
            raise BadBody('reason is missing: send for example "reason": "the counts are of another address"')
        named = request.path_params.get("provider")
        wanted: Sequence[str] = (_known(desk, named),) if named else tuple(desk.quotas)
        now = desk.clock()
        if not force and not any(desk.quotas[each].shut_for(now) for each in wanted):
            return error(409, f"{named or 'nothing'} is {'not ' if named else ''}blocked: {QUIET}")
        for each in wanted:
            desk.forget(each, reason or "it told us to wait")
        return Json({"reset": list(wanted)})

    return answer


def _known(desk: Desk, provider: str) -> str:
    if provider not in desk.quotas:
        raise BadBody(f'provider "{provider}" is unknown: write one of {", ".join(desk.quotas)}')
    return provider


def _told_why(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except BadBody as refusal:
            return error(422, str(refusal))

    return answer
