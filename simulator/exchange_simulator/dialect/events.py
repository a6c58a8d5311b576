"""What the exchange tells, as WebSocket events."""

from typing import Any

from exchange_simulator.dialect.amounts import text
from exchange_simulator.dialect.market import Book, turnover
from exchange_simulator.domain.account import Account
from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.events import OrderEvent, PriceEvent, TransferEvent
from exchange_simulator.domain.numbers import ZERO

Json = dict[str, Any]


def kline(symbol: str, interval: str, bar: Bar, span: tuple[int, int], *, closed: bool) -> Json:
    """A kline event; *span* is the candle's length and the time of the event."""
    length_ms, now_ms = span
    return {
        "e": "kline",
        "E": now_ms,
        "s": symbol,
        "k": {
            "t": bar.open_ms,
            "T": bar.open_ms + length_ms - 1,
            "s": symbol,
            "i": interval,
            "f": 0,
            "L": 0,
            "o": text(bar.open),
            "c": text(bar.close),
            "h": text(bar.high),
            "l": text(bar.low),
            "v": text(bar.volume),
            "n": 4,
            "x": closed,
            "q": text(turnover(bar)),
            "V": "0",
            "Q": "0",
            "B": "0",
        },
    }


def mini_ticker(symbol: str, day: Bar, price: PriceEvent) -> Json:
    """A 24hrMiniTicker event."""
    return {
        "e": "24hrMiniTicker",
        "E": price.time_ms,
        "s": symbol,
        "c": text(price.price),
        "o": text(day.open),
        "h": text(day.high),
        "l": text(day.low),
        "v": text(day.volume),
        "q": text(turnover(day)),
    }


def ticker(book: Book, day: Bar, price: PriceEvent) -> Json:
    """A 24hrTicker event."""
    change = price.price - day.open
    return {
        **mini_ticker(book.symbol, day, price),
        "e": "24hrTicker",
        "p": text(change),
        "P": format((change / day.open * 100).quantize(day.open * 0 + 1), "f"),
        "w": text(price.price),
        "x": text(day.open),
        "Q": text(price.quantity),
        "b": text(book.bid),
        "B": text(book.depth),
        "a": text(book.ask),
        "A": text(book.depth),
        "O": price.time_ms - 86_400_000,
        "C": price.time_ms,
        "F": 0,
        "L": price.trade_id,
        "n": 5760,
    }


def book_ticker(book: Book) -> Json:
    """A bookTicker event; the venue gives it no event name."""
    return {
        "u": book.update_id,
        "s": book.symbol,
        "b": text(book.bid),
        "B": text(book.depth),
        "a": text(book.ask),
        "A": text(book.depth),
    }


def depth(book: Book, now_ms: int, first_id: int) -> Json:
    """A depthUpdate event that states the whole book."""
    bids, asks = book.levels(10)
    return {"e": "depthUpdate", "E": now_ms, "s": book.symbol, "U": first_id, "u": book.update_id, "b": bids, "a": asks}


def trade(price: PriceEvent, *, buyer_maker: bool) -> Json:
    """A trade event."""
    return {
        "e": "trade",
        "E": price.time_ms,
        "s": price.symbol,
        "t": price.trade_id,
        "p": text(price.price),
        "q": text(price.quantity),
        "T": price.time_ms,
        "m": buyer_maker,
        "M": True,
    }


def aggregate_trade(price: PriceEvent, *, buyer_maker: bool) -> Json:
    """An aggTrade event."""
    return {
        **trade(price, buyer_maker=buyer_maker),
        "e": "aggTrade",
        "a": price.trade_id,
        "f": price.trade_id,
        "l": price.trade_id,
    }


def execution_report(event: OrderEvent) -> Json:
    """An executionReport event."""
    order, done = event.order, event.trade
    cancelled = event.execution == "CANCELED"
    return {
        "e": "executionReport",
        "E": event.time_ms,
        "s": order.symbol,
        "c": event.cancel_client_id if cancelled and event.cancel_client_id else order.client_id,
        "S": order.side.value,
        "o": order.kind.value,
        "f": order.time_in_force.value,
        "q": text(order.quantity),
        "p": text(order.price),
        "P": text(order.stop_price),
        "F": text(ZERO),
        "g": -1,
        "C": order.client_id if cancelled else "",
        "x": event.execution,
        "X": order.status.value,
        "r": "NONE",
        "i": order.order_id,
        "l": text(done.quantity if done else ZERO),
        "z": text(order.executed),
        "L": text(done.price if done else ZERO),
        "n": text(done.commission) if done else "0",
        "N": done.commission_asset if done else None,
        "T": event.time_ms,
        "t": done.trade_id if done else -1,
        "I": order.order_id,
        "w": order.is_open and not order.is_waiting,
        "m": done.maker if done else False,
        "M": False,
        "O": order.created_ms,
        "Z": text(order.quote_executed),
        "Y": text(done.quote_quantity) if done else text(ZERO),
        "Q": text(order.quote_quantity),
        "W": order.created_ms,
        "V": "NONE",
    }


def account_position(account: Account, assets: tuple[str, ...], now_ms: int) -> Json:
    """An outboundAccountPosition event."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": now_ms,
        "B": [
            {"a": asset, "f": text(account.balance(asset).free), "l": text(account.balance(asset).locked)}
            for asset in sorted(set(assets))
        ],
    }


def balance_update(event: TransferEvent) -> Json:
    """A balanceUpdate event."""
    return {"e": "balanceUpdate", "E": event.time_ms, "a": event.asset, "d": text(event.amount), "T": event.time_ms}
