"""The live venue against the simulator: three outcomes, reads that tell absent from away, and the bytes on the wire."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web

from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import running
from exchange_simulator.settings import Settings
from markets import DEEP_DATA
from trading import BTC, LEDGER, START, CountingMetrics, MemoryLedger, order
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.intent import Refusal
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import (
    Accepted,
    Cancel,
    Fill,
    Order,
    OrderReport,
    OrderStatus,
    OrderType,
    Outcome,
    Purpose,
    Refused,
    Side,
    Unknown,
    VenueWrite,
)
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.execution import exits
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.send import place
from tradingbot.venues.ccxt_venue import CcxtVenue
from tradingbot.venues.clock import Pace as Kind
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.feed import LiveFeed
from tradingbot.venues.signing import Account

KEY = "simulator-demo"
AGENT = "tradingbot/0.1.0 pod/pod-1"
D = Decimal
NUMBERS = count(1)


@dataclass
class Bench:
    """A simulator and everything of ours that talks to it."""

    url: str
    session: aiohttp.ClientSession
    clock: VenueClock
    venue: CcxtVenue
    feed: LiveFeed
    metrics: CountingMetrics
    exchange: object

    async def control(self, path: str, **body: object) -> dict:
        async with self.session.post(f"{self.url}/control/{path}", json=body) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def log(self) -> list[dict]:
        async with self.session.get(f"{self.url}/control/orders") as answer:
            return (await answer.json())["entries"]

    def write(self, request: Order | Cancel) -> VenueWrite:
        number, now = next(NUMBERS), self.clock.now()
        name = str(ClientId(LEDGER, 1, number))
        return VenueWrite(name, 1, number, request, now, now + self.venue.request_life)

    async def send(self, request: Order | Cancel) -> tuple[VenueWrite, Outcome]:
        write = self.write(request)
        return write, await self.venue.send(write)


@contextlib.asynccontextmanager
async def bench(pace: Pace | None = None) -> AsyncIterator[Bench]:
    settings = Settings(port=0, pace=pace or Pace(Mode.WALL), data=DEEP_DATA)
    async with connected(settings) as made:
        yield made


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Bench]:
    async with running(settings, time.time) as simulator, aiohttp.ClientSession() as session:
        clock, metrics = VenueClock(session, simulator.url, simulator.url), CountingMetrics()
        await clock.measure()
        venue = CcxtVenue(account(simulator.url), clock)
        feed = LiveFeed(session, (simulator.url, simulator.url.replace("http", "ws", 1)), clock, metrics, None)
        try:
            yield Bench(simulator.url, session, clock, venue, feed, metrics, simulator.exchange)
        finally:
            await venue.close()


def account(url: str | None, **changes: str) -> Account:
    return replace(Account("binance", KEY, KEY, (BTC,), AGENT, url), **changes)


def story(act: Callable, pace: Pace | None = None) -> None:
    async def told() -> None:
        async with bench(pace) as made:
            await act(made)

    asyncio.run(asyncio.wait_for(told(), 30))


BUY = order(quantity=D("0.01"), stop_price=D(1))


def stop(quantity: str = "0.009", price: str = "1000.00", **changes: object) -> Order:
    made = order(side=Side.SELL, type=OrderType.STOP, purpose=Purpose.STOP, quantity=D(quantity), stop_price=D(price))
    return replace(made, **changes)


def test_a_market_order_is_accepted_with_its_fills():
    """Status, filled quantity and trades come with the answer; the entry's protective stop is no part of it."""

    async def act(at: Bench) -> None:
        write, outcome = await at.send(BUY)
        assert isinstance(outcome, Accepted)
        assert (outcome.report.client_id, outcome.report.status) == (write.client_id, OrderStatus.FILLED)
        assert sum(fill.quantity for fill in outcome.fills) == D("0.01")
        assert {fill.commission_asset for fill in outcome.fills} == {"BTC"}
        listed = await at.venue.fills(BTC, write.timestamp - timedelta(minutes=1))
        assert [(f.trade_id, f.client_id, f.quantity, f.price, f.commission) for f in listed] == [
            (f.trade_id, write.client_id, f.quantity, f.price, f.commission) for f in outcome.fills
        ]
        assert (await at.venue.balances())["BTC"] == D("0.01") - sum(f.commission for f in outcome.fills)

    story(act)


