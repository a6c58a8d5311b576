"""An unmodified ccxt.pro.binance hears candles, tickers, books, trades and its own orders."""

import asyncio
import contextlib
import json
import time
from decimal import Decimal

import aiohttp
import ccxt
import ccxt.pro as pro
import pytest

from exchange_simulator.server import running
from exchange_simulator.settings import Settings, pace

pytestmark = pytest.mark.asyncio
MINUTE = 60_000


async def control(venue, path, body):
    async with aiohttp.ClientSession() as session, session.post(f"{venue.url}/control/{path}", json=body) as answer:
        return await answer.json()


@contextlib.asynccontextmanager
async def listening(speed="lockstep"):
    """A venue and a client of the pro package on it, markets loaded."""
    async with running(Settings(port=0, pace=pace(speed)), time.time) as venue:
        client = pro.binance(venue.ccxt())
        client.enableRateLimit = False
        try:
            await client.load_markets()
            yield venue, client
        finally:
            await client.close()


async def subscribed(venue):
    """Somebody hears the user data of an account."""
    for _ in range(500):
        if any(socket.accounts for socket in venue.sockets.open):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody subscribed to user data within five seconds")


@contextlib.asynccontextmanager
async def socket(venue, *streams):
    """A bare market socket that has subscribed."""
    async with aiohttp.ClientSession() as session, session.ws_connect(venue.stream_url) as wire:
        await wire.send_json({"method": "SUBSCRIBE", "params": list(streams), "id": 1})
        assert await wire.receive_json() == {"result": None, "id": 1}
        yield wire


async def heard(wire, count):
    return [await asyncio.wait_for(wire.receive_json(), 5) for _ in range(count)]


async def test_candles_carry_the_closed_flag_and_close_once():
    """A step of one candle: its open, both extremes, its close with x false, then the whole candle once with x true."""
    async with listening() as (venue, _), socket(venue, "btcusdt@kline_1m") as wire:
        start = venue.exchange.clock.now_ms()
        await control(venue, "step", {"bars": 1})
        events = await heard(wire, 5)
        assert [event["k"]["x"] for event in events] == [False, False, False, False, True]
        recorded = venue.exchange.pits["BTCUSDT"].recording.bar(start)
        closed = events[-1]["k"]
        assert (closed["t"], closed["T"], events[-1]["E"]) == (start, start + MINUTE - 1, start + MINUTE)
        assert [Decimal(closed[name]) for name in "ohlcv"] == [
            recorded.open, recorded.high, recorded.low, recorded.close, recorded.volume
        ]  # fmt: skip


async def test_a_long_candle_closes_only_at_its_own_end():
    """Of five one-minute steps one closes the five-minute candle, and it is what REST serves."""
    async with listening() as (venue, client), socket(venue, "btcusdt@kline_5m") as wire:
        await control(venue, "step", {"bars": 5})
        events = await heard(wire, 21)
        closed = [event["k"] for event in events if event["k"]["x"]]
        assert len(closed) == 1
        row = (await client.public_get_klines({"symbol": "BTCUSDT", "interval": "5m", "limit": 2}))[0]
        assert [closed[0]["t"], *(closed[0][name] for name in "ohlcv")] == [int(row[0]), *row[1:6]]


async def test_a_step_returns_when_its_events_have_been_sent():
    """After the answer to a step of fifty candles, all fifty closed candles are waiting to be read."""
    async with listening() as (venue, _), socket(venue, "btcusdt@kline_1m") as wire:
        await control(venue, "step", {"bars": 50})
        events = await heard(wire, 250)
        assert sum(event["k"]["x"] for event in events) == 50


async def test_the_ccxt_client_watches_candles_tickers_books_and_trades():
    """At sixty candles a second every public watch_ method of ccxt gets its data."""
    async with listening("600") as (_, client):
        candles, ticker, trades, best, book = await asyncio.wait_for(
            asyncio.gather(
                client.watch_ohlcv("BTC/USDT", "1m"),
                client.watch_ticker("BTC/USDT"),
                client.watch_trades("BTC/USDT"),
                client.watch_bids_asks(["BTC/USDT"]),
                client.watch_order_book("BTC/USDT"),
            ),
            10,
        )
        assert candles[-1][1] > 0
        assert ticker["last"] > 0
        assert trades[-1]["price"] > 0
        assert best["BTC/USDT"]["bid"] < best["BTC/USDT"]["ask"]
        assert book["bids"][0][0] < book["asks"][0][0]


