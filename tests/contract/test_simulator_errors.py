"""What the simulator refuses, with the venue's codes and as ccxt maps them."""

import contextlib
import hmac
import time
from decimal import Decimal
from urllib.parse import urlencode

import aiohttp
import ccxt.async_support as ccxt
import pytest

from exchange_simulator.dialect.limits import Limits
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.server import running
from exchange_simulator.settings import Settings, accounts

pytestmark = pytest.mark.asyncio
# Two seconds into a candle with volume enough: no price is due while a test runs, whatever the time of day.
START = 1670919722000
RICH = Account("rich", "rich", {"USDT": Balance(Decimal(1_000_000)), "BTC": Balance(Decimal(10))})
READER = Account("reader", "reader", {"USDT": Balance(Decimal(1000))}, frozenset({"read"}))


def venue_with(limits=None):
    """A venue with a rich account and one that may only read."""
    held = (*accounts(()), RICH, READER)
    return running(Settings(port=0, start_ms=START, accounts=held, limits=limits or Limits()), time.time)


@contextlib.asynccontextmanager
async def trading(key="rich", secret=None, limits=None):
    """A venue and a client on it, markets loaded."""
    async with venue_with(limits) as venue:
        client = ccxt.binance(venue.ccxt(key, secret or key))
        client.number, client.enableRateLimit = Decimal, False
        try:
            await client.load_markets()
            yield venue, client
        finally:
            await client.close()


def raw(**changes):
    """Parameters of a good limit order, with changes; None removes one."""
    good = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "10000",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


async def post(venue, path, parameters):
    """The JSON answer to a signed POST, as sent without ccxt."""
    body = urlencode({"timestamp": venue.exchange.clock.now_ms(), **parameters})
    signature = hmac.new(b"rich", body.encode(), "sha256").hexdigest()
    async with aiohttp.ClientSession() as session:
        headers = {"X-MBX-APIKEY": "rich", "Content-Type": "application/x-www-form-urlencoded"}
        url = f"{venue.url}/api/v3/{path}"
        async with session.post(url, data=f"{body}&signature={signature}", headers=headers) as answer:
            return await answer.json()


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"price": "10000.001"}, -1013, "PRICE_FILTER"),
        ({"price": "0.001"}, -1013, "PRICE_FILTER"),
        ({"quantity": "0.000001"}, -1013, "LOT_SIZE"),
        ({"quantity": "0.010001"}, -1013, "LOT_SIZE"),
        ({"quantity": "9001"}, -1013, "LOT_SIZE"),
        ({"type": "MARKET", "price": None, "timeInForce": None, "quantity": "101"}, -1013, "MARKET_LOT_SIZE"),
        ({"quantity": "0.0004"}, -1013, "NOTIONAL"),
        ({"price": "500000"}, -1013, "PERCENT_PRICE_BY_SIDE"),
        ({"side": "SELL", "price": "100"}, -1013, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.0100000001"}, -1111, "precision"),
        ({"quantity": None}, -1102, "quantity"),
        ({"price": None}, -1102, "price"),
        ({"timeInForce": None}, -1102, "timeInForce"),
        ({"type": "MARKET"}, -1106, "timeInForce"),
        ({"type": "MARKET", "timeInForce": None}, -1106, "price"),
        ({"stopPrice": "9000"}, -1106, "stopPrice"),
        ({"symbol": "DOGEUSDT"}, -1121, "Invalid symbol"),
        ({"side": "HOLD"}, -1117, "Invalid side"),
        ({"type": "OCO"}, -1116, "Invalid orderType"),
        ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce"),
        ({"quantity": "one"}, -1100, "Illegal characters"),
        ({"quantity": "-1"}, -1100, "Illegal characters"),
        ({"newClientOrderId": "a b"}, -1100, "Illegal characters"),
        ({"newClientOrderId": "x" * 37}, -1100, "Illegal characters"),
        ({"newOrderRespType": "ALL"}, -1124, "newOrderRespType"),
        ({"quantity": "100", "price": "15000"}, -2010, "insufficient balance"),
        ({"side": "SELL", "quantity": "10.1", "price": "20000"}, -2010, "insufficient balance"),
        ({"type": "LIMIT_MAKER", "timeInForce": None, "price": "20000"}, -2010, "immediately match and take"),
        (
            {"type": "STOP_LOSS", "side": "SELL", "price": None, "timeInForce": None, "stopPrice": "20000"},
            -2010,
            "trigger immediately",
        ),
        (
            {"type": "TAKE_PROFIT", "side": "SELL", "price": None, "timeInForce": None, "stopPrice": "10000"},
            -2010,
            "trigger immediately",
        ),
    ],
)
async def test_a_bad_order_is_refused_with_the_venues_code_and_changes_nothing(changes, code, text):
    """Each refusal carries its code and words; no coin is locked and the log says refused."""
    async with venue_with() as venue:
        answer = await post(venue, "order", raw(**changes))
        assert (answer["code"], text in answer["msg"]) == (code, True), answer
        account = venue.exchange.accounts["rich"]
        assert {balance.locked for balance in account.balances.values()} == {Decimal(0)}
        entry = venue.exchange.log.entries[-1]
        assert (entry.action, entry.request, entry.code) == ("refuse", "order", code)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"quantity": "100", "price": "15000"}, ccxt.InsufficientFunds),
        ({"quantity": "0.010001"}, ccxt.InvalidOrder),
        ({"price": "10000.001"}, ccxt.InvalidOrder),
        ({"quantity": "0.0004"}, ccxt.BadRequest),
        ({"symbol": "DOGEUSDT"}, ccxt.BadSymbol),
        ({"type": "LIMIT_MAKER", "timeInForce": None, "price": "20000"}, ccxt.InvalidOrder),
    ],
)
async def test_ccxt_maps_a_refusal_to_its_error(changes, error):
    """The messages are worded so that ccxt finds its own error class."""
    async with trading() as (_, client):
        with pytest.raises(error):
            await client.private_post_order(raw(**changes))