def test_the_order_log_names_the_pod():
    """Two pods of one colour can be told apart by their User-Agent."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        assert {entry["sender"] for entry in await at.log() if entry["action"] == "order"} == {AGENT}

    story(act)


def test_a_stop_rests_is_found_and_is_taken_back():
    """It is listed as open, found by its id in every state, and cancelled."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        write, outcome = await at.send(stop())
        assert (outcome.report.status, outcome.report.type) == (OrderStatus.OPEN, OrderType.STOP)
        (listed,) = await at.venue.open_orders(BTC)
        assert (listed.client_id, listed.stop_price, listed.quantity) == (write.client_id, D(1000), D("0.009"))
        assert await at.venue.order(BTC, write.client_id) == listed
        _, gone = await at.send(Cancel(BTC, write.client_id))
        assert (gone.report.client_id, gone.report.status) == (write.client_id, OrderStatus.CANCELLED)
        assert (await at.venue.order(BTC, write.client_id)).status is OrderStatus.CANCELLED
        assert await at.venue.open_orders(BTC) == ()

    story(act)


def test_an_order_the_venue_does_not_know_is_none():
    """Absent is told apart from away."""

    async def act(at: Bench) -> None:
        assert await at.venue.order(BTC, "tabc123000100zzzz1") is None
        await at.control("faults", kind="status", status=503, count=1)
        with pytest.raises(VenueUnavailable, match="503"):
            await at.venue.order(BTC, "tabc123000100zzzz1")

    story(act)


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (order(quantity=D(90)), "-2010", "Account has insufficient balance for requested action."),
        (order(quantity=D("0.0000001")), "-1013", "Filter failure: LOT_SIZE"),
        (order(quantity=D("0.00001")), "-1013", "Filter failure: NOTIONAL"),
        (Cancel(BTC, "tabc123000100zzzz1"), "-2011", "Unknown order sent."),
    ],
)
def test_a_refusal_carries_the_venues_word(request_, code, message):
    """Refused: the venue said no, and why."""

    async def act(at: Bench) -> None:
        _, outcome = await at.send(request_)
        assert outcome == Refused(code, message)

    story(act)


def test_a_stop_above_the_price_is_refused():
    """The position must then be left another way."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        _, outcome = await at.send(stop(price="900000.00"))
        assert outcome == Refused("-2010", "Stop price would trigger immediately.")

    story(act)


FAULTS = {
    "answer lost after acceptance": {"kind": "lost_answer", "how": "drop"},
    "gateway time-out after acceptance": {"kind": "status", "status": 504, "after": True},
    "server error after acceptance": {"kind": "status", "status": 500, "after": True},
    "server error before": {"kind": "status", "status": 503},
    "unknown by the venue's own word": {"kind": "status", "status": 400, "code": -1007, "after": True},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_nobody_can_say_is_unknown(fault):
    """Unknown: a query by the client id tells, a second send never happens."""

    async def act(at: Bench) -> None:
        await at.control("faults", route="POST /api/v3/order", count=1, **fault)
        write, outcome = await at.send(BUY)
        assert isinstance(outcome, Unknown)
        found = await at.venue.order(BTC, write.client_id)
        reached = fault.get("after") or fault["kind"] == "lost_answer"
        assert (found.status if found else None) == (OrderStatus.FILLED if reached else None)
        sent = [entry for entry in await at.log() if entry["client_id"] == write.client_id]
        assert sum(entry["action"] == "order" for entry in sent) == (1 if reached else 0)

    story(act)


@pytest.mark.parametrize(("status", "code"), [(429, "-1003"), (418, "-1003"), (401, "-2015"), (400, "-1021")])
def test_what_was_turned_away_at_the_door_is_refused(status, code):
    """Too many requests, a bad key, a stale timestamp: the venue has not looked at the order."""

    async def act(at: Bench) -> None:
        fault = {"kind": "status", "status": status, "code": int(code), "message": "no", "retry_after": 0}
        await at.control("faults", route="POST /api/v3/order", count=1, **fault)
        write, outcome = await at.send(BUY)
        assert outcome == Refused(code, "no")
        # A key that was refused once is asked about before anything else is.
        await opened(at)
        assert await at.venue.order(BTC, write.client_id) is None

    story(act)


async def opened(at: Bench) -> None:
    async with asyncio.timeout(10):
        while at.venue._closed:  # noqa: ASYNC110 - it is time that is waited for
            await asyncio.sleep(0.05)


def test_a_venue_that_says_wait_is_left_alone():
    """Retry-After is kept: nothing is asked and nothing sent, and then all goes on."""

    async def act(at: Bench) -> None:
        await at.control("faults", kind="status", status=429, retry_after=1, count=1)
        with pytest.raises(VenueUnavailable, match="429"):
            await at.venue.open_orders(BTC)
        with pytest.raises(VenueUnavailable, match="the venue told us to wait, 1 s are left"):
            await at.venue.open_orders(BTC)
        write, outcome = await at.send(BUY)
        assert outcome == Refused("RateLimited", "not sent: the venue told us to wait, 1 s are left")
        await opened(at)
        assert await at.venue.order(BTC, write.client_id) is None

    story(act)


def test_a_refused_timestamp_has_the_clock_measured_again():
    """The next request knows the venue's time."""

    async def act(at: Bench) -> None:
        await at.control("faults", kind="clock_skew", ms=-4000)
        _, outcome = await at.send(BUY)
        assert (type(outcome), outcome.code) == (Refused, "-1021")
        assert isinstance((await at.send(BUY))[1], Accepted)

    story(act)


