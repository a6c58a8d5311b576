"""Strategies switched on and off while the bot runs: one that is off enters nothing; its exits and stops go on."""

import contextlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import Json, body, error
from tradingbot.api.desk import Desk
from tradingbot.domain.errors import LedgerUnavailable

Endpoint = Callable[[Request], Awaitable[Response]]
NAME, WHY = {"name": "the strategy"}, {"reason": "why"}


def strategies(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json(await _all(desk))

    return answer


def switching(desk: Desk, on: bool) -> Endpoint:
    """It stays so over restarts and hand-overs, until it is switched again."""

    async def answer(request: Request) -> Response:
        sent = await body(request, NAME, WHY)
        name = sent["name"].strip()
        if name not in desk.identity.strategies:
            known = ", ".join(desk.identity.strategies)
            return error(404, f'name "{name[:80]}" is no strategy of this bot: write one of {known}')
        usual = "switched on" if on else "switched off"
        await desk.commands.switch(name, on, sent.get("reason", "").strip() or usual)
        return Json(await _all(desk))

    return answer


async def _all(desk: Desk) -> view.Json:
    """As they are now; what they have brought is not known while the ledger is away."""
    account = None
    with contextlib.suppress(LedgerUnavailable):
        account = await desk.ask(lambda ledger: ledger.account())
    return {"strategies": view.strategies(desk.identity, desk.commands.snapshot(), account)}
