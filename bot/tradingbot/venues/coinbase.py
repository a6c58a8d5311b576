"""The dialect of Coinbase's Advanced Trade: what its JSON means in our words. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, Order, OrderReport, OrderStatus, OrderType, Side
from tradingbot.venues.binance import plain

Json = Mapping[str, Any]

DOWN, UP = "STOP_DIRECTION_STOP_DOWN", "STOP_DIRECTION_STOP_UP"
# Which way the price goes when an order is met: a stop against it, a profit with it.
DIRECTIONS = {
    (OrderType.STOP_LIMIT, Side.SELL): DOWN,
    (OrderType.STOP_LIMIT, Side.BUY): UP,
    (OrderType.TAKE_PROFIT_LIMIT, Side.SELL): UP,
    (OrderType.TAKE_PROFIT_LIMIT, Side.BUY): DOWN,
}
STOP_KINDS = {(direction, side): kind for (kind, side), direction in DIRECTIONS.items()}
STATUSES = {
    "OPEN": OrderStatus.OPEN,
    "PENDING": OrderStatus.OPEN,
    "QUEUED": OrderStatus.OPEN,
    "CANCEL_QUEUED": OrderStatus.OPEN,
    "EDIT_QUEUED": OrderStatus.OPEN,
    "UNKNOWN_ORDER_STATUS": OrderStatus.OPEN,
    "FILLED": OrderStatus.FILLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    # Also said of a stop that failed when it was met: it had been taken on, and has ended like one that was taken back.
    "FAILED": OrderStatus.CANCELLED,
}
# What this venue takes: there is no stop that becomes a market order.
SPOKEN = frozenset(
    {
        OrderType.MARKET,
        OrderType.LIMIT,
        OrderType.LIMIT_MAKER,
        OrderType.STOP_LIMIT,
        OrderType.TAKE_PROFIT_LIMIT,
    }
)


def market_id(symbol: str) -> str:
    return symbol.replace("/", "-")


def order_fields(request: Order, client_id: str) -> dict[str, Any]:
    """What an order is sent with; *request* is of a type of SPOKEN."""
    return {
        "client_order_id": client_id,
        "product_id": market_id(request.symbol),
        "side": request.side.value.upper(),
        "order_configuration": _configuration(request),
    }


def _configuration(request: Order) -> dict[str, Any]:
    size = {"base_size": plain(request.quantity)}
    if request.type is OrderType.MARKET:
        return {"market_market_ioc": size}
    limit = {**size, "limit_price": plain(request.price or ZERO)}
    if (request.type, request.side) in DIRECTIONS:
        direction = DIRECTIONS[request.type, request.side]
        stop = {"stop_price": plain(request.stop_price or ZERO), "stop_direction": direction}
        return {"stop_limit_stop_limit_gtc": {**limit, **stop}}
    return {"limit_limit_gtc": {**limit, "post_only": request.type is OrderType.LIMIT_MAKER}}


def report(symbol: str, row: Json) -> OrderReport:
    """An order as it is asked for by its number, or listed."""
    filled, side = Decimal(row["filled_size"] or 0), Side(row["side"].lower())
    ((word, told),) = row["order_configuration"].items()
    status = STATUSES[row["status"]]
    return OrderReport(
        symbol=symbol,
        client_id=row.get("client_order_id") or row["order_id"],
        venue_id=row["order_id"],
        status=OrderStatus.PARTIAL if status is OrderStatus.OPEN and filled > ZERO else status,
        side=side,
        type=_kind(word, told, side),
        # Orders of other people may be by money; then only what was bought is known.
        quantity=Decimal(told.get("base_size") or filled),
        filled=filled,
        price=_price(told.get("limit_price")),
        stop_price=_price(told.get("stop_price")),
        at=datetime.fromisoformat(row.get("last_fill_time") or row["created_time"]),
    )


def _kind(word: str, told: Json, side: Side) -> OrderType:
    if word.startswith("market_"):
        return OrderType.MARKET
    if word.startswith("stop_limit_"):
        return STOP_KINDS.get((told.get("stop_direction", ""), side), OrderType.STOP_LIMIT)
    return OrderType.LIMIT_MAKER if told.get("post_only") else OrderType.LIMIT


def _price(text: str | None) -> Decimal | None:
    return Decimal(text) or None if text else None


def fill(symbol: str, row: Json, client_id: str) -> Fill:
    """A row of the list of fills; the fee is in the quote coin."""
    size, price = Decimal(row["size"]), Decimal(row["price"])
    return Fill(
        symbol=symbol,
        trade_id=row["entry_id"],
        client_id=client_id,
        venue_id=row["order_id"],
        side=Side(row["side"].lower()),
        quantity=size / price if row.get("size_in_quote") else size,
        price=price,
        commission=Decimal(row["commission"]),
        commission_asset=symbol.split("/")[1],
        at=datetime.fromisoformat(row["trade_time"]),
        maker=row["liquidity_indicator"] == "MAKER",
    )


def balances(rows: Sequence[Json]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for row in rows:
        whole = Decimal(row["available_balance"]["value"]) + Decimal(row["hold"]["value"])
        totals[row["currency"]] = totals.get(row["currency"], ZERO) + whole
    return totals
