"""KuCoin's public data in our words. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.listing import PUBLISHED, Fees, Listed
from tradingbot.domain.order import OrderType
from tradingbot.venues.binance import instant
from tradingbot.venues.kucoin import STOPS, market_id
from tradingbot.venues.market import Ask, Market, TimeRoute

FEES = {1: Decimal("0.001"), 2: Decimal("0.002"), 3: Decimal("0.003")}


def told_time(body: Any) -> datetime | None:
    return None if body.get("data") is None else instant(body["data"])


def wrong(body: Any) -> str:
    return "" if body.get("code") == "200000" else f"{body.get('code')} {body.get('msg', '')}".strip()


def instrument(symbol: str, body: Any) -> Instrument:
    row = body["data"]
    return Instrument(
        symbol=symbol,
        base=row["baseCurrency"],
        quote=row["quoteCurrency"],
        price_step=Decimal(row["priceIncrement"]),
        quantity_step=Decimal(row["baseIncrement"]),
        minimum_quantity=Decimal(row["baseMinSize"]),
        minimum_notional=Decimal(row.get("minFunds") or 0),
        maximum_quantity=Decimal(row["baseMaxSize"]),
        order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT_MAKER, *STOPS}),
    )


def listed(row: Any) -> Listed | None:
    """Its coins are of three classes with published fees, of which a market may ask for a part or a multiple."""
    if not row["enableTrading"]:
        return None
    fee = FEES[int(row.get("feeCategory") or 1)]
    shares = [Decimal(row.get(name) or 1) for name in ("makerFeeCoefficient", "takerFeeCoefficient")]
    made = instrument(f"{row['baseCurrency']}/{row['quoteCurrency']}", {"data": row})
    return Listed(made, Fees(fee * shares[0], fee * shares[1], PUBLISHED))


def bars_at(symbol: str, word: str, since: datetime, now: datetime) -> Ask:
    begin, end = str(int(since.timestamp())), str(int(now.timestamp()) + 1)
    return Ask("/api/v1/market/candles", {"symbol": market_id(symbol), "type": word, "startAt": begin, "endAt": end})


def bars(symbol: str, timeframe: str, body: Any) -> list[Candle]:
    """The venue tells the newest first, and the close before the extremes."""
    found = []
    for at, first, last, high, low, volume, _ in reversed(body["data"]):
        opened, highest, lowest, closed, size = (Decimal(each) for each in (first, high, low, last, volume))
        found.append(Candle(symbol, timeframe, instant(int(at) * 1000), opened, highest, lowest, closed, size))
    return found


def quote(symbol: str, body: Any, at: datetime) -> Quote:
    return Quote(symbol, Decimal(body["data"]["bestBid"]), Decimal(body["data"]["bestAsk"]), at)


KUCOIN = Market(
    address="https://api.kucoin.com",
    time=TimeRoute("/api/v1/timestamp", told_time),
    pause=timedelta(milliseconds=200),
    timeframes={
        "1m": "1min",
        "3m": "3min",
        "5m": "5min",
        "15m": "15min",
        "30m": "30min",
        "1h": "1hour",
        "4h": "4hour",
        "1d": "1day",
    },
    most=1500,
    unknown="900001",
    wrong=wrong,
    instrument_at=lambda symbol: Ask(f"/api/v2/symbols/{market_id(symbol)}"),
    instrument=instrument,
    bars_at=bars_at,
    bars=bars,
    quote_at=lambda symbol: Ask("/api/v1/market/orderbook/level1", {"symbol": market_id(symbol)}),
    quote=quote,
    listing_at=Ask("/api/v2/symbols"),
    rows=lambda body: body["data"],
    listed=listed,
)