async def test_one_stop_too_many_is_refused():
    """Five stops may wait; the sixth meets MAX_NUM_ALGO_ORDERS."""
    stop = raw(type="STOP_LOSS", side="SELL", price=None, timeInForce=None, stopPrice="10000")
    async with trading() as (_, client):
        for _ in range(5):
            await client.private_post_order(stop)
        with pytest.raises(ccxt.BaseError, match="MAX_NUM_ALGO_ORDERS"):
            await client.private_post_order(stop)
        await client.private_post_order(raw())


async def test_one_order_too_many_is_refused():
    """Two hundred orders may rest; the next one meets MAX_NUM_ORDERS."""
    async with trading(limits=Limits(orders_ten_seconds=1000)) as (venue, client):
        for _ in range(200):
            await client.private_post_order(raw(quantity="0.001"))
        with pytest.raises(ccxt.BaseError, match="MAX_NUM_ORDERS"):
            await client.private_post_order(raw(quantity="0.001"))
        assert len(venue.exchange.register.open("BTCUSDT", "rich")) == 200


async def test_an_unknown_order_cannot_be_cancelled():
    """-2011 is OrderNotFound; so is a cancel of what has filled."""
    async with trading() as (_, client):
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order("1", "BTC/USDT")
        order = await client.create_order("BTC/USDT", "market", "buy", Decimal("0.001"))
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order(order["id"], "BTC/USDT")


async def test_a_wrong_secret_is_refused():
    """-1022: the signature is judged."""
    async with trading(secret="wrong") as (_, client):
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await client.fetch_balance()


async def test_an_unknown_key_is_refused():
    """-2015: the key is judged."""
    async with trading(key="nobody") as (_, client):
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await client.fetch_balance()


async def test_a_key_that_may_only_read_cannot_trade():
    """Reading works; an order is -2015."""
    async with trading(key="reader") as (_, client):
        assert (await client.fetch_balance())["USDT"]["free"] == Decimal(1000)
        with pytest.raises(ccxt.BaseError, match="-2015"):
            await client.private_post_order(raw())


