"""An unmodified ccxt.binance trades on the simulator and reads back what it did."""

import contextlib
import itertools
import time
from decimal import Decimal

import ccxt.async_support as ccxt
import ccxt.pro as pro
import pytest

from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.server import running
from exchange_simulator.settings import Settings, accounts

pytestmark = pytest.mark.asyncio
# Two seconds into a candle with volume enough: no price is due while a test runs, whatever the time of day.
START = 1670919722000
RICH = Account("rich", "rich", {"USDT": Balance(Decimal(1_000_000)), "BTC": Balance(Decimal(10))})
WITH_COIN = Account("coin", "coin", {"USDT": Balance(Decimal(10_000)), "BNB": Balance(Decimal(1))}, fee_asset="BNB")
SETTINGS = Settings(port=0, start_ms=START, accounts=(*accounts(()), RICH, WITH_COIN))


@contextlib.asynccontextmanager
async def trading(key="rich", settings=SETTINGS, kind=ccxt.binance):
    """A venue and a client on it, markets loaded."""
    async with running(settings, time.time) as venue:
        client = kind(venue.ccxt(key, key))
        client.number, client.enableRateLimit = Decimal, False
        try:
            await client.load_markets()
            yield venue, client
        finally:
            await client.close()


async def test_markets_are_the_recorded_symbols_with_their_steps():
    """exchangeInfo becomes ccxt markets with price and amount steps and the least notional."""
    async with trading() as (_, client):
        assert sorted(client.markets) == ["BTC/BUSD", "BTC/USD", "BTC/USDT", "ETH/USDT"]
        market = client.market("BTC/USDT")
        assert market["precision"]["price"] == Decimal("0.01")
        assert market["precision"]["amount"] == Decimal("0.00001")
        assert market["limits"]["cost"]["min"] == Decimal(5)


async def test_a_market_buy_is_filled_at_the_ask_with_commission_in_the_base_coin():
    """One tick above the last price; 0.1 % of the bought coin is the commission."""
    async with trading() as (venue, client):
        last = venue.exchange.pits["BTCUSDT"].last
        order = await client.create_order("BTC/USDT", "market", "buy", Decimal("0.001"))
        assert order["status"] == "closed"
        assert Decimal(order["info"]["fills"][0]["price"]) == last + Decimal("0.01")
        assert order["info"]["fills"][0]["commission"] == "0.00000100"
        assert order["info"]["fills"][0]["commissionAsset"] == "BTC"


async def test_a_market_sell_is_filled_at_the_bid_with_commission_in_the_quote_coin():
    """At the last price; 0.1 % of the received money is the commission."""
    async with trading() as (venue, client):
        last = venue.exchange.pits["BTCUSDT"].last
        order = await client.create_order("BTC/USDT", "market", "sell", Decimal("0.001"))
        assert Decimal(order["info"]["fills"][0]["price"]) == last
        assert order["info"]["fills"][0]["commissionAsset"] == "USDT"


async def test_commission_is_taken_in_the_third_coin_where_the_account_says_so():
    """The bought coins arrive whole and the third coin shrinks."""
    async with trading("coin") as (_, client):
        order = await client.create_order("BTC/USDT", "market", "buy", Decimal("0.001"))
        assert order["info"]["fills"][0]["commissionAsset"] == "BNB"
        balance = await client.fetch_balance()
        assert balance["BTC"]["free"] == Decimal("0.001")
        assert balance["BNB"]["free"] < Decimal(1)


async def test_a_market_buy_by_cost_spends_at_most_that_much():
    """quoteOrderQty buys the whole steps it pays for."""
    async with trading() as (_, client):
        asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "100"}
        order = await client.private_post_order(asked)
        assert Decimal(99) < Decimal(order["cummulativeQuoteQty"]) <= Decimal(100)


async def test_a_thin_book_expires_the_rest_of_a_market_order():
    """More than a tenth of the candle's volume is not there: the rest expires."""
    async with trading() as (_, client):
        order = await client.create_order("BTC/USDT", "market", "sell", Decimal(10))
        assert order["status"] == "expired"
        assert Decimal(0) < Decimal(order["info"]["executedQty"]) < Decimal(10)


