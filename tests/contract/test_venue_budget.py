"""The venue asks the gate of its address before each request, and tells it what the venue answered."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

import aiohttp
import pytest

from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import running
from exchange_simulator.settings import Settings
from lockstep import KEY
from markets import DEEP_DATA
from tradingbot.api import serve
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import Accepted, Cancel, Order, OrderType, Outcome, Purpose, Refused, Side, VenueWrite
from tradingbot.domain.quota import Use
from tradingbot.gate.app import gate_app
from tradingbot.gate.desk import Desk
from tradingbot.venues import ccxt_venue
from tradingbot.venues.budget import Budget
from tradingbot.venues.ccxt_venue import CcxtVenue
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.signing import Account

D = Decimal
BTC = "BTC/USDT"
NUMBERS = count(1)
BUY = Order(BTC, Side.BUY, OrderType.MARKET, Purpose.ENTRY, D("0.01"), stop_price=D(1))
STOP = Order(BTC, Side.SELL, OrderType.STOP, Purpose.STOP, D("0.009"), stop_price=D("1000.00"))


class NoTokens:
    def admits(self, _: str) -> bool:
        return False


@dataclass
class Bench:
    url: str
    desk: Desk
    venue: CcxtVenue
    clock: VenueClock
    session: aiohttp.ClientSession

    async def send(self, request: Order | Cancel) -> Outcome:
        if why := await self.venue.room(request):
            return Refused("RateLimited", f"not sent: {why}")
        number, now = next(NUMBERS), self.clock.now()
        name = str(ClientId("abc123", 1, number))
        return await self.venue.send(VenueWrite(name, 1, number, request, now, now + self.venue.request_life))

    def used(self) -> tuple[int, ...]:
        """Weight of a minute, and orders of ten seconds."""
        now = self.desk.clock()
        return tuple(each.used(now) for each in self.desk.quotas["binance"].spent[:2])

    def exhaust(self) -> None:
        """Somebody else has used all but the reserve."""
        assert self.desk.take("binance", Use(5400 - self.used()[0], 0, urgent=False)) is None


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    settings = Settings(port=0, pace=Pace(Mode.WALL), data=DEEP_DATA)
    desk = Desk(time.monotonic)
    listener = serve.bind("127.0.0.1:0")
    gate = serve.server(gate_app(desk, NoTokens()))
    serving = asyncio.create_task(serve.serve(gate, listener))
    async with running(settings, time.time) as simulator, aiohttp.ClientSession() as session:
        clock = VenueClock(session, simulator.url, simulator.url)
        await clock.measure()
        budget = Budget(f"http://127.0.0.1:{listener.getsockname()[1]}", "binance", clock)
        venue = CcxtVenue(Account("binance", KEY, KEY, (BTC,), "tradingbot/0", simulator.url), clock, budget)
        try:
            yield Bench(simulator.url, desk, venue, clock, session)
        finally:
            await venue.close()
            gate.should_exit = True
            await serving


def story(act: Callable[[Bench], Awaitable[None]]) -> None:
    async def told() -> None:
        async with bench() as made:
            await act(made)

    asyncio.run(asyncio.wait_for(told(), 30))


def test_every_request_is_counted_before_it_is_sent() -> None:
    """An order, a cancel's order and a read weigh what the venue says they do."""

    async def act(at: Bench) -> None:
        assert isinstance(await at.send(BUY), Accepted)
        assert at.used()[1] == 1
        before = at.used()[0]
        await at.venue.balances()
        assert at.used()[0] - before >= 20

    story(act)


def test_what_is_used_up_refuses_entries_and_lets_stops_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reserve is for what protects; a read gives up after its patience; nothing of them reached the venue."""
    monkeypatch.setattr(ccxt_venue, "READ_PATIENCE", 0.0)

    async def act(at: Bench) -> None:
        assert isinstance(await at.send(BUY), Accepted)
        at.exhaust()
        refused = await at.send(BUY)
        assert isinstance(refused, Refused)
        assert refused.code == "RateLimited"
        assert refused.message.startswith("not sent: the budget of this address: weight-1m is used up, ")
        assert isinstance(await at.send(STOP), Accepted)
        with pytest.raises(VenueUnavailable, match="privateGetAccount: the budget of this address"):
            await at.venue.balances()
        async with at.session.get(f"{at.url}/control/orders") as answer:
            orders = [each for each in (await answer.json())["entries"] if each["action"] == "order"]
        assert len(orders) == 2

    story(act)


def test_an_account_that_placed_too_many_orders_still_cancels_and_asks() -> None:
    """The venue counts them by account: what it places waits, its cancels go, and nobody else of the address stops."""

    async def act(at: Bench) -> None:
        stop = await at.send(BUY), await at.send(STOP)
        fault = {"kind": "status", "route": "POST /api/v3/order", "status": 429, "code": -1015, "retry_after": 30}
        async with at.session.post(f"{at.url}/control/faults", json={**fault, "count": 1}) as answer:
            assert answer.status in (200, 201), await answer.text()
        assert isinstance(await at.send(BUY), Refused)
        refused = await at.send(BUY)
        assert refused == Refused(
            "RateLimited", "not sent: the venue takes no more orders of this account, 30 s are left"
        )
        assert isinstance(stop[1], Accepted)
        assert isinstance(await at.send(Cancel(BTC, stop[1].report.client_id)), Accepted)
        assert await at.venue.open_orders(BTC) == ()
        assert at.desk.quotas["binance"].backoffs == 0

    story(act)


def test_a_venue_that_says_wait_stops_every_bot_of_the_address() -> None:
    """The gate has been told, whoever was answered."""

    async def act(at: Bench) -> None:
        fault = {"kind": "status", "route": "order", "status": 429, "retry_after": 30, "count": 1}
        async with at.session.post(f"{at.url}/control/faults", json=fault) as answer:
            assert answer.status in (200, 201), await answer.text()
        assert isinstance(await at.send(BUY), Refused)
        while not at.desk.quotas["binance"].backoffs:  # noqa: ASYNC110 - the gate runs in this loop
            await asyncio.sleep(0.01)
        assert 25 < at.desk.quotas["binance"].shut_for(at.desk.clock()) <= 30

    story(act)
