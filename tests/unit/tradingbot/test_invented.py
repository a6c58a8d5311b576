"""Invented prices: they go on from the market's last one, at every close, and only while the switch is on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from desks import IDENTITY, NOW, WELL, ListeningEngine, desk
from trading import BTC, START, candle, instrument
from tradingbot.api.rest import http_app
from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.position import Position
from tradingbot.domain.snapshot import HeldPosition
from tradingbot.venues.invented import InventedFeed, Invention
from tradingbot.venues.replay import ReplayClock

D = Decimal


class Market:
    """Two closed bars, then silence; *away*: it fails instead."""

    def __init__(self, away: Exception | None = None) -> None:
        self.away = away
        self.closed = False

    async def instruments(self, symbols):
        return {symbol: instrument(symbol) for symbol in symbols}

    async def history(self, symbol, timeframe, bars):
        return (candle(0), replace(candle(1), close=D(101)))

    async def candles(self, symbols, timeframe) -> AsyncIterator[Candle]:
        if self.away is not None:
            raise self.away
        yield candle(2)
        await asyncio.Event().wait()

    async def quote(self, symbol):
        return Quote(symbol, D(7), D(8), START)

    async def close(self):
        self.closed = True


def feed(on: bool, away: Exception | None = None) -> tuple[InventedFeed, Market]:
    market = Market(away)
    clock = ReplayClock(START + timedelta(minutes=2, seconds=10))
    return InventedFeed(market, clock, Invention(on)), market


async def taken(source: InventedFeed, count: int) -> list[Candle]:
    await source.instruments([BTC])
    await source.history(BTC, "1m", 10)
    bars = source.candles([BTC], "1m")
    found = [await asyncio.wait_for(anext(bars), 5) for _ in range(count)]
    await bars.aclose()
    return found


def test_bars_go_on_from_the_last_price():
    """One a minute, each beginning where the one before ended, within half a per mille of it; the same every time."""

    async def story() -> list[Candle]:
        source, _ = feed(False)
        await source.instruments([BTC])
        await source.history(BTC, "1m", 10)
        source._switch.on = True
        bars = source.candles([BTC], "1m")
        found = [await asyncio.wait_for(anext(bars), 5) for _ in range(3)]
        await bars.aclose()
        assert await source.history(BTC, "1m", 2) == tuple(found[-2:])
        quote = await source.quote(BTC)
        assert (quote.bid, quote.ask) == (found[-1].close, found[-1].close)
        return found

    first, again = asyncio.run(story()), asyncio.run(story())
    assert [each.open_time - START for each in first] == [timedelta(minutes=number) for number in (2, 3, 4)]
    assert first[0].open == D(101)
    assert [each.open for each in first[1:]] == [each.close for each in first[:-1]]
    assert all(abs(each.close - each.open) <= each.open * D("0.0005") + D("0.01") for each in first)
    assert first == again


def test_the_market_is_heard_while_the_switch_is_off():
    """Its bars, its quote, its history; closing reaches it."""

    async def story() -> None:
        source, market = feed(False)
        assert await taken(source, 1) == [candle(2)]
        assert (await source.quote(BTC)).ask == D(8)
        await source.close()
        assert market.closed

    asyncio.run(story())


def test_without_a_price_nothing_is_invented():
    """Before the first candle there is nothing to go on from: the market is asked."""

    async def story() -> None:
        source, _ = feed(True)
        assert (await source.quote(BTC)).bid == D(7)
        assert await source.history(BTC, "1m", 5) == ()

    asyncio.run(story())


def test_a_market_that_breaks_is_told():
    """What ends the market's feed ends this one."""

    async def story() -> None:
        source, _ = feed(False, VenueUnavailable("gone"))
        with pytest.raises(VenueUnavailable):
            await taken(source, 1)

    asyncio.run(story())


HELD = HeldPosition(Position(BTC, D("0.1"), D(2000)), D(20000), D(0), None, D(0))
HALTED = (Halt("h1", HaltKind.HALT, "http", "look", NOW),)
PATH = "/api/config/simulation-mode"


def answer(book: str, enabled: object = True, switch: Invention | None = None, **shown: object) -> tuple[int, dict]:
    engine = ListeningEngine(replace(WELL, **shown))
    at = desk(engine, identity=replace(IDENTITY, book=book), invention=switch)
    client = TestClient(http_app(at), headers={"Authorization": "Bearer people"})
    said = client.post(PATH, json={"enabled": enabled})
    return said.status_code, said.json()


@pytest.mark.parametrize(
    ("book", "shown"),
    [
        ("paper", {"positions": (HELD,), "open_orders": 1}),
        ("live", {"halts": HALTED}),
        ("sandbox", {"halts": HALTED, "positions": (replace(HELD, dust=True),)}),
    ],
)
def test_prices_are_invented_where_no_money_follows_them(book, shown):
    """On paper always; at a market for who is halted and flat, where dust is nothing."""
    switch = Invention()
    assert answer(book, True, switch, **shown) == (200, {"simulation_mode": True})
    assert switch.on
    assert answer(book, False, switch) == (200, {"simulation_mode": False})
    assert not switch.on


@pytest.mark.parametrize(
    ("book", "shown", "said"),
    [
        ("live", {"halts": HALTED, "positions": (HELD,)}, "(live), is halted, holds 1 positions and has 0 open orders"),
        ("live", {"halts": HALTED, "open_orders": 2}, "(live), is halted, holds 0 positions and has 2 open orders"),
        ("live", {}, "(live), is not halted, holds 0 positions"),
        ("live", {"halts": HALTED, "unresolved": 1}, "(live), is halted"),
        ("live", {"halts": HALTED, "epoch": None}, "(live), is halted"),
        ("dry-run", {}, "a bot of mode dry-run cannot be switched to invented prices; use one of mode paper"),
    ],
)
def test_an_outage_is_not_hidden_from_a_bot_with_money(book, shown, said):
    """409 and a sentence; the switch stays as it was."""
    switch = Invention()
    code, told = answer(book, True, switch, **shown)
    assert (code, switch.on) == (409, False)
    assert said in told["error"]


def test_a_recording_has_no_switch():
    """It can be told to be off, which it is; what is sent must be true or false."""
    assert answer("sim", True)[0] == 409
    assert answer("sim", False) == (200, {"simulation_mode": False})
    code, told = answer("paper", "yes", Invention())
    assert (code, told["error"]) == (422, 'enabled "yes" is not right: send for example {"enabled": true}')