async def test_a_limit_order_rests_with_its_money_locked_until_cancelled():
    """A resting buy locks price times quantity; the cancel frees it to the last digit."""
    async with trading() as (_, client):
        order = await client.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal("10000.50"))
        locked = (await client.fetch_balance())["USDT"]
        assert (locked["used"], locked["free"]) == (Decimal("100.005"), Decimal("999899.995"))
        assert [one["id"] for one in await client.fetch_open_orders("BTC/USDT")] == [order["id"]]
        cancelled = await client.cancel_order(order["id"], "BTC/USDT")
        assert cancelled["status"] == "canceled"
        assert (await client.fetch_balance())["USDT"]["free"] == Decimal(1_000_000)


async def test_a_stop_locks_its_coins():
    """While a stop waits, its coins cannot be sold a second time."""
    async with trading() as (_, client):
        await client.create_order("BTC/USDT", "stop_loss", "sell", Decimal(10), None, {"stopPrice": "9000"})
        assert (await client.fetch_balance())["BTC"]["free"] == Decimal(0)
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order("BTC/USDT", "market", "sell", Decimal("0.001"))


async def test_every_order_type_is_taken():
    """Limit, limit-maker, stop-loss, take-profit, with and without limit, for both sides."""
    wanted = [
        ("LIMIT", "buy", "10000", {}),
        ("LIMIT_MAKER", "buy", "10000", {}),
        ("STOP_LOSS", "sell", None, {"stopPrice": "10000"}),
        ("STOP_LOSS_LIMIT", "sell", "9999", {"stopPrice": "10000", "timeInForce": "GTC"}),
        ("TAKE_PROFIT", "sell", None, {"stopPrice": "30000"}),
        ("TAKE_PROFIT_LIMIT", "sell", "29999", {"stopPrice": "30000", "timeInForce": "GTC"}),
        ("STOP_LOSS", "buy", None, {"stopPrice": "30000"}),
    ]
    async with trading() as (_, client):
        for kind, side, price, params in wanted:
            await client.create_order("BTC/USDT", kind, side, Decimal("0.01"), price and Decimal(price), params)
        found = await client.fetch_open_orders("BTC/USDT")
        assert [order["info"]["type"] for order in found] == [kind for kind, *_ in wanted]


async def test_an_order_is_found_by_id_and_by_client_id():
    """Both ids name the same order; a foreign id names none."""
    async with trading() as (_, client):
        params = {"newClientOrderId": "tq3v9zk000100000a1"}
        order = await client.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal(10000), params)
        by_client = await client.fetch_order(None, "BTC/USDT", {"clientOrderId": "tq3v9zk000100000a1"})
        assert by_client["id"] == order["id"] == (await client.fetch_order(order["id"], "BTC/USDT"))["id"]
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order("1", "BTC/USDT")


async def test_a_client_id_is_free_again_after_the_fill():
    """The venue refuses an id only while an order with it is open: a resend of a filled one doubles it."""
    params = {"newClientOrderId": "again"}
    async with trading() as (_, client):
        first = await client.create_order("BTC/USDT", "market", "buy", Decimal("0.001"), None, params)
        second = await client.create_order("BTC/USDT", "market", "buy", Decimal("0.001"), None, params)
        assert first["id"] != second["id"]
        await client.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal(10000), params)
        with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
            await client.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal(10000), params)


async def test_edit_order_cancels_and_replaces():
    """ccxt's edit is cancelReplace: the old order is cancelled, the new one open."""
    async with trading() as (_, client):
        old = await client.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal(10000))
        new = await client.edit_order(old["id"], "BTC/USDT", "limit", "buy", Decimal("0.02"), Decimal(10001))
        assert (await client.fetch_order(old["id"], "BTC/USDT"))["status"] == "canceled"
        assert (await client.fetch_order(new["id"], "BTC/USDT"))["amount"] == Decimal("0.02")


async def test_cancel_all_cancels_every_open_order_of_the_symbol():
    """DELETE openOrders leaves none; a second time there is nothing to cancel."""
    async with trading() as (_, client):
        for price in (10000, 10001):
            await client.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal(price))
        assert len(await client.cancel_all_orders("BTC/USDT")) == 2
        assert await client.fetch_open_orders("BTC/USDT") == []
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_all_orders("BTC/USDT")


async def test_trades_and_orders_are_listed():
    """myTrades and allOrders tell what happened, with fee and maker flag."""
    async with trading() as (_, client):
        order = await client.create_order("BTC/USDT", "market", "buy", Decimal("0.001"))
        (trade,) = await client.fetch_my_trades("BTC/USDT")
        assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (order["id"], Decimal("0.001"), "taker")
        assert [one["id"] for one in await client.fetch_orders("BTC/USDT")] == [order["id"]]
        assert await client.fetch_my_trades("ETH/USDT") == []


