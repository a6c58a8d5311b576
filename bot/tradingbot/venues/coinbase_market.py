"""Coinbase's public data in our words. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.listing import PUBLISHED, Fees, Listed
from tradingbot.venues.binance import instant
from tradingbot.venues.coinbase import SPOKEN, market_id
from tradingbot.venues.market import Ask, Market, TimeRoute

FEES = Fees(Decimal("0.006"), Decimal("0.012"), PUBLISHED)
PRODUCTS = "/api/v3/brokerage/market/products"


def told_time(body: Any) -> datetime | None:
    return None if body.get("epochMillis") is None else instant(body["epochMillis"])


def wrong(body: Any) -> str:
    return f"{body['error']} {body.get('message', '')}".strip() if body.get("error") else ""


def instrument(symbol: str, body: Any) -> Instrument:
    return Instrument(
        symbol=symbol,
        base=body["base_currency_id"],
        quote=body["quote_currency_id"],
        price_step=Decimal(body.get("price_increment") or body["quote_increment"]),
        quantity_step=Decimal(body["base_increment"]),
        minimum_quantity=Decimal(body["base_min_size"]),
        minimum_notional=Decimal(body["quote_min_size"]),
        maximum_quantity=Decimal(body["base_max_size"]),
        order_types=SPOKEN,
    )


def listed(row: Any) -> Listed | None:
    if row.get("trading_disabled") or row.get("is_disabled"):
        return None
    return Listed(instrument(f"{row['base_currency_id']}/{row['quote_currency_id']}", row), FEES)


def bars_at(symbol: str, word: str, since: datetime, now: datetime) -> Ask:
    begin, end = str(int(since.timestamp())), str(int(now.timestamp()))
    return Ask(f"{PRODUCTS}/{market_id(symbol)}/candles", {"granularity": word, "start": begin, "end": end})


def bars(symbol: str, timeframe: str, body: Any) -> list[Candle]:
    """The venue tells the newest first."""
    found = []
    for row in reversed(body["candles"]):
        opened, highest, lowest, closed, size = (
            Decimal(row[name]) for name in ("open", "high", "low", "close", "volume")
        )
        found.append(
            Candle(symbol, timeframe, instant(int(row["start"]) * 1000), opened, highest, lowest, closed, size)
        )
    return found


def quote(symbol: str, body: Any, at: datetime) -> Quote:
    return Quote(symbol, Decimal(body["best_bid"]), Decimal(body["best_ask"]), at)


COINBASE = Market(
    address="https://api.coinbase.com",
    time=TimeRoute("/api/v3/brokerage/time", told_time),
    pause=timedelta(milliseconds=200),
    timeframes={
        "1m": "ONE_MINUTE",
        "5m": "FIVE_MINUTE",
        "15m": "FIFTEEN_MINUTE",
        "30m": "THIRTY_MINUTE",
        "1h": "ONE_HOUR",
        "1d": "ONE_DAY",
    },
    most=350,
    unknown="NOT_FOUND",
    wrong=wrong,
    instrument_at=lambda symbol: Ask(f"{PRODUCTS}/{market_id(symbol)}"),
    instrument=instrument,
    bars_at=bars_at,
    bars=bars,
    quote_at=lambda symbol: Ask(f"{PRODUCTS}/{market_id(symbol)}/ticker", {"limit": "1"}),
    quote=quote,
    listing_at=Ask(PRODUCTS, {"product_type": "SPOT"}),
    rows=lambda body: body["products"],
    listed=listed,
)