def test_an_old_write_is_refused_by_the_venue():
    """The timestamp of the fence goes to the venue, which lets it live two seconds and no longer."""

    async def act(at: Bench) -> None:
        write = at.write(BUY)
        old = replace(write, timestamp=write.timestamp - timedelta(seconds=3), expires_at=write.timestamp)
        old = replace(old, expires_at=old.timestamp + timedelta(seconds=2))
        outcome = await at.venue.send(old)
        assert (type(outcome), outcome.code) == (Refused, "-1021")

    story(act)


def test_an_id_in_use_is_unknown():
    """Perhaps this very order stands there already: query, do not conclude."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        write, _ = await at.send(stop("0.006"))
        again = replace(write, timestamp=at.clock.now(), expires_at=at.clock.now() + at.venue.request_life)
        assert isinstance(await at.venue.send(again), Unknown)

    story(act)


def test_a_venue_that_cannot_be_reached_has_refused():
    """Nothing left this machine, so nothing can arrive."""

    async def act(at: Bench) -> None:
        nowhere = CcxtVenue(account("http://127.0.0.1:1"), at.clock)
        try:
            outcome = await nowhere.send(at.write(BUY))
            assert (type(outcome), outcome.code) == (Refused, "NotConnected")
            with pytest.raises(VenueUnavailable):
                await nowhere.open_orders(BTC)
        finally:
            await nowhere.close()

    story(act)


def test_an_exit_replaces_its_stop_in_one_request():
    """The stop is cancelled and the market order filled; the log shows one request."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        first, _ = await at.send(stop())
        leaving = order(side=Side.SELL, purpose=Purpose.EXIT, quantity=D("0.009"), replaces=first.client_id)
        write, outcome = await at.send(leaving)
        assert outcome.report.status is OrderStatus.FILLED
        assert (await at.venue.order(BTC, first.client_id)).status is OrderStatus.CANCELLED
        assert (await at.venue.order(BTC, write.client_id)).filled == D("0.009")

    story(act)


def test_a_replacement_of_what_is_gone_places_nothing():
    """Stop on failure: the cancel failed, the new order was not tried."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        write, outcome = await at.send(stop(replaces="tabc123000100zzzz1"))
        assert outcome == Refused("-2011", "Unknown order sent.", cancelled_first=False)
        assert await at.venue.order(BTC, write.client_id) is None

    story(act)


def test_a_replacement_refused_after_the_cancel_says_so():
    """The old stop is gone, so the caller puts one back first."""

    async def act(at: Bench) -> None:
        await at.send(BUY)
        first, _ = await at.send(stop())
        _, outcome = await at.send(stop(price="900000.00", replaces=first.client_id))
        assert outcome == Refused("-2010", "Stop price would trigger immediately.", cancelled_first=True)
        assert await at.venue.open_orders(BTC) == ()

    story(act)


def test_trades_of_other_people_keep_their_own_id():
    """A person's order on the same account is seen, and is not ours."""

    async def act(at: Bench) -> None:
        foreign = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
        placed = await at.control("foreign", api_key=KEY, **foreign)
        (seen,) = await at.venue.fills(BTC, at.clock.now() - timedelta(minutes=1))
        assert (seen.client_id, seen.quantity) == (placed["clientOrderId"], D("0.002"))

    story(act)


