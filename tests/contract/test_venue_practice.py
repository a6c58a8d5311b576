"""A bot without real money gets no line to a place with it, whoever sends it there."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from trading import write
from tradingbot.attempts import Attempts
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import Unknown
from tradingbot.domain.realmoney import Attempt
from tradingbot.venues import user_stream
from tradingbot.venues.ccxt_venue import SPOKEN, CcxtVenue
from tradingbot.venues.practice import RealMoney, connector
from tradingbot.venues.signing import Account
from tradingbot.venues.user_stream import Listener, listen
from venuerig import AGENT, StubClock, account, served, simulated

REAL = "api.binance.com"
AT_VENUE = {"binance": REAL, "coinbase": "api.coinbase.com", "kraken": "api.kraken.com", "kucoin": "api.kucoin.com"}


def as_whom(name: str, url: str | None, attempts: Attempts | None) -> Account:
    if name == "binance":
        return Account(name, "key", "secret", ("BTC/USDT",), AGENT, url, attempts=attempts)
    return account(name, url, attempts=attempts)


class NoLine(Exception):
    """A name was looked up: a line would have been opened next."""


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were looked up; no line outside this machine is ever opened."""
    asked: list[str] = []
    really = aiohttp.TCPConnector._resolve_host

    async def looked_up(lines: aiohttp.TCPConnector, host: str, *rest: Any, **more: Any) -> Any:
        if host == "127.0.0.1":
            return await really(lines, host, *rest, **more)
        asked.append(host)
        raise NoLine(host)

    monkeypatch.setattr(aiohttp.TCPConnector, "_resolve_host", looked_up)
    return asked


def test_every_venue_is_known() -> None:
    """Who adds one adds it here."""
    assert set(AT_VENUE) == set(SPOKEN)


@pytest.mark.parametrize("name", AT_VENUE)
def test_an_order_without_real_money_never_leaves_for_the_venue(name: str, lookups: list[str]) -> None:
    """The layer below the settings: not even the venue's name is looked up, and what was kept back is counted."""

    async def told() -> Attempts:
        attempts = Attempts()
        venue = CcxtVenue(as_whom(name, None, attempts), StubClock())
        try:
            outcome = await venue.send(write())
            assert isinstance(outcome, Unknown)
            assert "real money is there, and this bot trades without" in outcome.message
            with pytest.raises(VenueUnavailable, match="this bot trades without"):
                await venue.open_orders("BTC/USDT")
        finally:
            await venue.close()
        return attempts

    attempts = asyncio.run(told())
    assert (attempts.count, {each.host for each in attempts.newest}) == (2, {AT_VENUE[name]})
    assert attempts.newest[0].method == "POST"
    assert lookups == []


@pytest.mark.parametrize("name", AT_VENUE)
def test_an_order_with_real_money_leaves_for_the_venue(name: str, lookups: list[str]) -> None:
    """Control, and a live bot: nothing keeps it back."""

    async def told() -> None:
        venue = CcxtVenue(as_whom(name, None, None), StubClock())
        try:
            await venue.send(write())
        finally:
            await venue.close()

    asyncio.run(told())
    assert lookups == [AT_VENUE[name]]


def test_a_sandbox_that_leads_on_to_the_venue_is_not_followed(lookups: list[str]) -> None:
    """What the sandbox did is not known, and what it asked for was not done."""

    async def told() -> Attempts:
        attempts = Attempts()
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", _elsewhere)
        async with served(app) as url:
            venue = CcxtVenue(as_whom("binance", url, attempts), StubClock())
            try:
                assert isinstance(await venue.send(write()), Unknown)
            finally:
                await venue.close()
        return attempts

    assert asyncio.run(told()).newest == (Attempt("POST", REAL, "/api/v3/order"),)
    assert lookups == []


async def _elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect(f"https://{REAL}{request.path_qs}")


def test_a_sandbox_is_traded_at() -> None:
    """The same lines lead to every other place."""

    async def told() -> None:
        async with simulated() as rig:
            assert await rig.venue.open_orders(rig.symbol) == ()

    asyncio.run(told())


def test_a_proxy_hides_no_venue() -> None:
    """What counts is who is asked, not by which way."""

    async def told() -> Attempts:
        attempts = Attempts()
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            way = f"http://127.0.0.1:{proxy.getsockname()[1]}"
            async with aiohttp.ClientSession(connector=connector(attempts)) as session:
                with pytest.raises(RealMoney):
                    await session.post(f"http://{REAL}/api/v3/order", proxy=way)
        return attempts

    assert asyncio.run(told()).count == 1


def test_the_events_of_an_account_with_real_money_are_not_heard(
    monkeypatch: pytest.MonkeyPatch, lookups: list[str]
) -> None:
    """The line is not opened, and who listens hears nothing."""
    monkeypatch.setattr(user_stream, "RETRY_SECONDS", 0.0)

    async def told() -> Attempts:
        attempts = Attempts()
        listener = Listener("key", "secret", None, "agent", attempts=attempts)
        listening = asyncio.create_task(anext(listen(listener, StubClock(), {})))
        async with asyncio.timeout(10):
            while attempts.count < 2:  # noqa: ASYNC110 - tried again at once
                await asyncio.sleep(0)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        return attempts

    assert asyncio.run(told()).newest[0] == Attempt("GET", "ws-api.binance.com", "/ws-api/v3")
    assert lookups == []
