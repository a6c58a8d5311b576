"""The control API: faults as asked, markets bent, the order log complete."""

import asyncio
import contextlib
import time
from decimal import Decimal

import aiohttp
import ccxt.async_support as ccxt
import pytest

from exchange_simulator.domain.events import OrderEvent
from exchange_simulator.server import running
from exchange_simulator.settings import Settings, pace

pytestmark = pytest.mark.asyncio
# Two seconds into a candle with volume enough: no price is due while a test runs, whatever the time of day.
START = 1670919722000


async def asked(venue, method, path, body=None):
    """Status and JSON of a control request."""
    async with aiohttp.ClientSession() as session, session.request(method, venue.url + path, json=body) as answer:
        return answer.status, await answer.json()


async def fault(venue, kind, **parameters):
    status, answer = await asked(venue, "POST", "/control/faults", {"kind": kind, **parameters})
    assert status == 200, answer
    return answer["id"]


@contextlib.asynccontextmanager
async def trading(speed="1"):
    """A venue and a client on it, markets loaded."""
    start = START if speed == "1" else None
    async with running(Settings(port=0, pace=pace(speed), start_ms=start), time.time) as venue:
        client = ccxt.binance(venue.ccxt())
        client.enableRateLimit = False
        try:
            await client.load_markets()
            yield venue, client
        finally:
            await client.close()


async def buy(client, **params):
    return await client.create_order("BTC/USDT", "market", "buy", 0.001, None, params)


@pytest.mark.parametrize(("how", "error"), [("hang", ccxt.RequestTimeout), ("drop", ccxt.NetworkError)])
async def test_a_lost_answer_leaves_the_order_filled(how, error):
    """The caller learns nothing; the venue has filled the order and its log shows no answer."""
    async with trading() as (venue, client):
        client.timeout = 300
        await fault(venue, "lost_answer", route="POST /api/v3/order", count=1, how=how)
        with pytest.raises(error):
            await buy(client, newClientOrderId="lost")
        client.timeout = 10_000
        assert (await client.fetch_order(None, "BTC/USDT", {"clientOrderId": "lost"}))["status"] == "closed"
        entry = next(one for one in venue.exchange.log.entries if one.action == "order")
        assert (entry.client_id, entry.outcome, entry.answered_ms) == ("lost", "accepted", None)
        assert (await buy(client))["status"] == "closed"


async def test_an_unknown_status_after_acceptance_leaves_the_order_filled():
    """A 5xx says nothing about the order: here it was accepted."""
    async with trading() as (venue, client):
        await fault(venue, "status", route="order", count=1, status=504, after=True)
        with pytest.raises(ccxt.RequestTimeout):
            await buy(client, newClientOrderId="dark")
        assert (await client.fetch_order(None, "BTC/USDT", {"clientOrderId": "dark"}))["filled"] == 0.001


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, ccxt.DDoSProtection), (418, ccxt.DDoSProtection), (503, ccxt.OperationFailed), (500, ccxt.OperationFailed)],
)
async def test_a_status_before_acceptance_leaves_nothing(status, error):
    """The request is turned away with the status and Retry-After asked for; the log has the write as refused."""
    async with trading() as (venue, client):
        await fault(venue, "status", count=1, status=status, retry_after=7)
        with pytest.raises(error):
            await buy(client)
        headers = {name.lower(): value for name, value in client.last_response_headers.items()}
        assert headers["retry-after"] == "7"
        assert venue.exchange.register.orders == {}
        assert venue.exchange.log.entries[-1].action == "refuse"


async def test_a_delay_before_acceptance_counts_as_late_arrival():
    """A request held on its way arrives outside its window and is refused."""
    async with trading() as (venue, client):
        await fault(venue, "delay_before", route="order", seconds=0.3, count=1)
        with pytest.raises(ccxt.InvalidNonce):
            await buy(client, recvWindow=200)
        assert venue.exchange.register.orders == {}


async def test_a_delay_between_arrival_and_matching_is_judged_again():
    """Arrived in time, matched too late: refused before matching."""
    async with trading() as (venue, client):
        await fault(venue, "delay_between", route="order", ms=300, count=1)
        with pytest.raises(ccxt.InvalidNonce):
            await buy(client, recvWindow=200)
        assert venue.exchange.register.orders == {}


async def test_a_delay_after_acceptance_only_delays_the_answer():
    """While the answer waits, another request already finds the order."""
    async with trading() as (venue, client):
        await fault(venue, "delay_after", route="order", ms=400, count=1)
        accepted = asyncio.Event()
        venue.exchange.listeners.append(lambda event: isinstance(event, OrderEvent) and accepted.set())
        waiting = asyncio.ensure_future(buy(client, newClientOrderId="slow"))
        await asyncio.wait_for(accepted.wait(), 5)
        assert not waiting.done()
        assert (await client.fetch_orders("BTC/USDT"))[0]["clientOrderId"] == "slow"
        assert (await waiting)["status"] == "closed"


