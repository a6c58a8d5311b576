"""The dialect of Binance's spot market: what its JSON means in our words. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.listing import PUBLISHED, Fees, Listed
from tradingbot.domain.order import Cancel, Fill, Order, OrderReport, OrderStatus, OrderType, Side

Json = Mapping[str, Any]

EPOCH = datetime.fromtimestamp(0, tz=UTC)
FEES = Fees(Decimal("0.001"), Decimal("0.001"), PUBLISHED)
TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.LIMIT_MAKER: "LIMIT_MAKER",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
KINDS = {word: kind for kind, word in TYPES.items()}
STATUSES = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.OPEN,
    "PENDING_CANCEL": OrderStatus.OPEN,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REFUSED,
}
TRIGGERED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


def market_id(symbol: str) -> str:
    return symbol.replace("/", "")


def instant(milliseconds: int | str) -> datetime:
    return EPOCH + timedelta(milliseconds=int(milliseconds))


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def plain(number: Decimal) -> str:
    """*number* without an exponent and without zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def instrument(symbol: str, row: Json) -> Instrument:
    """One symbol of exchangeInfo."""
    filters = {each["filterType"]: each for each in row["filters"]}
    lot, market = filters["LOT_SIZE"], filters.get("MARKET_LOT_SIZE", {})
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
    # A maximum of zero means that there is none.
    most = [Decimal(each["maxQty"]) for each in (lot, market) if Decimal(each.get("maxQty", "0"))]
    return Instrument(
        symbol=symbol,
        base=row["baseAsset"],
        quote=row["quoteAsset"],
        price_step=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        quantity_step=Decimal(lot["stepSize"]),
        minimum_quantity=max(Decimal(lot["minQty"]), Decimal(market.get("minQty", "0"))),
        minimum_notional=Decimal(notional.get("minNotional", "0")),
        maximum_quantity=min(most, default=Decimal("1e30")),
        market_quantity_step=Decimal(market.get("stepSize", "0")),
        order_types=frozenset(KINDS[word] for word in row["orderTypes"] if word in KINDS),
    )


def listed(row: Json) -> Listed | None:
    """One symbol of exchangeInfo, if it is traded; what it costs is not told there."""
    if row["status"] != "TRADING" or not row.get("isSpotTradingAllowed", True):
        return None
    return Listed(instrument(f"{row['baseAsset']}/{row['quoteAsset']}", row), FEES)


def candle(symbol: str, timeframe: str, row: list[Any], closed: bool) -> Candle:
    """One row of klines; the venue does not say there whether it is closed."""
    first, high, low, last, volume = (Decimal(cell) for cell in row[1:6])
    return Candle(symbol, timeframe, instant(row[0]), first, high, low, last, volume, closed)


def streamed_candle(symbol: str, event: Json) -> Candle:
    """A kline event, with the venue's own word on whether the bar is closed."""
    bar = event["k"]
    first, high, low, last, volume = (Decimal(bar[key]) for key in ("o", "h", "l", "c", "v"))
    return Candle(symbol, bar["i"], instant(bar["t"]), first, high, low, last, volume, bool(bar["x"]))


def quote(symbol: str, row: Json, at: datetime) -> Quote:
    return Quote(symbol, Decimal(row["bidPrice"]), Decimal(row["askPrice"]), at)


def order_parameters(request: Order, client_id: str) -> dict[str, str]:
    """What POST order is sent for *request*; the stop price of an entry is no part of it."""
    fields = {
        "symbol": market_id(request.symbol),
        "side": request.side.value.upper(),
        "type": TYPES[request.type],
        "quantity": plain(request.quantity),
        "newClientOrderId": client_id,
        "newOrderRespType": "FULL",
    }
    if request.type in LIMITED | {OrderType.LIMIT_MAKER} and request.price is not None:
        fields["price"] = plain(request.price)
    if request.type in LIMITED:
        fields["timeInForce"] = "GTC"
    if request.type in TRIGGERED and request.stop_price is not None:
        fields["stopPrice"] = plain(request.stop_price)
    return fields


def replace_parameters(request: Order, client_id: str) -> dict[str, str]:
    """Cancel and place in one request; only an order that nothing was filled of is replaced."""
    return {
        **order_parameters(request, client_id),
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelRestrictions": "ONLY_NEW",
        "cancelOrigClientOrderId": request.replaces or "",
    }


def cancel_parameters(request: Cancel) -> dict[str, str]:
    return {"symbol": market_id(request.symbol), "origClientOrderId": request.client_id}


def report(symbol: str, row: Json) -> OrderReport:
    """An order as GET order, openOrders or a full answer give it."""
    return OrderReport(
        symbol=symbol,
        client_id=row.get("origClientOrderId") or row["clientOrderId"],
        venue_id=str(row["orderId"]),
        status=STATUSES[row["status"]],
        side=Side(row["side"].lower()),
        type=KINDS[row["type"]],
        quantity=Decimal(row["origQty"]),
        filled=Decimal(row["executedQty"]),
        price=_price(row.get("price")),
        stop_price=_price(row.get("stopPrice")),
        at=instant(row.get("updateTime") or row.get("transactTime") or row["time"]),
    )


def _price(text: str | None) -> Decimal | None:
    return Decimal(text) if text and Decimal(text) != ZERO else None


def answered_fills(symbol: str, row: Json) -> tuple[Fill, ...]:
    """The fills that came with the answer to an order."""
    return tuple(
        Fill(
            symbol=symbol,
            trade_id=str(each["tradeId"]),
            client_id=row["clientOrderId"],
            venue_id=str(row["orderId"]),
            side=Side(row["side"].lower()),
            quantity=Decimal(each["qty"]),
            price=Decimal(each["price"]),
            commission=Decimal(each["commission"]),
            commission_asset=each["commissionAsset"],
            at=instant(row["transactTime"]),
        )
        for each in row.get("fills", ())
    )


def listed_fill(symbol: str, row: Json, client_id: str) -> Fill:
    """A row of myTrades, which does not name the client id."""
    return Fill(
        symbol=symbol,
        trade_id=str(row["id"]),
        client_id=client_id,
        venue_id=str(row["orderId"]),
        side=Side.BUY if row["isBuyer"] else Side.SELL,
        quantity=Decimal(row["qty"]),
        price=Decimal(row["price"]),
        commission=Decimal(row["commission"]),
        commission_asset=row["commissionAsset"],
        at=instant(row["time"]),
        maker=bool(row["isMaker"]),
    )


def streamed(symbol: str, event: Json) -> tuple[OrderReport | Fill, ...]:
    """What an executionReport says: how the order stands, and the fill if there was one."""
    client_id = event["C"] or event["c"]
    at = instant(event["T"])
    standing = OrderReport(
        symbol=symbol,
        client_id=client_id,
        venue_id=str(event["i"]),
        status=STATUSES[event["X"]],
        side=Side(event["S"].lower()),
        type=KINDS[event["o"]],
        quantity=Decimal(event["q"]),
        filled=Decimal(event["z"]),
        price=_price(event["p"]),
        stop_price=_price(event["P"]),
        at=at,
    )
    if event["x"] != "TRADE":
        return (standing,)
    done = Fill(
        symbol=symbol,
        trade_id=str(event["t"]),
        client_id=client_id,
        venue_id=str(event["i"]),
        side=standing.side,
        quantity=Decimal(event["l"]),
        price=Decimal(event["L"]),
        commission=Decimal(event["n"]),
        commission_asset=event["N"],
        at=at,
        maker=bool(event["m"]),
    )
    # The fill first: an order known to be filled whose fills are not known counts as unsettled.
    return (done, standing)