def test_what_a_person_sold_is_not_sold_again():
    """The account has less than our fills say: the whole is refused once, what is there is sold, and we know why."""

    async def act(at: Bench) -> None:
        ledger = MemoryLedger()
        lease = ledger.claim(Instance("blue", "pod", "start", "r"), at.clock.now())
        (market,) = (await at.feed.instruments((BTC,))).values()
        book = Book({BTC: market}, D(10000))
        desk = Desk(at.venue, ledger, lease, at.clock, NoMetrics(), book, *[timedelta(minutes=1)] * 2)
        assert isinstance(await place(desk, BUY), Accepted)
        sale = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.004"}
        await at.control("foreign", api_key=KEY, **sale)
        assert isinstance(await exits.leave(desk, BTC, D(17000), "out"), Refused)
        assert book.there(BTC) == D("0.00599")
        desk.refused.clear()
        assert isinstance(await exits.leave(desk, BTC, D(17000), "out"), Accepted)
        assert exits.is_flat(book, BTC, D(17000))
        assert isinstance(await exits.leave(desk, BTC, D(17000), "out"), Refusal)
        mine = [each for each in await at.log() if each["sender"] == AGENT and each["side"] == "SELL"]
        assert [each["quantity"] for each in mine if each["action"] in ("order", "refuse")] == ["0.00999", "0.00599"]
        assert (await at.venue.balances())["BTC"] < D("0.00001")
        said = desk.outside.said(at.clock.now())
        assert any("sell 0.004 BTC/USDT" in each for each in said), said

    story(act)


async def heard(at: Bench, number: int) -> list[OrderReport | Fill]:
    found: list[OrderReport | Fill] = []
    async for event in at.venue.events():
        found.append(event)
        if len(found) == number:
            return found
    return found


async def subscribed(at: Bench) -> None:
    async with asyncio.timeout(10):
        while not _hears(at):  # noqa: ASYNC110 - the simulator tells nobody who subscribes
            await asyncio.sleep(0.01)


def _hears(at: Bench) -> bool:
    hearers = [one.__self__ for one in at.exchange.listeners if hasattr(one, "__self__")]
    sockets = next(one.sockets for one in hearers if hasattr(one, "held"))
    return any(socket.accounts for socket in sockets.open)


def test_events_bring_fills_and_states():
    """The fill before the state that rests on it."""

    async def act(at: Bench) -> None:
        listening = asyncio.create_task(heard(at, 3))
        await subscribed(at)
        write, outcome = await at.send(BUY)
        new, fill, filled = await listening
        assert (new.client_id, new.status) == (write.client_id, OrderStatus.OPEN)
        assert (fill.trade_id, fill.quantity) == (outcome.fills[0].trade_id, D("0.01"))
        assert filled.status is OrderStatus.FILLED

    story(act)


def test_a_dropped_line_is_taken_up_again():
    """What happened in between is for the trader to ask; later events come."""

    async def act(at: Bench) -> None:
        listening = asyncio.create_task(heard(at, 1))
        await subscribed(at)
        await at.control("faults", kind="drop_socket", stream="user")
        async with asyncio.timeout(10):
            while _hears(at):  # noqa: ASYNC110 - nor who is gone
                await asyncio.sleep(0.01)
        await subscribed(at)
        write, _ = await at.send(BUY)
        (event,) = await listening
        assert event.client_id == write.client_id

    story(act)


def test_instruments_are_read_from_the_filters():
    """Steps, minima, the smaller of the two maxima, and which orders there are."""

    async def act(at: Bench) -> None:
        market = (await at.feed.instruments([BTC]))[BTC]
        assert (market.base, market.quote, market.price_step) == ("BTC", "USDT", D("0.01"))
        assert (market.quantity_step, market.minimum_notional, market.maximum_quantity) == (D("0.00001"), D(5), D(100))
        assert market.market_quantity_step == 0
        assert OrderType.STOP in market.order_types
        with pytest.raises(Misconfigured, match=r"exchange\.symbols names a market the venue does not know"):
            await at.feed.instruments(["NIX/USDT"])

    story(act)


def test_history_ends_with_the_running_bar():
    """The last row is never taken for a closed bar."""

    async def act(at: Bench) -> None:
        history = await at.feed.history(BTC, "1m", 5)
        assert [bar.closed for bar in history] == [True] * 5 + [False]
        assert history[-1].open_time <= at.clock.now() < history[-1].close_time

    story(act)


def test_a_quote_is_the_price_a_taker_meets():
    """In lockstep that is the open that is due."""

    async def act(at: Bench) -> None:
        quote = await at.feed.quote(BTC)
        (_, due) = await at.feed.history(BTC, "1m", 1)
        assert quote.bid == due.open
        assert quote.at == at.clock.now()

    story(act, Pace(Mode.LOCKSTEP))