async def test_an_invisible_order_is_not_found_until_later():
    """Accepted, but queries do not show it yet: not found is not final."""
    async with trading() as (venue, client):
        await fault(venue, "invisible", count=1, ms=300)
        await client.create_order("BTC/USDT", "limit", "buy", 0.01, 10000, {"newClientOrderId": "late"})
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order(None, "BTC/USDT", {"clientOrderId": "late"})
        assert await client.fetch_open_orders("BTC/USDT") == []
        end = time.monotonic() + 5
        while not await client.fetch_open_orders("BTC/USDT"):
            assert time.monotonic() < end
        assert (await client.fetch_order(None, "BTC/USDT", {"clientOrderId": "late"}))["status"] == "open"


async def test_refused_credentials_and_changed_rights():
    """auth_refused turns one request away; permissions take trading from the key until removed."""
    async with trading() as (venue, client):
        await fault(venue, "auth_refused", count=1)
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()
        number = await fault(venue, "permissions", permissions=["read"])
        assert (await client.sapi_get_account_apirestrictions())["enableSpotAndMarginTrading"] is False
        with pytest.raises(ccxt.BaseError, match="-2015"):
            await buy(client)
        assert await asked(venue, "DELETE", f"/control/faults/{number}") == (200, {"removed": 1})
        assert (await buy(client))["status"] == "closed"


async def test_maintenance_closes_the_venue_and_says_so():
    """system/status reports maintenance while everything else is unavailable."""
    async with trading() as (venue, client):
        await fault(venue, "maintenance")
        assert (await client.fetch_status())["status"] == "maintenance"
        with pytest.raises(ccxt.OnMaintenance):
            await client.fetch_balance()


async def test_a_skewed_clock_is_told_and_judged():
    """serverTime moves and a request by the true time is refused; the venue clock itself stays."""
    async with trading() as (venue, client):
        await fault(venue, "clock_skew", ms=60_000)
        assert await client.fetch_time() > venue.exchange.clock.now_ms() + 50_000
        with pytest.raises(ccxt.InvalidNonce):
            await buy(client)
        await client.load_time_difference()
        assert (await buy(client))["status"] == "closed"


async def test_a_stop_may_be_refused():
    """stop_refused: the next stop fails, other orders and the stop after it do not."""
    async with trading() as (venue, client):
        await buy(client)
        await fault(venue, "stop_refused", count=1)
        with pytest.raises(ccxt.InvalidOrder, match="trigger immediately"):
            await client.create_order("BTC/USDT", "stop_loss", "sell", 0.0009, None, {"stopPrice": 9000})
        order = await client.create_order("BTC/USDT", "stop_loss", "sell", 0.0009, None, {"stopPrice": 9000})
        assert order["status"] == "open"


async def test_fills_may_be_partial():
    """partial_ratio: half of a market order is filled, the rest expires."""
    async with trading() as (venue, client):
        await fault(venue, "partial_ratio", ratio="0.5")
        order = await buy(client)
        assert (order["filled"], order["status"]) == (0.0005, "expired")


async def test_faults_are_listed_counted_down_and_removed():
    """A fault with a count is gone when used up; DELETE removes the rest."""
    async with trading() as (venue, client):
        await fault(venue, "status", count=1, status=503)
        await fault(venue, "delay_after", ms=1)
        with pytest.raises(ccxt.OperationFailed):
            await client.fetch_balance()
        _, listed = await asked(venue, "GET", "/control/faults")
        assert [one["kind"] for one in listed["faults"]] == ["delay_after"]
        assert await asked(venue, "DELETE", "/control/faults") == (200, {"removed": 1})


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/control/faults", {"kind": "earthquake"}, "kind 'earthquake' is none of"),
        ("/control/step", {"bars": 1}, "start with --speed lockstep"),
        ("/control/step", {"bars": "many"}, "bars 'many' is not a whole number"),
        ("/control/market", {"symbol": "DOGE"}, "symbol 'DOGE' is none of BTCBUSD"),
        ("/control/market", {"symbol": "BTCUSDT", "shock_percent": "-100"}, "leaves no price"),
        ("/control/market", {"symbol": "BTCUSDT", "shock_percent": "x"}, "is no decimal"),
        ("/control/accounts", {"api_key": "a"}, "an account needs api_key, secret and balances"),
        ("/control/accounts", {"api_key": "a", "secret": "a", "balances": {"USDT": "-1"}}, "negative"),
        (
            "/control/withdraw",
            {"api_key": "simulator-demo", "asset": "USDT", "amount": "99999"},
            "exceeds the free USDT",
        ),
        ("/control/foreign", {"api_key": "nobody"}, "api_key 'nobody' is unknown"),
        ("/control/foreign", {"api_key": "simulator-demo", "symbol": "BTCUSDT"}, "side"),
        ("/control/faults", [], "not a JSON object"),
    ],
)
async def test_a_wrong_control_request_gets_one_sentence(path, body, words):
    """Field, value and cure are named; the status is 400."""
    async with running(Settings(port=0), time.time) as venue:
        status, answer = await asked(venue, "POST", path, body)
        assert (status, words in answer["error"]) == (400, True), answer


