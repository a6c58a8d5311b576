"""The dialect of KuCoin's spot market: what its JSON means in our words. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, Order, OrderReport, OrderStatus, OrderType, Side, VenueWrite
from tradingbot.venues.binance import TRIGGERED, instant, milliseconds, plain

Json = Mapping[str, Any]

# What is executed once a stop has been reached, and on which side of the price that lies.
STOPS = {
    OrderType.STOP: ("market", "loss"),
    OrderType.STOP_LIMIT: ("limit", "loss"),
    OrderType.TAKE_PROFIT: ("market", "entry"),
    OrderType.TAKE_PROFIT_LIMIT: ("limit", "entry"),
}
KINDS = {words: kind for kind, words in STOPS.items()}


def market_id(symbol: str) -> str:
    return symbol.replace("/", "-")


def order_fields(write: VenueWrite, request: Order, window: int) -> dict[str, Any]:
    """What an order that acts at once or rests in the book is sent with; too late, the venue drops it by itself."""
    fields: dict[str, Any] = {
        "clientOid": write.client_id,
        "symbol": market_id(request.symbol),
        "side": request.side.value,
        "type": "market" if request.type is OrderType.MARKET else "limit",
        "size": plain(request.quantity),
        "clientTimestamp": milliseconds(write.timestamp),
        "allowMaxTimeWindow": window,
    }
    if request.type is not OrderType.MARKET and request.price is not None:
        fields |= {"price": plain(request.price), "timeInForce": "GTC"}
    if request.type is OrderType.LIMIT_MAKER:
        fields["postOnly"] = True
    return fields


def stop_fields(write: VenueWrite, request: Order) -> dict[str, Any]:
    """What a stop is sent with, to its own list; how late it may come is only said by the time it is signed with."""
    kind, stop = STOPS[request.type]
    fields = {
        "clientOid": write.client_id,
        "symbol": market_id(request.symbol),
        "side": request.side.value,
        "type": kind,
        "size": plain(request.quantity),
        "stop": stop,
        "stopPrice": plain(request.stop_price or ZERO),
        "tradeType": "TRADE",
    }
    if kind == "limit" and request.price is not None:
        fields |= {"price": plain(request.price), "timeInForce": "GTC"}
    return fields


def report(symbol: str, row: Json) -> OrderReport:
    """An order of the book, as it is asked for by id or listed."""
    filled = Decimal(row["dealSize"])
    if row["active"]:
        status = OrderStatus.PARTIAL if filled > ZERO else OrderStatus.OPEN
    else:
        status = OrderStatus.CANCELLED if row["cancelExist"] else OrderStatus.FILLED
    kind = OrderType.MARKET if row["type"] == "market" else OrderType.LIMIT
    if kind is OrderType.LIMIT and row.get("postOnly"):
        kind = OrderType.LIMIT_MAKER
    return OrderReport(
        symbol=symbol,
        client_id=row.get("clientOid") or row["id"],
        venue_id=row["id"],
        status=status,
        side=Side(row["side"]),
        type=kind,
        quantity=Decimal(row["size"]),
        filled=filled,
        price=_price(row.get("price")),
        stop_price=_price(row.get("stopPrice")),
        at=instant(row.get("lastUpdatedAt") or row["createdAt"]),
    )


def stop_report(symbol: str, row: Json, status: OrderStatus = OrderStatus.OPEN) -> OrderReport:
    """A stop that waits for its price, or has just met it."""
    return OrderReport(
        symbol=symbol,
        client_id=row.get("clientOid") or row["id"],
        venue_id=row["id"],
        status=status,
        side=Side(row["side"]),
        type=KINDS.get((row["type"], row["stop"]), OrderType.STOP),
        quantity=Decimal(row["size"]),
        filled=ZERO,
        price=_price(row.get("price")),
        stop_price=_price(row["stopPrice"]),
        at=instant(row["createdAt"]),
    )


def _price(text: str | None) -> Decimal | None:
    return Decimal(text) or None if text else None


def fill(symbol: str, row: Json, client_id: str) -> Fill:
    return Fill(
        symbol=symbol,
        trade_id=str(row["tradeId"]),
        client_id=client_id,
        venue_id=row["orderId"],
        side=Side(row["side"]),
        quantity=Decimal(row["size"]),
        price=Decimal(row["price"]),
        commission=Decimal(row["fee"]),
        commission_asset=row["feeCurrency"],
        at=instant(row["createdAt"]),
        maker=row["liquidity"] == "maker",
    )


def balances(rows: Sequence[Json]) -> dict[str, Decimal]:
    """Total of each coin of the trading account; what lies in others cannot be sold."""
    totals: dict[str, Decimal] = {}
    for row in rows:
        if str(row["type"]).startswith("trade"):
            totals[row["currency"]] = totals.get(row["currency"], ZERO) + Decimal(row["balance"])
    return totals


def is_stop(request: Order) -> bool:
    return request.type in TRIGGERED
