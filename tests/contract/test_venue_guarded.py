"""The guarded venue against the simulator: reads asked again, writes sent once, what an open breaker lets through."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count, pairwise
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
from tradingbot.domain.backoff import Backoff
from tradingbot.domain.breaker import Operation, Rule
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import Accepted, Cancel, Order, OrderType, Outcome, Purpose, Refused, Side, VenueWrite
from tradingbot.venues.budget import Budget
from tradingbot.venues.clock import VenueClock, steady
from tradingbot.venues.guarded import GuardedVenue, Retries
from tradingbot.venues.invented import Invention
from tradingbot.venues.listening import market_trace
from tradingbot.venues.signing import Account

D = Decimal
NUMBERS = count(1)
BUY = Order(BTC, Side.BUY, OrderType.MARKET, Purpose.ENTRY, D("0.01"), stop_price=D(1))
STOP = Order(BTC, Side.SELL, OrderType.STOP, Purpose.STOP, D("0.005"), stop_price=D("1000.00"))
EXIT = Order(BTC, Side.SELL, OrderType.MARKET, Purpose.EXIT, D("0.004"))
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MOMENT = 0.2 * SECOND


@dataclass
class Bench:
    simulator: Venue
    venue: GuardedVenue
    clock: VenueClock
    breakers: Breakers
    invention: Invention

    async def send(self, request: Order | Cancel) -> tuple[str, Outcome]:
        number, now = next(NUMBERS), self.clock.now()
        name = str(ClientId(LEDGER, 1, number))
        return name, await self.venue.send(VenueWrite(name, 1, number, request, now, now + self.venue.request_life))

    def fault(self, route: str, times: int | None, **parameters: Any) -> int:
        return self.simulator.exchange.faults.add(Fault(0, "status", route, times, None, parameters)).fault_id

    def sent(self) -> list[str]:
        return [each.action for each in self.simulator.exchange.log.entries if each.action in ("order", "cancel")]

    def states(self) -> dict[str, str]:
        return {held.name.partition("/")[2]: state.value for held, state in self.breakers.shown()}


@contextlib.asynccontextmanager
async def bench(recovery: timedelta, patience: timedelta, tries: int) -> AsyncIterator[Bench]:
    settings = Settings(port=0, pace=Pace(Mode.WALL), data=DEEP_DATA)
    rule = Rule(failures=3, within=timedelta(seconds=60), recovery=recovery)
    breakers = Breakers("binance", tuple(Operation), rule, steady())
    invention = Invention()
    session = aiohttp.ClientSession(trace_configs=[market_trace(breakers, invention)])
    async with running(settings, time.time) as simulator, session:
        clock = VenueClock(session, simulator.url, simulator.url)
        await clock.measure()
        waits = {"backoff": Backoff(0.1 * SECOND, 0.4 * SECOND), "timeout": patience}
        account = Account("binance", KEY, KEY, (BTC,), "tradingbot/0", simulator.url, **waits)
        venue = GuardedVenue(account, clock, Budget(None, "binance", clock), breakers, Retries(tries))
        try:
            yield Bench(simulator, venue, clock, breakers, invention)
        finally:
            await venue.close()


def story(
    act: Callable[[Bench], Awaitable[None]],
    recovery: timedelta = MINUTE,
    patience: timedelta = 5 * SECOND,
    tries: int = 3,
) -> None:
    async def told() -> None:
        async with bench(recovery, patience, tries) as made:
            await act(made)

    asyncio.run(asyncio.wait_for(told(), 30))


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 400, "code": -1007}])
def test_a_read_that_fails_twice_succeeds_at_the_third_time(fault):
    """Nobody hears of it, the breaker included."""

    async def act(at: Bench) -> None:
        at.fault("GET /api/v3/openOrders", 2, **fault)
        assert await at.venue.open_orders(BTC) == ()
        assert [held.failed_at for held, _ in at.breakers.shown()] == [()] * 5

    story(act)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 403, "code": -1100}, "refused"),
        ({"status": 400, "code": -1021}, "clock"),
        ({"status": 429, "retry_after": 0}, "rate_limit"),
        ({"status": 418, "retry_after": 0}, "banned"),
        ({"status": 404, "code": 0}, "moved"),
        ({"status": 401, "code": -2015}, "auth"),
    ],
)
def test_what_asking_again_does_not_cure_is_not_asked_again(fault, kind):
    """One failure is enough for it to be told, with its sort for the log."""

    async def act(at: Bench) -> None:
        at.fault("GET /api/v3/openOrders", 1, **fault)
        with pytest.raises(VenueUnavailable) as told:
            await at.venue.open_orders(BTC)
        assert told.value.kind == kind

    story(act)


@pytest.mark.row("S0-069")
def test_who_waits_longer_has_an_answer_of_a_slow_venue(evidence):
    """Two seconds are too long for a time-out of one, and short enough for one of five."""

    async def act(at: Bench) -> None:
        slow = Fault(0, "delay_before", "GET /api/v3/account", None, None, {"ms": 2000})
        at.simulator.exchange.faults.add(slow)
        try:
            said.append(str(await at.venue.balances()))
        except VenueUnavailable as away:
            said.append(away.kind)

    said: list[str] = []
    for seconds in (1, 5):
        story(act, patience=seconds * SECOND, tries=1)
        evidence(f"sim latency 2 s, exchange.timeout {seconds}s (spec.exchange.timeoutMs {seconds}000)", said[-1])
    assert said[0] == "network"
    assert "USDT" in said[1]


@pytest.mark.row("S0-045")
def test_who_is_told_to_wait_comes_back_later_each_time(evidence):
    """The venue does not say when: it is asked after the pauses of the settings, the last of which is the longest."""

    async def act(at: Bench) -> None:
        at.fault("GET /api/v3/openOrders", 4, status=429)
        asked: list[float] = []
        while len(asked) < 5:
            try:
                await at.venue.open_orders(BTC)
            except VenueUnavailable as away:
                if away.kind == "unasked":
                    await asyncio.sleep(0.01)
                    continue
            asked.append(time.monotonic())
        gaps = [later - before for before, later in pairwise(asked)]
        evidence("sim fault=429: pauses between two requests, in s", " ".join(f"{gap:.2f}" for gap in gaps))
        assert [gap >= pause for gap, pause in zip(gaps, (0.1, 0.2, 0.4, 0.4), strict=True)] == [True] * 4

    story(act)


def test_a_write_is_sent_once_whatever_comes_of_it():
    """A server error before the order was looked at would let a second one through: there is none."""

    async def act(at: Bench) -> None:
        at.fault("POST /api/v3/order", 1, status=503)
        name, _ = await at.send(BUY)
        assert await at.venue.order(BTC, name) is None
        assert at.sent() == []

    story(act)


def test_an_open_breaker_refuses_the_entry_and_nothing_else():
    """Of entries nothing reaches the venue; stops, exits, cancels and what settles an order go on."""

    async def act(at: Bench) -> None:
        bought, _ = await at.send(BUY)
        fault = at.fault("POST /api/v3/order", 3, status=503)
        for _ in range(3):
            await at.send(BUY)
        at.simulator.exchange.faults.remove(fault)
        assert at.states() == {**dict.fromkeys(("market", "account", "orders", "leave"), "closed"), "enter": "open"}
        before = len(at.sent())
        _, refused = await at.send(BUY)
        assert isinstance(refused, Refused)
        assert refused.code == "BreakerOpen"
        assert refused.message.startswith("not sent: binance/enter failed 3 times, last: ")
        assert len(at.sent()) == before
        assert await at.venue.order(BTC, bought) is not None
        stop, placed = await at.send(STOP)
        assert isinstance(placed, Accepted)
        assert isinstance((await at.send(EXIT))[1], Accepted)
        assert isinstance((await at.send(Cancel(BTC, stop)))[1], Accepted)

    story(act)


def test_after_its_time_one_entry_shows_that_the_venue_is_back():
    """It is sent, and closes the breaker."""

    async def act(at: Bench) -> None:
        at.fault("POST /api/v3/order", 3, status=503)
        for _ in range(3):
            await at.send(BUY)
        async with asyncio.timeout(10):
            while at.states()["enter"] != "half_open":  # noqa: ASYNC110 - it is time that is waited for
                await asyncio.sleep(0.05)
        assert isinstance((await at.send(BUY))[1], Accepted)
        assert at.states()["enter"] == "closed"

    story(act, MOMENT)


def test_what_protects_is_sent_while_its_own_breaker_is_open():
    """It is counted, so that entries wait for it; it is not refused."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        at.fault("POST /api/v3/order", 3, status=503)
        for _ in range(3):
            await at.send(STOP)
        assert at.states()["leave"] == "open"
        assert len(at.breakers.open) == 1
        assert isinstance((await at.send(STOP))[1], Accepted)

    story(act)