async def test_the_order_log_tells_every_write_and_its_sender():
    """Order, fill, refusal and cancel stand in order, with User-Agent, address, ids and outcome."""
    async with trading() as (venue, client):
        client.userAgent = "tradingbot/0.1.0 pod/1234"
        await buy(client, newClientOrderId="one")
        resting = await client.create_order("BTC/USDT", "limit", "buy", 0.01, 10000, {"newClientOrderId": "two"})
        await client.cancel_order(resting["id"], "BTC/USDT")
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order(resting["id"], "BTC/USDT")
        _, log = await asked(venue, "GET", "/control/orders?since=0")
        rows = [(row["action"], row["client_id"], row["outcome"]) for row in log["entries"]]
        assert rows == [
            ("order", "one", "accepted"),
            ("fill", "one", "FILLED"),
            ("order", "two", "accepted"),
            ("cancel", "two", "accepted"),
            ("refuse", "two", "refused"),
        ]
        first = log["entries"][0]
        assert (first["sender"], first["address"]) == ("tradingbot/0.1.0 pod/1234", "127.0.0.1")
        assert (first["seq"], first["symbol"], first["side"], first["type"]) == (1, "BTCUSDT", "BUY", "MARKET")
        assert first["answered_ms"] >= first["arrived_ms"]
        _, rest = await asked(venue, "GET", "/control/orders?since=3")
        assert [row["seq"] for row in rest["entries"]] == [4, 5]


async def test_an_account_is_made_and_told_in_full():
    """A new account trades; balances, orders and trades are served exactly."""
    async with trading() as (venue, _):
        body = {"api_key": "k", "secret": "s", "balances": {"USDT": "500.00000001"}}
        assert (await asked(venue, "POST", "/control/accounts", body))[0] == 201
        client = ccxt.binance(venue.ccxt("k", "s"))
        try:
            await client.load_markets()
            await buy(client)
            await client.create_order("BTC/USDT", "limit", "buy", 0.001, 10000)
        finally:
            await client.close()
        _, told = await asked(venue, "GET", "/control/accounts/k")
        assert (len(told["trades"]), len(told["orders"]), len(told["open_orders"])) == (1, 2, 1)
        assert told["balances"]["BTC"] == {"free": "0.00099900", "locked": "0"}
        spent = Decimal(told["trades"][0]["quoteQty"])
        assert Decimal(told["balances"]["USDT"]["free"]) == Decimal("490.00000001") - spent


async def test_an_account_set_anew_keeps_what_its_open_orders_lock():
    """The free balances are as asked; the lock of a resting order stays."""
    async with trading() as (venue, client):
        await client.create_order("BTC/USDT", "limit", "buy", 0.01, 10000)
        body = {"api_key": "simulator-demo", "secret": "simulator-demo", "balances": {"USDT": "5", "ETH": "1"}}
        assert (await asked(venue, "POST", "/control/accounts", body))[0] == 201
        balance = await client.fetch_balance()
        assert (balance["USDT"]["free"], balance["USDT"]["used"], balance["ETH"]["free"]) == (5, 100, 1)


async def test_own_rates_and_fee_coin_are_set_with_the_account():
    """maker_fee, taker_fee and fee_asset of an account win over the venue's."""
    async with trading() as (venue, _):
        body = {"api_key": "k", "secret": "s", "balances": {"USDT": "500"}, "taker_fee": "0.01", "maker_fee": "0"}
        await asked(venue, "POST", "/control/accounts", body)
        client = ccxt.binance(venue.ccxt("k", "s"))
        try:
            await client.load_markets()
            assert (await buy(client))["info"]["fills"][0]["commission"] == "0.00001000"
        finally:
            await client.close()