async def next_closed(candles: AsyncIterator) -> object:
    async for bar in candles:
        if bar.closed:
            return bar
    return None


def test_closed_bars_come_with_the_venues_word():
    """The stream begins with what closed lately; each step closes one bar; the clock stands with the venue."""

    async def act(at: Bench) -> None:
        candles = at.feed.candles([BTC], "1m")
        start = at.clock.now()
        for _ in range(3):
            last = await next_closed(candles)
        assert last.close_time == start
        stepped = await at.control("step", bars=1)
        bar = await next_closed(candles)
        assert bar.close_time == start + timedelta(minutes=1) == at.clock.now()
        assert stepped["venue_ms"] == int(at.clock.now().timestamp() * 1000)
        await candles.aclose()

    story(act, Pace(Mode.LOCKSTEP))


def test_a_dropped_stream_is_taken_up_with_what_was_missed():
    """The bar that closed while the line was down comes all the same."""

    async def act(at: Bench) -> None:
        candles = at.feed.candles([BTC], "1m")
        start = at.clock.now()
        for _ in range(3):
            await next_closed(candles)
        await at.control("faults", kind="drop_socket", stream="market")
        await at.control("step", bars=1)
        while (bar := await next_closed(candles)).close_time <= start:
            pass
        assert bar.close_time == start + timedelta(minutes=1)
        assert ("reconnect", "feed") in at.metrics.said
        await candles.aclose()

    story(act, Pace(Mode.LOCKSTEP))


def test_while_no_stream_can_be_had_bars_are_asked_for(monkeypatch):
    """A bar that closes meanwhile comes all the same, so that a strategy can leave on it."""
    monkeypatch.setattr("tradingbot.venues.feed.LONGEST_DELAY", 0.2)

    async def act(at: Bench) -> None:
        candles = at.feed.candles([BTC], "1m")
        start = at.clock.now()
        for _ in range(3):
            await next_closed(candles)
        await at.control("faults", kind="drop_socket", stream="market", seconds=3600)
        await at.control("step", bars=1)
        while (bar := await next_closed(candles)).close_time <= start:
            pass
        assert bar.close_time == start + timedelta(minutes=1)
        await candles.aclose()

    story(act, Pace(Mode.LOCKSTEP))


def test_the_clock_follows_a_faster_venue():
    """A minute of venue time is a second of ours; ages and windows grow with it."""

    async def act(at: Bench) -> None:
        assert at.clock.pace is Kind.FREE
        assert at.clock.scaled(timedelta(seconds=2)) == timedelta(minutes=2) == at.venue.request_life
        before, began = at.clock.now(), time.monotonic()
        await at.clock.sleep(timedelta(seconds=30))
        wall = time.monotonic() - began
        assert (at.clock.now() - before).total_seconds() == pytest.approx(wall * 60, rel=0.05)
        _, outcome = await at.send(BUY)
        assert isinstance(outcome, Accepted)
        assert at.clock.doubt() is None

    story(act, Pace(Mode.FREE, 60.0))


def test_a_venue_whose_clock_is_off_is_doubted():
    """More than a second away from ours: no entry."""

    async def act(at: Bench) -> None:
        assert at.clock.pace is Kind.WALL
        assert at.clock.doubt() is None
        await at.control("faults", kind="clock_skew", ms=3000)
        await at.clock.measure()
        assert at.clock.doubt() == "the venue's clock is 3.0 s from ours"
        _, outcome = await at.send(BUY)
        assert isinstance(outcome, Accepted)

    story(act)


@dataclass
class Wire:
    """A server that keeps the bytes it was sent; it cuts every line after the first request that it has read."""

    requests: list[tuple[str, str, dict[str, str], dict[str, str]]]
    cut: bool = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        fields = dict(parse_qsl(request.query_string) + parse_qsl(await request.text()))
        self.requests.append((request.method, request.path, fields, dict(request.headers)))
        if self.cut and len(self.requests) > 1:
            request.transport.abort()
        body = {"symbol": "BTCUSDT", "orderId": 1, "clientOrderId": "x", "status": "NEW", "side": "BUY",
                "type": "MARKET", "origQty": "1", "executedQty": "0", "transactTime": 1}  # fmt: skip
        return web.json_response(body)


@contextlib.asynccontextmanager
async def wired(wire: Wire) -> AsyncIterator[CcxtVenue]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", wire.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        venue = CcxtVenue(account(url), VenueClock(session, url, None))
        try:
            yield venue
        finally:
            await venue.close()
            await runner.cleanup()


