"""Parts that are away or slow, at the real simulator: what leaves is sent or told to be unsent, and nothing hangs."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import aiohttp
import pytest

from exchange_simulator.control.faults import Fault
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings
from lockstep import KEY
from markets import DEEP_DATA
from trading import BTC, LEDGER
from tradingbot.breakers import Breakers
from tradingbot.domain.breaker import Operation
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import Accepted, Order, OrderType, Outcome, Purpose, Refused, Side, Unknown, VenueWrite
from tradingbot.venues.budget import Budget
from tradingbot.venues.clock import VenueClock, steady
from tradingbot.venues.guarded import GuardedVenue, Retries
from tradingbot.venues.signing import Account

D = Decimal
NUMBERS = count(1)
BUY = Order(BTC, Side.BUY, OrderType.MARKET, Purpose.ENTRY, D("0.01"), stop_price=D(1))
STOP = Order(BTC, Side.SELL, OrderType.STOP, Purpose.STOP, D("0.005"), stop_price=D("1000.00"))
EXIT = Order(BTC, Side.SELL, OrderType.MARKET, Purpose.EXIT, D("0.004"))
# Long enough for a busy machine; where something is slow, the story waits for no more than a moment.
PATIENCE, MOMENT = timedelta(seconds=10), timedelta(seconds=0.3)


class Names:
    """The resolver of this process, which can be taken away or made slow for everything but its own machine's name."""

    def __init__(self) -> None:
        self.away, self.slow = False, False
        self._real = asyncio.get_running_loop().getaddrinfo
        asyncio.get_running_loop().getaddrinfo = self._looked_up  # type: ignore[method-assign]

    async def _looked_up(self, host: Any, *arguments: Any, **named: Any) -> Any:
        if host == "localhost":
            if self.slow:
                await asyncio.sleep(3600)
            if self.away:
                raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")
        return await self._real(host, *arguments, **named)


@dataclass
class Bench:
    simulator: Venue
    venue: GuardedVenue
    clock: VenueClock
    breakers: Breakers
    names: Names
    gate: asyncio.Server

    async def send(self, request: Order) -> Outcome:
        if why := await self.venue.room(request):
            return Refused("RateLimited", f"not sent: {why}")
        number, now = next(NUMBERS), self.clock.now()
        name = str(ClientId(LEDGER, 1, number))
        return await self.venue.send(VenueWrite(name, 1, number, request, now, now + self.venue.request_life))

    def patience(self, lasts: timedelta) -> None:
        self.venue._exchange.timeout = lasts // timedelta(milliseconds=1)

    def slow(self, seconds: float) -> None:
        self.simulator.exchange.faults.add(Fault(0, "delay_before", parameters={"ms": round(1000 * seconds)}))

    def states(self) -> dict[str, str]:
        return {held.name.partition("/")[2]: state.value for held, state in self.breakers.shown()}


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A gate that takes every question and answers none."""
    with contextlib.suppress(OSError):
        await reader.read()
    writer.close()


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    settings = Settings(port=0, pace=Pace(Mode.WALL), data=DEEP_DATA)
    breakers, names = Breakers("binance", tuple(Operation), None, steady()), Names()
    gate = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with running(settings, time.time) as simulator, aiohttp.ClientSession() as session, gate:
        clock = VenueClock(session, simulator.url, simulator.url)
        await clock.measure()
        budget = Budget(f"http://127.0.0.1:{gate.sockets[0].getsockname()[1]}", "binance", clock)
        url = simulator.url.replace("127.0.0.1", "localhost")
        account = Account("binance", KEY, KEY, (BTC,), "tradingbot/0", url, timeout=PATIENCE)
        venue = GuardedVenue(account, clock, budget, breakers, Retries(2, MOMENT))
        try:
            yield Bench(simulator, venue, clock, breakers, names, gate)
        finally:
            await venue.close()


def story(act: Callable[[Bench], Awaitable[None]]) -> None:
    async def told() -> None:
        async with bench() as made:
            await act(made)

    asyncio.run(asyncio.wait_for(told(), 30))


def test_a_rate_gate_that_does_not_answer_keeps_no_order_back():
    """A tenth of the budget is the bot's own: entries and stops go on, and the gate is left alone for a while."""

    async def act(at: Bench) -> None:
        assert isinstance(await at.send(BUY), Accepted)
        assert isinstance(await at.send(STOP), Accepted)
        assert (await at.venue.balances())["BTC"] > 0

    story(act)