async def test_the_book_kept_from_updates_is_the_book_of_rest():
    """ccxt merges the updates into its snapshot; at the same update id its levels are those of GET depth."""
    async with listening("60") as (_, client):
        compared = 0
        for _ in range(60):
            kept = await asyncio.wait_for(client.watch_order_book("BTC/USDT"), 5)
            want = await client.fetch_order_book("BTC/USDT")
            if kept["nonce"] == want["nonce"]:
                compared += 1
                assert [level[0] for level in kept["bids"]] == [level[0] for level in want["bids"]]
                assert [level[0] for level in kept["asks"]] == [level[0] for level in want["asks"]]
            if compared == 5:
                return
        raise AssertionError(f"only {compared} of 60 books could be compared")


async def test_all_tickers_are_heard_on_one_stream():
    """!miniTicker@arr tells of any symbol."""
    async with (
        listening() as (venue, _),
        socket(venue, "!miniTicker@arr", "ethusdt@ticker", "ethusdt@aggTrade") as wire,
    ):
        await control(venue, "step", {"bars": 1})
        events = await heard(wire, 12)
        names = {event[0]["e"] if isinstance(event, list) else event["e"] for event in events}
        assert names == {"24hrMiniTicker", "24hrTicker", "aggTrade"}


async def test_an_unknown_stream_is_refused_and_an_unsubscribed_one_is_silent():
    """A bad name is an error with the request's id; UNSUBSCRIBE stops the events."""
    async with listening() as (venue, _), socket(venue, "btcusdt@trade") as wire:
        await wire.send_json({"method": "SUBSCRIBE", "params": ["dogeusdt@trade"], "id": 2})
        assert (await wire.receive_json())["id"] == 2
        await wire.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3})
        assert await wire.receive_json() == {"result": None, "id": 3}
        await control(venue, "step", {"bars": 1})
        await wire.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 4})
        assert await wire.receive_json() == {"result": [], "id": 4}


async def test_combined_streams_name_their_stream():
    """/stream?streams= wraps each event."""
    async with listening() as (venue, _), aiohttp.ClientSession() as session:
        url = venue.url.replace("http", "ws") + "/stream?streams=btcusdt@trade/ethusdt@trade"
        async with session.ws_connect(url) as wire:
            await control(venue, "step", {"bars": 1})
            assert {event["stream"] for event in await heard(wire, 8)} == {"btcusdt@trade", "ethusdt@trade"}


async def test_own_orders_and_balances_are_heard():
    """A market order is told as new, then as filled; the balance event carries the new balance."""
    async with listening() as (venue, client):
        orders = asyncio.ensure_future(client.watch_orders("BTC/USDT"))
        await subscribed(venue)
        balance = asyncio.ensure_future(client.watch_balance())
        await asyncio.wait_for(client.fetch_balance(), 5)
        await client.create_order("BTC/USDT", "market", "buy", 0.001)
        seen = (await asyncio.wait_for(orders, 5))[-1]
        while seen["status"] != "closed":
            seen = (await asyncio.wait_for(client.watch_orders("BTC/USDT"), 5))[-1]
        assert seen["filled"] == 0.001
        assert (await asyncio.wait_for(balance, 5))["USDT"]["free"] <= 10_000


async def test_a_cancel_is_heard_with_the_id_of_the_order():
    """The execution report of a cancel names the order's own client id as the original one."""
    async with listening() as (venue, client), user_socket(venue, client) as wire:
        await client.create_order("BTC/USDT", "limit", "buy", 0.01, 10000, {"newClientOrderId": "mine"})
        await client.cancel_order(None, "BTC/USDT", {"clientOrderId": "mine"})
        reports = [event["event"] for event in await heard(wire, 4) if event["event"]["e"] == "executionReport"]
        assert [report["x"] for report in reports] == ["NEW", "CANCELED"]
        assert (reports[0]["c"], reports[1]["C"]) == ("mine", "mine")


@contextlib.asynccontextmanager
async def user_socket(venue, client):
    """A bare user-data socket, subscribed by signature."""
    async with aiohttp.ClientSession() as session, session.ws_connect(venue.user_url) as wire:
        request = {"id": "1", "method": "userDataStream.subscribe.signature", "params": client.sign_params({})}
        await wire.send_str(json.dumps(request))
        assert await wire.receive_json() == {"id": "1", "status": 200, "result": {"subscriptionId": 0}}
        yield wire


