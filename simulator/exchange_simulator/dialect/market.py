"""Candles, tickers, books and public trades as JSON."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchange_simulator.dialect.amounts import text
from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.numbers import ZERO, truncated

Json = dict[str, Any]
POINTS_PER_BAR = 4


def turnover(bar: Bar) -> Decimal:
    """About what the candle traded in quote currency."""
    return truncated((bar.open + bar.high + bar.low + bar.close) / POINTS_PER_BAR * bar.volume)


def kline(bar: Bar, length_ms: int) -> list[Any]:
    """A row of klines."""
    half = bar.volume / 2
    return [
        bar.open_ms,
        text(bar.open),
        text(bar.high),
        text(bar.low),
        text(bar.close),
        text(bar.volume),
        bar.open_ms + length_ms - 1,
        text(turnover(bar)),
        POINTS_PER_BAR,
        text(truncated(half)),
        text(truncated(turnover(bar) / 2)),
        "0",
    ]


@dataclass(frozen=True, slots=True)
class Book:
    """The best prices and how much stands at each."""

    symbol: str
    bid: Decimal
    ask: Decimal
    depth: Decimal
    update_id: int
    tick: Decimal
    step: Decimal

    def levels(self, count: int) -> tuple[list[list[str]], list[list[str]]]:
        """Bids and asks, a tick apart, the depth spread over ten levels."""
        each = max(self.step, (self.depth / 10).quantize(self.step))
        size = text(each if self.depth > ZERO else ZERO)
        number = min(count, 10) if self.depth > ZERO else 0
        bids = [[text(self.bid - self.tick * i), size] for i in range(number) if self.bid > self.tick * i]
        return bids, [[text(self.ask + self.tick * i), size] for i in range(number)]


def depth(book: Book, count: int) -> Json:
    """The answer to GET depth."""
    bids, asks = book.levels(count)
    return {"lastUpdateId": book.update_id, "bids": bids, "asks": asks}


def book_ticker(book: Book) -> Json:
    """The answer to GET ticker/bookTicker."""
    size = text(book.depth)
    return {
        "symbol": book.symbol,
        "bidPrice": text(book.bid),
        "bidQty": size,
        "askPrice": text(book.ask),
        "askQty": size,
    }


def ticker(book: Book, day: Bar, last: Decimal, now_ms: int) -> Json:
    """The answer to GET ticker/24hr."""
    change = last - day.open
    return {
        "symbol": book.symbol,
        "priceChange": text(change),
        "priceChangePercent": format((change / day.open * 100).quantize(Decimal("0.001")), "f"),
        "weightedAvgPrice": text(truncated(turnover(day) / day.volume)) if day.volume else text(last),
        "prevClosePrice": text(day.open),
        "lastPrice": text(last),
        "lastQty": text(truncated(book.depth)),
        "bidPrice": text(book.bid),
        "bidQty": text(book.depth),
        "askPrice": text(book.ask),
        "askQty": text(book.depth),
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "volume": text(day.volume),
        "quoteVolume": text(turnover(day)),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": 0,
        "lastId": book.update_id,
        "count": 5760,
    }


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    time_ms: int
    buyer_maker: bool


def public_trade(done: Print) -> Json:
    """A row of trades."""
    return {
        "id": done.trade_id,
        "price": text(done.price),
        "qty": text(done.quantity),
        "quoteQty": text(truncated(done.price * done.quantity)),
        "time": done.time_ms,
        "isBuyerMaker": done.buyer_maker,
        "isBestMatch": True,
    }


def aggregate_trade(done: Print) -> Json:
    """A row of aggTrades."""
    return {
        "a": done.trade_id,
        "p": text(done.price),
        "q": text(done.quantity),
        "f": done.trade_id,
        "l": done.trade_id,
        "T": done.time_ms,
        "m": done.buyer_maker,
        "M": True,
    }