@pytest.mark.parametrize(("off_ms", "recv_window"), [(-2000, 1000), (+5000, 5000)])
async def test_a_request_outside_its_window_is_refused(off_ms, recv_window):
    """Too old for its window, or from the future: -1021, which ccxt calls InvalidNonce."""
    async with trading() as (venue, client):
        stamp = {"timestamp": venue.exchange.clock.now_ms() + off_ms, "recvWindow": recv_window}
        with pytest.raises(ccxt.InvalidNonce):
            await client.private_post_order(raw(**stamp))


async def test_a_window_of_more_than_a_minute_is_refused():
    """-1131: the venue accepts windows up to 60 seconds."""
    async with venue_with() as venue:
        assert (await post(venue, "order", raw(recvWindow=60_001)))["code"] == -1131


async def test_too_much_weight_is_429_then_418_and_both_name_the_wait():
    """Weight is counted per address; going on after the 429 is a ban. ccxt calls both DDoSProtection."""
    async with trading(limits=Limits(weight=100)) as (_, client):
        codes = []
        for _ in range(20):
            try:
                await client.fetch_balance()
            except ccxt.DDoSProtection as error:
                codes.append(str(error).split()[1])
                assert int(client.last_response_headers["Retry-After"]) >= 1
        assert codes[0] == "429"
        assert codes[-1] == "418"
        assert sorted(codes, reverse=True) == codes


async def test_too_many_orders_in_ten_seconds_are_refused():
    """Orders are counted per account, apart from weight: -1015 with 429."""
    async with trading(limits=Limits(orders_ten_seconds=2)) as (_, client):
        await client.private_post_order(raw())
        await client.private_post_order(raw())
        with pytest.raises(ccxt.DDoSProtection, match="-1015"):
            await client.private_post_order(raw())


@pytest.mark.parametrize(
    ("mode", "cancel_works", "order_works", "code", "results"),
    [
        ("STOP_ON_FAILURE", True, False, -2021, ("SUCCESS", "FAILURE")),
        ("STOP_ON_FAILURE", False, True, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", False, True, -2021, ("FAILURE", "SUCCESS")),
        ("ALLOW_FAILURE", False, False, -2022, ("FAILURE", "FAILURE")),
        ("ALLOW_FAILURE", True, False, -2021, ("SUCCESS", "FAILURE")),
    ],
)
async def test_a_cancel_replace_that_fails_says_which_half(mode, cancel_works, order_works, code, results):
    """-2021 when one half succeeded, -2022 when none did or the second was not attempted."""
    async with trading() as (_, client):
        old = await client.private_post_order(raw())
        replacement = raw(
            cancelReplaceMode=mode,
            cancelOrderId=old["orderId"] if cancel_works else "1",
            quantity="0.01" if order_works else "90",
            price="10001" if order_works else "15000",
        )
        with pytest.raises(ccxt.BaseError) as caught:
            await client.private_post_order_cancelreplace(replacement)
        assert f'"code": {code}' in str(caught.value)
        assert f'"cancelResult": "{results[0]}", "newOrderResult": "{results[1]}"' in str(caught.value)


async def test_a_cancel_replace_whose_order_fails_a_filter_cancels_nothing():
    """Filters are judged before the cancel: the old order stays."""
    async with trading() as (_, client):
        old = await client.private_post_order(raw())
        bad = raw(cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=old["orderId"], quantity="0.0000101")
        with pytest.raises(ccxt.InvalidOrder):
            await client.private_post_order_cancelreplace(bad)
        assert (await client.fetch_order(old["orderId"], "BTC/USDT"))["status"] == "open"


async def test_a_replace_restricted_to_untouched_orders_leaves_a_partly_filled_one():
    """cancelRestrictions=ONLY_PARTIALLY_FILLED does not cancel a new order."""
    async with trading() as (_, client):
        old = await client.private_post_order(raw())
        asked = {"symbol": "BTCUSDT", "orderId": old["orderId"], "cancelRestrictions": "ONLY_PARTIALLY_FILLED"}
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.private_delete_order(asked)
        assert (await client.private_delete_order({**asked, "cancelRestrictions": "ONLY_NEW"}))["status"] == "CANCELED"