async def test_a_subscription_with_a_wrong_signature_is_refused():
    """The WebSocket API judges key, signature and window like REST."""
    async with (
        listening() as (venue, client),
        aiohttp.ClientSession() as session,
        session.ws_connect(venue.user_url) as wire,
    ):
        params = {**client.sign_params({}), "signature": "0" * 64}
        await wire.send_str(json.dumps({"id": "1", "method": "userDataStream.subscribe.signature", "params": params}))
        answer = await wire.receive_json()
        assert (answer["status"], answer["error"]["code"]) == (400, -1022)


async def test_fills_of_one_account_are_not_told_to_another():
    """User data goes to the account's own sockets only."""
    async with listening() as (venue, client):
        await control(venue, "accounts", {"api_key": "b", "secret": "b", "balances": {"USDT": "1000"}})
        other = pro.binance(venue.ccxt("b", "b"))
        try:
            await other.load_markets()
            async with user_socket(venue, other) as wire:
                await client.create_order("BTC/USDT", "market", "buy", 0.001)
                await other.create_order("BTC/USDT", "limit", "buy", 0.001, 10000, {"newClientOrderId": "b1"})
                assert (await heard(wire, 1))[0]["event"]["c"] == "b1"
        finally:
            await other.close()


async def test_a_duplicated_event_is_told_twice():
    """duplicate_event: the same report arrives two times, with the same trade id."""
    async with listening() as (venue, client), user_socket(venue, client) as wire:
        await control(venue, "faults", {"kind": "duplicate_event", "count": 2})
        await client.create_order("BTC/USDT", "market", "buy", 0.001)
        reports = [event["event"] for event in await heard(wire, 6) if event["event"]["e"] == "executionReport"]
        assert [report["x"] for report in reports] == ["NEW", "NEW", "TRADE", "TRADE"]
        assert reports[2]["t"] == reports[3]["t"]


async def test_reordered_events_are_told_the_later_first():
    """reorder_events: the fill is told before the order."""
    async with listening() as (venue, client), user_socket(venue, client) as wire:
        await control(venue, "faults", {"kind": "reorder_events", "count": 1})
        await client.create_order("BTC/USDT", "market", "buy", 0.001)
        reports = [event["event"] for event in await heard(wire, 4) if event["event"]["e"] == "executionReport"]
        assert [report["x"] for report in reports] == ["TRADE", "NEW"]


async def test_a_dropped_socket_fails_the_pending_watch_and_a_new_one_works():
    """drop_socket: the waiting call raises NetworkError, the next call subscribes again."""
    async with listening("600") as (venue, client):
        await asyncio.wait_for(client.watch_ohlcv("BTC/USDT", "1m"), 5)
        waiting = asyncio.ensure_future(client.watch_orders("BTC/USDT"))
        await subscribed(venue)
        await control(venue, "faults", {"kind": "drop_socket"})
        with pytest.raises(ccxt.NetworkError):
            await asyncio.wait_for(waiting, 5)
        with contextlib.suppress(ccxt.NetworkError):
            await asyncio.wait_for(client.watch_ohlcv("BTC/USDT", "1m"), 5)
        assert await asyncio.wait_for(client.watch_ohlcv("BTC/USDT", "1m"), 5)


async def test_a_freeze_silences_the_streams_and_leaves_a_gap():
    """Frozen, nothing is told; afterwards the frozen minutes are missing in history."""
    async with listening() as (venue, client), socket(venue, "btcusdt@kline_1m") as wire:
        start = venue.exchange.clock.now_ms()
        await control(venue, "market", {"symbol": "BTCUSDT", "freeze": True})
        await control(venue, "step", {"bars": 2})
        await control(venue, "market", {"symbol": "BTCUSDT", "freeze": False})
        await control(venue, "step", {"bars": 1})
        events = await heard(wire, 5)
        assert {event["k"]["t"] for event in events} == {start + 2 * MINUTE}
        rows = await client.public_get_klines({"symbol": "BTCUSDT", "interval": "1m", "limit": 5})
        assert [int(row[0]) - start for row in rows] == [-MINUTE, 2 * MINUTE, 3 * MINUTE]