def test_public_requests_are_counted_and_never_refused():
    """The time of the venue is one of them: while it cannot be had, entries wait; it is asked for all the same."""

    async def act(at: Bench) -> None:
        at.simulator.exchange.faults.add(Fault(0, "maintenance"))
        for _ in range(3):
            with pytest.raises(VenueUnavailable):
                await at.clock.measure()
        assert at.states()["market"] == "open"
        at.simulator.exchange.faults.remove(None)
        await at.clock.measure()
        assert at.states()["market"] == "open"

    story(act)


def test_a_market_that_is_away_keeps_nothing_back_while_prices_are_invented():
    """Nobody looks at it then."""

    async def act(at: Bench) -> None:
        at.invention.on = True
        at.simulator.exchange.faults.add(Fault(0, "maintenance"))
        for _ in range(3):
            with pytest.raises(VenueUnavailable):
                await at.clock.measure()
        assert at.states()["market"] == "closed"

    story(act)


def test_public_requests_close_their_breaker_when_its_time_has_come():
    """Nobody has to ask for it: the clock is measured every minute."""

    async def act(at: Bench) -> None:
        for _ in range(3):
            at.breakers.failed(Operation.MARKET, "away")
        async with asyncio.timeout(10):
            while at.states()["market"] != "closed":
                await at.clock.measure()

    story(act, MOMENT)


def test_an_account_that_cannot_be_read_is_left_alone_by_who_asks_first():
    """The breaker refuses by a value; whoever must know asks all the same and is answered."""

    async def act(at: Bench) -> None:
        at.fault("GET /api/v3/account", None, status=500)
        for _ in range(3):
            with pytest.raises(VenueUnavailable):
                await at.venue.balances()
        resting = at.breakers.admit(Operation.ACCOUNT)
        assert resting is not None
        assert resting.text.startswith("binance/account failed 3 times, last: privateGetAccount: 500")
        at.simulator.exchange.faults.remove(None)
        assert (await at.venue.balances())["USDT"] > 0

    story(act)
