"""A bot asks the gate of its address before each request, and has a share of its own while that is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tradingbot.api import serve
from tradingbot.domain.provider import PROVIDERS, Limit, Provider
from tradingbot.domain.quota import Told, Use, Wait
from tradingbot.gate.app import gate_app
from tradingbot.gate.desk import Desk
from tradingbot.venues import budget
from tradingbot.venues.budget import Budget, share, used_weight

ORDER = Use(1, 1, urgent=False)


class Standing:
    """A clock of the venue that does not move, at twice our pace."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(1000.0, UTC)

    def scaled(self, duration: timedelta) -> timedelta:
        return 2 * duration


class NoTokens:
    def admits(self, _: str) -> bool:
        return False


@asynccontextmanager
async def gate(desk: Desk) -> AsyncIterator[str]:
    """The real gate, at the address that is yielded; a machine that is busy does not make it one that is away."""
    patience, budget.ANSWER_SECONDS = budget.ANSWER_SECONDS, 10.0
    listener = serve.bind("127.0.0.1:0")
    running = serve.server(gate_app(desk, NoTokens()))
    task = asyncio.create_task(serve.serve(running, listener))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        budget.ANSWER_SECONDS = patience
        running.should_exit = True
        await task


@asynccontextmanager
async def bots(url: str | None, count: int = 1, provider: str = "binance") -> AsyncIterator[list[Budget]]:
    """The budgets of so many bots behind one address."""
    made = [Budget(url, provider, Standing()) for _ in range(count)]
    try:
        yield made
    finally:
        for each in made:
            await each.close()


@pytest.mark.asyncio
async def test_two_bots_share_what_the_gate_allows() -> None:
    """What one has used the other has not; both are told how long to wait."""
    desk = Desk(lambda: 1000.0, (Provider("binance", (Limit("orders-10s", "orders", 10, 10.0),)),))
    async with gate(desk) as url, bots(url, 2) as (one, other):
        assert await one.ask(Use(1, 8, urgent=False)) is None
        assert await other.ask(ORDER) is None
        assert await other.ask(ORDER) == Wait(12.167, "orders-10s is used up")
        assert await other.ask(Use(1, 1, urgent=True)) is None


@pytest.mark.asyncio
async def test_an_answer_to_one_bot_stops_the_other() -> None:
    """The venue told one to wait: the address waits, not the bot."""
    desk = Desk(lambda: 1000.0)
    async with gate(desk) as url, bots(url, 2) as (one, other):
        await one.tell(Told(429, 30.0))
        assert await other.ask(Use(1, 1, urgent=True)) == Wait(30.0, "the provider told us to wait")
        assert desk.quotas["binance"].backoffs == 1


@pytest.mark.asyncio
async def test_what_the_venue_counts_is_told_now_and_then() -> None:
    """Once a second, for each answer says it again."""
    desk = Desk(lambda: 1000.0)
    async with gate(desk) as url, bots(url) as (bot,):
        await bot.tell(Told(200, None, 500))
        await bot.tell(Told(200, None, 600))
        assert desk.quotas["binance"].spent[0].used(1000.0) == 500


@pytest.mark.asyncio
async def test_nobody_waits_for_the_gate_to_listen() -> None:
    """What was heard is told in the background, and arrives."""
    desk = Desk(lambda: 1000.0)
    async with gate(desk) as url, bots(url) as (bot,):
        bot.heard(Told(429, 30.0))
        assert desk.quotas["binance"].backoffs == 0
        while not desk.quotas["binance"].backoffs:  # noqa: ASYNC110 - the gate runs in this loop
            await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_a_request_waits_for_room_as_long_as_it_may() -> None:
    """A wait in venue time is half as long in ours here; who may not wait that long is told at once."""
    began = time.monotonic()
    desk = Desk(lambda: 2 * (time.monotonic() - began), (Provider("binance", (Limit("w", "weight", 1, 0.6),), 0),))
    async with gate(desk) as url, bots(url) as (bot,):
        assert await bot.room(ORDER, 0.0) == ""
        said = await bot.room(ORDER, 0.0)
        assert said.startswith("the budget of this address: w is used up, 1.")
        assert await bot.room(ORDER, 10.0) == ""
    assert time.monotonic() - began >= 1.3


@pytest.mark.asyncio
async def test_a_bot_whose_gate_is_away_has_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own share is small enough that ten of them keep within what the venue allows."""
    monkeypatch.setattr(budget, "AWAY_SECONDS", 3600.0)
    async with bots("http://127.0.0.1:1") as (bot,):
        for _ in range(9):
            assert await bot.ask(ORDER) is None
        refused = await bot.ask(ORDER)
        assert refused is not None
        assert (refused.why, round(refused.seconds, 3)) == ("orders-10s is used up", 12.167)
        assert await bot.ask(Use(1, 1, urgent=True)) is None
        await bot.tell(Told(418, 120.0))
        assert await bot.ask(Use(1, 0, urgent=True)) == Wait(120.0, "the address is banned")


@pytest.mark.asyncio
async def test_a_share_too_small_for_it_keeps_no_protection_back() -> None:
    """At Kraken an exit in the place of its stop is seven requests of the six that a tenth of its minute has."""
    async with bots("http://127.0.0.1:1", 1, "kraken") as (bot,):
        assert await bot.ask(Use(7, 1, urgent=True)) is None
        refused = await bot.ask(Use(7, 1, urgent=False, enters=True))
        assert refused is not None
        assert refused.impossible


@pytest.mark.asyncio
async def test_a_gate_that_comes_back_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds of share its word counts again."""
    monkeypatch.setattr(budget, "AWAY_SECONDS", 0.0)
    desk = Desk(lambda: 1000.0)
    async with gate(desk) as url:
        pass
    async with bots(url) as (bot,):
        assert await bot.ask(ORDER) is None
        assert desk.quotas["binance"].spent[0].used(1000.0) == 0
        async with gate(desk) as again:
            bot._url = again
            assert await bot.ask(ORDER) is None
    assert desk.quotas["binance"].spent[0].used(1000.0) == 1


@pytest.mark.asyncio
async def test_without_a_gate_nothing_is_asked() -> None:
    """Neither with none named, nor for a venue that the gate's table does not have."""
    for url, provider in ((None, "binance"), ("http://127.0.0.1:1", "nobody")):
        async with bots(url, 1, provider) as (bot,):
            assert await bot.room(Use(10**9, 10**9, urgent=False), 0.0) == ""
            bot.heard(Told(429))
            await bot.tell(Told(429))


@pytest.mark.parametrize(
    ("headers", "used"),
    [({"X-MBX-USED-WEIGHT-1M": "77"}, 77), ({"x-mbx-used-weight-1m": "many"}, None), ({}, None), (None, None)],
)
def test_what_the_venue_counts_is_read_from_its_answer(headers: dict[str, str] | None, used: int | None) -> None:
    """By any spelling of the header; nothing where it says nothing."""
    assert used_weight(headers) == used


def test_a_share_has_one_of_everything_at_least() -> None:
    """Five requests a minute leave one to each of many bots."""
    alphavantage = next(each for each in PROVIDERS if each.name == "alphavantage")
    assert [each.capacity for each in share(alphavantage).limits] == [1, 2]
