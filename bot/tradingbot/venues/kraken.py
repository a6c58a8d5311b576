"""The dialect of Kraken's spot market: what its JSON means in our words. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, Order, OrderReport, OrderStatus, OrderType, Side
from tradingbot.venues.binance import EPOCH, TRIGGERED, plain

Json = Mapping[str, Any]

# Coins of the first years have an X before them, money a Z; everything newer is called as it is.
OLD = {
    **{f"X{name}": name for name in ("ETC", "ETH", "LTC", "MLN", "REP", "XLM", "XMR", "XRP", "ZEC")},
    **{f"Z{name}": name for name in ("AUD", "CAD", "EUR", "GBP", "JPY", "USD")},
    "XXBT": "BTC",
    "XXDG": "DOGE",
    "XBT": "BTC",
    "XDG": "DOGE",
}
SHORT = {"BTC": "XBT", "DOGE": "XDG"}
TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.LIMIT_MAKER: "limit",
    OrderType.STOP: "stop-loss",
    OrderType.STOP_LIMIT: "stop-loss-limit",
    OrderType.TAKE_PROFIT: "take-profit",
    OrderType.TAKE_PROFIT_LIMIT: "take-profit-limit",
}
KINDS = {word: kind for kind, word in TYPES.items() if kind is not OrderType.LIMIT_MAKER}
LIMITED_STOPS = frozenset({OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
STATUSES = {
    "pending": OrderStatus.OPEN,
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.EXPIRED,
}


def coin(word: str) -> str:
    return OLD.get(word, word)


def market_id(symbol: str) -> str:
    return "".join(SHORT.get(part, part) for part in symbol.split("/"))


def market_names(symbol: str) -> frozenset[str]:
    """Every name the venue has for *symbol*: lists of trades use another than orders do."""
    base, quote = ([part, *(old for old, name in OLD.items() if name == part)] for part in symbol.split("/"))
    return frozenset(one + other for one in base for other in quote)


def instant(seconds: float | str) -> datetime:
    return EPOCH + timedelta(microseconds=int(Decimal(str(seconds)) * 1_000_000))


def order_fields(request: Order, client_id: str, deadline: datetime) -> dict[str, str]:
    """What AddOrder is sent for *request*. The fee is asked for in the quote coin, as trades do not name its coin."""
    fields = {
        "pair": market_id(request.symbol),
        "type": request.side.value,
        "ordertype": TYPES[request.type],
        "volume": plain(request.quantity),
        "cl_ord_id": client_id,
        "oflags": "fciq,post" if request.type is OrderType.LIMIT_MAKER else "fciq",
        "deadline": f"{deadline.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{deadline.microsecond // 1000:03d}Z",
    }
    first = request.stop_price if request.type in TRIGGERED else request.price
    second = request.price if request.type in TRIGGERED else None
    if request.type is not OrderType.MARKET and first is not None:
        fields["price"] = plain(first)
    if request.type in LIMITED_STOPS and second is not None:
        fields["price2"] = plain(second)
    return fields


def report(symbol: str, txid: str, row: Json) -> OrderReport:
    """A row of OpenOrders, ClosedOrders or QueryOrders."""
    told, filled = row["descr"], Decimal(row["vol_exec"])
    status = STATUSES[row["status"]]
    kind: OrderType = KINDS.get(told["ordertype"], OrderType.LIMIT)
    if kind is OrderType.LIMIT and "post" in str(row.get("oflags", "")).split(","):
        kind = OrderType.LIMIT_MAKER
    first, second = _price(told.get("price")), _price(told.get("price2"))
    return OrderReport(
        symbol=symbol,
        client_id=row.get("cl_ord_id") or txid,
        venue_id=txid,
        status=OrderStatus.PARTIAL if status is OrderStatus.OPEN and filled > ZERO else status,
        side=Side(told["type"]),
        type=kind,
        quantity=Decimal(row["vol"]),
        filled=filled,
        price=second if kind in TRIGGERED else first,
        stop_price=first if kind in TRIGGERED else None,
        at=instant(row.get("closetm") or row["opentm"]),
    )


def _price(text: str | None) -> Decimal | None:
    # A distance in percent, of an order of other people, is no price.
    if not text or text.endswith("%"):
        return None
    return Decimal(text) or None


def fill(symbol: str, trade_id: str, row: Json, client_id: str) -> Fill:
    """A row of TradesHistory."""
    return Fill(
        symbol=symbol,
        trade_id=trade_id,
        client_id=client_id,
        venue_id=row["ordertxid"],
        side=Side(row["type"]),
        quantity=Decimal(row["vol"]),
        price=Decimal(row["price"]),
        commission=Decimal(row["fee"]),
        commission_asset=symbol.split("/")[1],
        at=instant(row["time"]),
        maker=bool(row.get("maker")),
    )


def balances(answer: Json) -> dict[str, Decimal]:
    """Total of each coin; what is staked or earns (BTC.S, BTC.F) cannot be sold and is left out."""
    totals: dict[str, Decimal] = {}
    for word, amount in answer.items():
        if "." not in word:
            totals[coin(word)] = totals.get(coin(word), ZERO) + Decimal(amount)
    return totals
