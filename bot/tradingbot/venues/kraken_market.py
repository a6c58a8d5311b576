"""Kraken's public data in our words. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.listing import TOLD, Fees, Listed
from tradingbot.venues.kraken import TYPES, coin, instant, market_id
from tradingbot.venues.market import Ask, Market, TimeRoute

HALF_A_SECOND = timedelta(milliseconds=500)


def told_time(body: Any) -> datetime | None:
    """The venue tells whole seconds: the middle of the one it names is never further off than half of one."""
    seconds = (body.get("result") or {}).get("unixtime")
    return None if seconds is None else instant(seconds) + HALF_A_SECOND


def wrong(body: Any) -> str:
    return ", ".join(each for each in body.get("error", ()) if not each.startswith("W"))


def only(body: Any) -> Any:
    """What is told of the one market that was asked for, whose name the venue chooses."""
    ((_, told),) = ((name, told) for name, told in body["result"].items() if name != "last")
    return told


def instrument(symbol: str, body: Any) -> Instrument:
    row, (base, quote) = only(body), symbol.split("/")
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        price_step=Decimal(row["tick_size"]),
        quantity_step=Decimal(1).scaleb(-int(row["lot_decimals"])),
        minimum_quantity=Decimal(row["ordermin"]),
        minimum_notional=Decimal(row["costmin"]),
        order_types=frozenset(TYPES),
    )


def listed(row: Any) -> Listed | None:
    """The first step of its fees is what somebody pays who has traded little."""
    if row["status"] != "online":
        return None
    symbol = "/".join(map(coin, row["wsname"].split("/")))
    (_, maker), (_, taker) = (row.get("fees_maker") or row["fees"])[0], row["fees"][0]
    fees = Fees(Decimal(str(maker)) / 100, Decimal(str(taker)) / 100, TOLD)
    return Listed(instrument(symbol, {"result": {symbol: row}}), fees)


def bars_at(symbol: str, word: str, since: datetime, now: datetime) -> Ask:  # noqa: ARG001
    # The venue leaves out the bar that begins at the second it is given.
    return Ask(
        "/0/public/OHLC", {"pair": market_id(symbol), "interval": word, "since": str(int(since.timestamp()) - 1)}
    )


def bars(symbol: str, timeframe: str, body: Any) -> list[Candle]:
    found = []
    for at, first, high, low, last, _, volume, _ in only(body):
        opened, highest, lowest, closed, size = (Decimal(each) for each in (first, high, low, last, volume))
        found.append(Candle(symbol, timeframe, instant(at), opened, highest, lowest, closed, size))
    return found


def quote(symbol: str, body: Any, at: datetime) -> Quote:
    row = only(body)
    return Quote(symbol, Decimal(row["b"][0]), Decimal(row["a"][0]), at)


KRAKEN = Market(
    address="https://api.kraken.com",
    time=TimeRoute("/0/public/Time", told_time),
    pause=timedelta(seconds=1),
    timeframes={"1m": "1", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "4h": "240", "1d": "1440"},
    most=720,
    unknown="Unknown asset pair",
    wrong=wrong,
    instrument_at=lambda symbol: Ask("/0/public/AssetPairs", {"pair": market_id(symbol)}),
    instrument=instrument,
    bars_at=bars_at,
    bars=bars,
    quote_at=lambda symbol: Ask("/0/public/Ticker", {"pair": market_id(symbol)}),
    quote=quote,
    listing_at=Ask("/0/public/AssetPairs"),
    rows=lambda body: body["result"].values(),
    listed=listed,
)
