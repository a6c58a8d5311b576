"""The exact bytes each venue is sent: our id, the price of a stop, and until when the request may act."""

import base64
import json
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest

from stubs.book import Seen
from trading import START
from tradingbot.domain.order import Order, OrderType, Refused, VenueWrite
from venuerig import AGENT, COINBASE_KEY, STUBS, D, Rig, at, unsigned

# The very bytes. What follows the order's own fields (nonce, deadline, times) is held by tests of its own.
MARKET_BYTES = {
    "coinbase": (
        "POST",
        "/api/v3/brokerage/orders",
        '{"client_order_id":"t0","product_id":"BTC-USD","side":"BUY",'
        '"order_configuration":{"market_market_ioc":{"base_size":"0.01"}}}',
    ),
    "kraken": (
        "POST",
        "/0/private/AddOrder",
        "pair=XBTUSD&type=buy&ordertype=market&volume=0.01&cl_ord_id=t0&oflags=fciq"
        "&deadline=2022-12-13T00%3A00%3A05.000Z",
    ),
    "kucoin": (
        "POST",
        "/api/v1/hf/orders",
        '{"clientOid":"t0","symbol":"BTC-USDT","side":"buy","type":"market","size":"0.01",'
        '"clientTimestamp":1670889600000,"allowMaxTimeWindow":5000}',
    ),
}
LIMIT_BYTES = {
    "coinbase": '{"client_order_id":"t0","product_id":"BTC-USD","side":"BUY","order_configuration":'
    '{"limit_limit_gtc":{"base_size":"0.01","limit_price":"50","post_only":false}}}',
    "kraken": "pair=XBTUSD&type=buy&ordertype=limit&volume=0.01&cl_ord_id=t0&oflags=fciq"
    "&deadline=2022-12-13T00%3A00%3A05.000Z&price=50",
    "kucoin": '{"clientOid":"t0","symbol":"BTC-USDT","side":"buy","type":"limit","size":"0.01",'
    '"clientTimestamp":1670889600000,"allowMaxTimeWindow":5000,"price":"50","timeInForce":"GTC"}',
}
STOP_BYTES = {
    "coinbase": (
        "POST",
        "/api/v3/brokerage/orders",
        '{"client_order_id":"t0","product_id":"BTC-USD","side":"SELL","order_configuration":'
        '{"stop_limit_stop_limit_gtc":{"base_size":"0.005","limit_price":"88","stop_price":"90",'
        '"stop_direction":"STOP_DIRECTION_STOP_DOWN"}}}',
    ),
    "kraken": (
        "POST",
        "/0/private/AddOrder",
        "pair=XBTUSD&type=sell&ordertype=stop-loss&volume=0.005&cl_ord_id=t0&oflags=fciq"
        "&deadline=2022-12-13T00%3A00%3A05.000Z&price=90",
    ),
    "kucoin": (
        "POST",
        "/api/v1/stop-order",
        '{"clientOid":"t0","symbol":"BTC-USDT","side":"sell","type":"market","size":"0.005","stop":"loss",'
        '"stopPrice":"90","tradeType":"TRADE"}',
    ),
}


def first_sent(name: str, request: Callable[[Rig], Order]) -> Seen:
    """The first request that *request* becomes, signed for the instant START."""

    async def act(rig: Rig) -> None:
        life = rig.venue.request_life
        await rig.venue.send(VenueWrite("t0", 1, 1, request(rig), START, START + life))

    return at(name, act).seen[0]


@pytest.mark.parametrize("name", STUBS)
def test_the_bytes_of_a_market_order(name: str) -> None:
    """Our id and nothing of the library's own, the quantity in the base coin, and until when it may act."""
    seen = first_sent(name, lambda rig: rig.wish())
    assert (seen.method, seen.path, unsigned(seen)) == MARKET_BYTES[name]
    assert seen.query == ""
    assert seen.headers["User-Agent"] == AGENT
    assert not [header for header in seen.headers if "PARTNER" in header.upper() or "BROKER" in header.upper()]