async def on_the_wire(wire: Wire, requests: list[Order | Cancel]) -> list[Outcome]:
    async with wired(wire) as venue:
        writes = [
            VenueWrite(f"t{n}", 1, n, each, START, START + timedelta(seconds=2)) for n, each in enumerate(requests)
        ]
        return [await venue.send(write) for write in writes]


def test_the_bytes_of_an_order():
    """Timestamp and window of the fence, our id, our name, no price on a market order, and no foreign broker's id."""
    wire = Wire([])
    asyncio.run(on_the_wire(wire, [BUY]))
    ((method, path, fields, headers),) = wire.requests
    fields.pop("signature")
    assert (method, path) == ("POST", "/api/v3/order")
    assert fields == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.01",
        "newClientOrderId": "t0",
        "newOrderRespType": "FULL",
        "timestamp": "1670889600000",
        "recvWindow": "2000",
    }
    assert (headers["User-Agent"], headers["X-MBX-APIKEY"]) == (AGENT, KEY)


def test_the_bytes_of_a_replacement():
    """Only an untouched order is replaced, and nothing is placed when it cannot be cancelled."""
    wire = Wire([])
    asyncio.run(on_the_wire(wire, [stop(replaces="t9")]))
    ((method, path, fields, _),) = wire.requests
    assert (method, path) == ("POST", "/api/v3/order/cancelReplace")
    assert {name: fields[name] for name in ("cancelReplaceMode", "cancelRestrictions", "cancelOrigClientOrderId")} == {
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelRestrictions": "ONLY_NEW",
        "cancelOrigClientOrderId": "t9",
    }
    assert (fields["type"], fields["stopPrice"], fields["newClientOrderId"]) == ("STOP_LOSS", "1000", "t0")


@pytest.mark.parametrize("request_", [BUY, Cancel(BTC, "t9")])
def test_nothing_is_sent_twice_when_a_kept_line_breaks(request_):
    """Not even a DELETE, which HTTP libraries like to repeat: the outcome is unknown."""
    wire = Wire([], cut=True)
    first, second = asyncio.run(on_the_wire(wire, [BUY, request_]))
    assert isinstance(first, Accepted)
    assert isinstance(second, Unknown)
    assert len(wire.requests) == 2


def test_a_standby_reaches_the_venue_without_a_word_of_its_own():
    """Three lines for the three questions of a first adoption; no key, no signature, and a venue that is away is none
    of its business.
    """
    wire = Wire([])

    async def reached() -> None:
        async with wired(wire) as venue:
            await venue.reach()

    asyncio.run(reached())
    assert [(method, path, fields) for method, path, fields, _ in wire.requests] == [("GET", "/api/v3/ping", {})] * 3
    assert all("X-MBX-APIKEY" not in headers for *_, headers in wire.requests)
    asyncio.run(away())


async def away() -> None:
    venue = CcxtVenue(account("http://127.0.0.1:1"), VenueClock(None, "", None))
    try:
        await venue.reach()
    finally:
        await venue.close()


def test_a_venue_we_do_not_speak_is_refused():
    """One sentence, with the cure."""
    told = r"exchange\.name is 'mtgox'; orders can be sent to binance, coinbase, kraken, kucoin"
    with pytest.raises(Misconfigured, match=told):
        CcxtVenue(account(None, exchange="mtgox"), None)


async def account_of(at: Bench, key: str) -> str:
    venue = CcxtVenue(account(at.url, key=key, secret=key), at.clock)
    try:
        await venue.identify()
    finally:
        await venue.close()
    return venue.account


def test_a_rotated_key_is_the_same_account():
    """The ledger is bound to the account, not to the key: two keys of one owner are one, another owner's is another."""

    async def act(at: Bench) -> None:
        for key, owner in (("old-key", "ada"), ("new-key", "ada"), ("other-key", "bob")):
            await at.control("accounts", api_key=key, secret=key, balances={}, owner=owner)
        assert await account_of(at, "old-key") == await account_of(at, "new-key")
        assert await account_of(at, "old-key") != await account_of(at, "other-key")

    story(act)


def test_an_account_that_cannot_be_named_is_asked_for_again():
    """Keys the venue refuses name no account: the bot does not guess whose ledger it writes."""

    async def act(at: Bench) -> None:
        with pytest.raises(VenueUnavailable):
            await account_of(at, "nobody's-key")

    story(act)