def test_a_rate_gate_that_is_gone_keeps_no_order_back():
    """The same, sooner."""

    async def act(at: Bench) -> None:
        at.gate.close()
        assert isinstance(await at.send(BUY), Accepted)
        assert isinstance(await at.send(STOP), Accepted)

    story(act)


def test_without_names_nothing_is_sent_and_everything_is_told():
    """What was not sent is refused, not unknown, so that the trader may send it anew as soon as names are back."""

    async def act(at: Bench) -> None:
        at.names.away = True
        for request in (BUY, STOP):
            outcome = await at.send(request)
            assert isinstance(outcome, Refused)
            assert outcome.code == "NotConnected"
        with pytest.raises(VenueUnavailable) as told:
            await at.venue.open_orders(BTC)
        assert told.value.kind == "network"
        at.names.away = False
        assert isinstance(await at.send(BUY), Accepted)
        assert isinstance(await at.send(STOP), Accepted)

    story(act)


def test_a_line_that_stands_needs_no_names():
    """Who is connected trades on."""

    async def act(at: Bench) -> None:
        assert isinstance(await at.send(BUY), Accepted)
        at.names.away = True
        assert isinstance(await at.send(STOP), Accepted)
        assert len(await at.venue.open_orders(BTC)) == 1

    story(act)


def test_names_that_come_slowly_make_a_write_unknown_and_a_read_fail():
    """Neither waits longer than a request may; nobody can say that the write did not leave, so it is asked about."""

    async def act(at: Bench) -> None:
        at.names.slow = True
        at.patience(MOMENT)
        assert isinstance(await at.send(STOP), Unknown)
        with pytest.raises(VenueUnavailable) as told:
            await at.venue.open_orders(BTC)
        assert told.value.kind == "network"

    story(act)


def test_a_venue_that_answers_slowly_opens_its_breakers_and_gets_every_exit():
    """Outcomes are unknown until they are asked for; entries wait, what leaves is sent each time."""

    async def act(at: Bench) -> None:
        assert isinstance(await at.send(BUY), Accepted)
        at.slow(5)
        at.patience(MOMENT)
        for _ in range(5):
            assert isinstance(await at.send(EXIT), Unknown)
        assert at.states()["leave"] == "open"
        at.simulator.exchange.faults.remove(None)
        at.patience(PATIENCE)
        assert isinstance(await at.send(STOP), Accepted)
        assert at.breakers.open != ()

    story(act)


def test_names_and_rate_gate_away_together_do_no_more_than_each():
    """The gate costs its quarter of a second once, then nothing is sent for want of a name; both come back alone."""

    async def act(at: Bench) -> None:
        at.names.away = True
        for request in (BUY, EXIT):
            outcome = await at.send(request)
            assert isinstance(outcome, Refused)
            assert outcome.code == "NotConnected"
        at.names.away = False
        assert isinstance(await at.send(BUY), Accepted)

    story(act)


def test_a_slow_venue_and_a_silent_rate_gate_leave_stops_their_way():
    """The patience of one is not added to that of the other beyond what a request may last."""

    async def act(at: Bench) -> None:
        assert isinstance(await at.send(BUY), Accepted)
        at.slow(0.1)
        assert isinstance(await at.send(STOP), Accepted)
        assert at.states()["leave"] == "closed"

    story(act)