async def test_an_order_test_places_nothing():
    """order/test answers {} for a good order and the refusal for a bad one."""
    async with trading() as (_, client):
        good = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        assert await client.private_post_order_test(good) == {}
        with pytest.raises(ccxt.InvalidOrder):
            await client.private_post_order_test({**good, "quantity": "0.0000001"})
        assert await client.fetch_orders("BTC/USDT") == []


async def test_history_reaches_back_five_hundred_closed_candles_and_ends_with_the_running_one():
    """At the start there is history enough for any warm-up; the last candle is not over."""
    async with trading() as (venue, client):
        candles = await client.fetch_ohlcv("BTC/USDT", "1m", limit=501)
        now = venue.exchange.clock.now_ms()
        assert len(candles) == 501
        assert candles[-1][0] <= now < candles[-1][0] + 60_000
        assert all(later[0] - earlier[0] == 60_000 for earlier, later in itertools.pairwise(candles))


@pytest.mark.parametrize(
    ("timeframe", "minutes"), [("3m", 3), ("5m", 5), ("15m", 15), ("1h", 60), ("4h", 240), ("1d", 1440)]
)
async def test_longer_candles_are_made_of_recorded_ones(timeframe, minutes):
    """A closed long candle has the first open, the extremes, the last close and the whole volume of its minutes."""
    async with trading() as (_, client):
        long = (await client.fetch_ohlcv("BTC/USDT", timeframe, limit=3))[0]
        parts = []
        for start in range(long[0], long[0] + minutes * 60_000, 60_000 * 720):
            parts += await client.fetch_ohlcv("BTC/USDT", "1m", since=start, limit=min(720, minutes))
        assert len(parts) == minutes
        assert long[1:] == [
            parts[0][1], max(part[2] for part in parts), min(part[3] for part in parts), parts[-1][4],
            sum((part[5] for part in parts), Decimal(0)),
        ]  # fmt: skip


async def test_tickers_book_and_public_trades_are_served():
    """Ticker routes, depth, trades and aggTrades agree on the price."""
    async with trading() as (_, client):
        ticker = await client.fetch_ticker("BTC/USDT")
        assert ticker["bid"] < ticker["ask"]
        assert set(await client.fetch_tickers()) == {"BTC/BUSD", "BTC/USD", "BTC/USDT", "ETH/USDT"}
        book = await client.fetch_order_book("BTC/USDT", 5)
        assert (len(book["bids"]), book["bids"][0][0] < book["asks"][0][0]) == (5, True)
        assert len(await client.fetch_trades("BTC/USDT", limit=10)) == 10
        raw = await client.public_get_trades({"symbol": "BTCUSDT", "limit": 5})
        assert len(raw) == 5
        assert (await client.fetch_bids_asks(["BTC/USDT"]))["BTC/USDT"]["bid"] == ticker["bid"]
        assert Decimal((await client.public_get_ticker_price({"symbol": "BTCUSDT"}))["price"]) > 0
        assert Decimal((await client.public_get_avgprice({"symbol": "BTCUSDT"}))["price"]) > 0


async def test_status_fees_and_key_rights_are_served():
    """system/status, asset/tradeFee and account/apiRestrictions answer as ccxt expects."""
    async with trading() as (_, client):
        assert (await client.fetch_status())["status"] == "ok"
        assert (await client.fetch_trading_fee("BTC/USDT"))["taker"] == Decimal("0.001")
        rights = await client.sapi_get_account_apirestrictions()
        assert (rights["enableReading"], rights["enableSpotAndMarginTrading"], rights["enableWithdrawals"]) == (
            True,
            True,
            False,
        )


async def test_used_weight_and_order_counts_are_in_the_headers():
    """Each answer says how much of the limits is used."""
    async with trading() as (_, client):
        await client.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal(10000))
        headers = {name.lower(): value for name, value in client.last_response_headers.items()}
        assert (headers["x-mbx-order-count-10s"], headers["x-mbx-order-count-1d"]) == ("1", "1")
        before = int(headers["x-mbx-used-weight-1m"])
        await client.fetch_balance()
        headers = {name.lower(): value for name, value in client.last_response_headers.items()}
        assert int(headers["x-mbx-used-weight-1m"]) == before + 20


async def test_a_spot_binance_of_the_pro_package_trades_too():
    """The WebSocket class places orders over REST like its parent."""
    async with trading(kind=pro.binance) as (_, client):
        assert (await client.create_order("BTC/USDT", "market", "buy", Decimal("0.001")))["status"] == "closed"