async def test_a_person_may_trade_and_withdraw_on_the_same_account():
    """A foreign order has an id of its own and is seen by the bot; withdrawn coins are gone."""
    async with trading() as (venue, client):
        order = {"api_key": "simulator-demo", "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
        status, placed = await asked(venue, "POST", "/control/foreign", order)
        assert (status, placed["status"]) == (200, "FILLED")
        assert (await client.fetch_orders("BTC/USDT"))[0]["clientOrderId"].startswith("web_")
        move = {"api_key": "simulator-demo", "asset": "BTC", "amount": "0.001"}
        assert (await asked(venue, "POST", "/control/withdraw", move))[1]["free"] == "0.00099800"
        assert (await client.fetch_balance())["BTC"]["free"] == 0.000998


async def test_a_shock_moves_the_price_at_once_and_triggers_stops():
    """Ten percent down: a stop above the new price fills there, later candles stay down."""
    async with trading("lockstep") as (venue, client):
        await buy(client)
        last = Decimal(str((await client.fetch_ticker("BTC/USDT"))["last"]))
        stop = str((last * Decimal("0.95")).quantize(Decimal("0.01")))
        order = await client.create_order("BTC/USDT", "stop_loss", "sell", 0.0009, None, {"stopPrice": stop})
        _, told = await asked(venue, "POST", "/control/market", {"symbol": "BTCUSDT", "shock_percent": "-10"})
        filled = await client.fetch_order(order["id"], "BTC/USDT")
        assert filled["status"] == "closed"
        assert Decimal(str(filled["average"])) == Decimal(told["price"]) < Decimal(stop)
        await asked(venue, "POST", "/control/step", {"bars": 3})
        after = Decimal(str((await client.fetch_ticker("BTC/USDT"))["last"]))
        assert after < last * Decimal("0.92")


async def test_volatility_widens_the_candles_to_come():
    """Three times as volatile: the range of the candle after the next step is three times the recorded one."""
    async with trading("lockstep") as (venue, client):
        pit = venue.exchange.pits["BTCUSDT"]
        await asked(venue, "POST", "/control/market", {"symbol": "BTCUSDT", "volatility": "3"})
        await asked(venue, "POST", "/control/step", {"bars": 2})
        row = (await client.public_get_klines({"symbol": "BTCUSDT", "interval": "1m", "limit": 2}))[0]
        recorded = pit.recording.bar(int(row[0]))
        assert Decimal(row[2]) - Decimal(row[3]) == 3 * (recorded.high - recorded.low)


async def test_a_halted_symbol_takes_no_orders_and_an_outage_takes_all_requests():
    """A symbol's outage is a halt; the venue's outage is 503 for everyone until it ends."""
    async with trading() as (venue, client):
        await asked(venue, "POST", "/control/market", {"symbol": "BTCUSDT", "outage": True})
        with pytest.raises(ccxt.BaseError, match="Market is closed"):
            await buy(client)
        await asked(venue, "POST", "/control/market", {"symbol": "BTCUSDT", "outage": False})
        await asked(venue, "POST", "/control/market", {"outage": True})
        with pytest.raises(ccxt.NetworkError):
            await client.fetch_balance()
        assert (await asked(venue, "GET", "/healthz"))[0] == 200
        await asked(venue, "POST", "/control/market", {"outage": False})
        assert (await buy(client))["status"] == "closed"


async def test_the_clock_says_how_it_runs():
    """mode and speed as started; in lockstep it stands between steps."""
    async with running(Settings(port=0, pace=pace("60")), time.time) as venue:
        told = (await asked(venue, "GET", "/control/clock"))[1]
        assert (told["mode"], told["speed"]) == ("free", "60")
    async with running(Settings(port=0, pace=pace("1")), time.time) as venue:
        told = (await asked(venue, "GET", "/control/clock"))[1]
        assert (told["mode"], told["speed"]) == ("wall", "1")
        assert abs(told["venue_ms"] - time.time() * 1000) < 5000
    async with running(Settings(port=0, pace=pace("lockstep")), time.time) as venue:
        told = (await asked(venue, "GET", "/control/clock"))[1]
        assert told == {"venue_ms": 1670919600000, "speed": "lockstep", "mode": "lockstep"}
        stepped = (await asked(venue, "POST", "/control/step", {"bars": 2}))[1]
        assert stepped["venue_ms"] == 1670919600000 + 120_000


async def test_two_runs_in_lockstep_are_equal():
    """Same seed, same orders, same steps: the same log, ids included."""
    logs = []
    for _ in range(2):
        async with trading("lockstep") as (venue, client):
            for index in range(5):
                await client.load_time_difference()
                await buy(client, newClientOrderId=f"n{index}")
                await asked(venue, "POST", "/control/step", {"bars": 1})
            logs.append(
                [(e.seq, e.at_ms, e.order_id, e.action, e.price, e.quantity) for e in venue.exchange.log.entries]
            )
    assert logs[0] == logs[1]
    assert len(logs[0]) == 10


async def test_running_free_the_window_of_a_request_is_as_long_as_in_wall_time():
    """At sixty times, two seconds of recvWindow are two venue minutes: 100 venue seconds old is fresh, 130 is not."""
    async with trading("60") as (venue, client):
        now = venue.exchange.clock.now_ms()
        await buy(client, timestamp=now - 100_000, recvWindow=2000)
        with pytest.raises(ccxt.InvalidNonce):
            await buy(client, timestamp=now - 130_000, recvWindow=2000)