@pytest.mark.parametrize("name", STUBS)
def test_the_bytes_of_a_limit_order(name: str) -> None:
    """It rests until it is taken back."""
    assert unsigned(first_sent(name, lambda rig: rig.limit())) == LIMIT_BYTES[name]


@pytest.mark.parametrize("name", STUBS)
def test_the_bytes_of_a_stop(name: str) -> None:
    """Its price is on the wire, and below the market for a sell: it is never an order that acts at once."""
    seen = first_sent(name, lambda rig: rig.stop())
    assert (seen.method, seen.path, unsigned(seen)) == STOP_BYTES[name]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("coinbase", OrderType.TAKE_PROFIT_LIMIT, '"stop_direction":"STOP_DIRECTION_STOP_UP"'),
        ("coinbase", OrderType.LIMIT_MAKER, '"post_only":true'),
        ("kraken", OrderType.STOP_LIMIT, "ordertype=stop-loss-limit"),
        ("kraken", OrderType.STOP_LIMIT, "price=90&price2=88"),
        ("kraken", OrderType.TAKE_PROFIT, "ordertype=take-profit&"),
        ("kraken", OrderType.TAKE_PROFIT_LIMIT, "price=90&price2=88"),
        ("kraken", OrderType.LIMIT_MAKER, "oflags=fciq%2Cpost"),
        ("kucoin", OrderType.STOP_LIMIT, '"stop":"loss","stopPrice":"90","tradeType":"TRADE","price":"88"'),
        ("kucoin", OrderType.TAKE_PROFIT, '"type":"market","size":"0.005","stop":"entry"'),
        ("kucoin", OrderType.LIMIT_MAKER, '"postOnly":true'),
    ],
)
def test_the_bytes_of_the_other_orders(name: str, kind: OrderType, words: str) -> None:
    """Each kind by the word its venue has for it."""
    assert words in first_sent(name, lambda rig: rig.stop(type=kind, price=D(88))).body


@pytest.mark.parametrize("name", STUBS)
def test_a_stop_without_its_price_is_not_sent(name: str) -> None:
    """It would be executed at once."""

    async def act(rig: Rig) -> None:
        _, outcome = await rig.send(rig.stop(stop_price=None))
        assert outcome == Refused("NoStopPrice", "a stop without its price would be executed at once")

    assert at(name, act).seen == []


def test_a_kind_of_order_that_coinbase_lacks_is_not_sent() -> None:
    """A stop that becomes a market order is refused, not sent as something else."""

    async def act(rig: Rig) -> None:
        _, outcome = await rig.send(rig.stop(type=OrderType.STOP))
        assert outcome == Refused("NotSpoken", "this venue has no order of type stop")

    assert at("coinbase", act).seen == []


def test_what_a_signature_says_of_the_time() -> None:
    """KuCoin takes the time of a stop and of a cancel from the signed header: it is that of the fence.

    Kraken's number only counts up, and is never that of the fence.
    """
    kucoins = first_sent("kucoin", lambda rig: rig.stop())
    assert kucoins.headers["KC-API-TIMESTAMP"] == "1670889600000"
    krakens = first_sent("kraken", lambda rig: rig.stop())
    assert int(dict(parse_qsl(krakens.body))["nonce"]) > 1_700_000_000_000


def test_how_long_a_request_of_coinbase_is_good_for() -> None:
    """Two minutes from the instant of the fence, not from when it was signed."""
    seen = first_sent("coinbase", lambda rig: rig.wish())
    claimed = seen.headers["Authorization"].removeprefix("Bearer ").split(".")[1]
    claims = json.loads(decoded(claimed))
    assert (claims["nbf"], claims["exp"], claims["sub"]) == (1670889600, 1670889720, COINBASE_KEY)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
