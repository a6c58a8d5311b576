"""A stub of Coinbase's Advanced Trade: a book of orders behind its routes. It is not the venue, and matches nothing."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from aiohttp import web

from stubs.book import BEGAN, BOOK, Book, Standing, application, bars

MARKET = "BTC-USD"
SECONDS = {"ONE_MINUTE": 60, "ONE_HOUR": 3600}
STATUS = {"open": "OPEN", "filled": "FILLED", "cancelled": "CANCELLED", "failed": "FAILED", "pending": "PENDING"}
PAGE = 2


def private(answer):
    """Answers whoever bears a token; the stub reads in it whose it is and does not check the signature."""

    async def behind(request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return web.Response(status=401, text="Unauthorized\n")
        return answer(request.app[BOOK], request, json.loads(await request.text() or "{}"))

    return behind


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def row(order: Standing) -> dict:
    return {
        "order_id": order.number,
        "client_order_id": order.client_id,
        "product_id": order.market,
        "side": order.side,
        "status": STATUS[order.status],
        "order_configuration": {order.flags: json.loads(order.kind)},
        "filled_size": str(order.filled),
        "created_time": moment(order.at),
        "last_fill_time": moment(order.at + 1) if order.filled else None,
        "trigger_status": "STOP_PENDING" if order.waits else "INVALID_ORDER_TYPE",
        "pending_cancel": False,
    }


def place(book: Book, _: web.Request, body: dict) -> web.Response:
    known = book.named(body["client_order_id"])
    ((word, told),) = body["order_configuration"].items()
    order = known or Standing(
        book.number(),
        body["client_order_id"],
        body["product_id"],
        body["side"],
        json.dumps(told),
        Decimal(told["base_size"]),
        told.get("limit_price", ""),
        told.get("stop_price", ""),
        word,
    )
    if known is None:
        book.place(order)
        if word == "market_market_ioc":
            book.fill(order.number)
    shown = {"order_id": order.number, "product_id": order.market, "client_order_id": order.client_id}
    return web.json_response({"success": True, "success_response": shown, "order_configuration": {word: told}})


def cancel(book: Book, _: web.Request, body: dict) -> web.Response:
    results = []
    for number in body["order_ids"]:
        order = book.orders.get(number)
        done = order is not None and order.status == "open"
        if done:
            book.cancel(number)
        why = "UNKNOWN_CANCEL_FAILURE_REASON" if done else "INVALID_CANCEL_REQUEST"
        results.append({"success": done, "failure_reason": why, "order_id": number})
    return web.json_response({"results": results})


def page(name: str, rows: list[dict], request: web.Request) -> web.Response:
    """Two rows at a time, so that nobody gets by with the first page."""
    first = int(request.query.get("cursor") or 0)
    more = first + PAGE < len(rows)
    cursor = str(first + PAGE) if more else ""
    return web.json_response({name: rows[first : first + PAGE], "cursor": cursor, "has_next": more})


def orders(book: Book, request: web.Request, _: dict) -> web.Response:
    wanted, markets = request.query.getall("order_status", []), request.query.getall("product_ids", [])
    rows = [row(order) for order in reversed(book.orders.values()) if order.market in markets]
    return page("orders", [each for each in rows if not wanted or each["status"] in wanted], request)


def one(book: Book, request: web.Request, _: dict) -> web.Response:
    order = book.orders.get(request.match_info["number"])
    if order is None:
        return web.json_response({"error": "NOT_FOUND", "message": "order not found"}, status=404)
    return web.json_response({"order": row(order)})


def fills(book: Book, request: web.Request, _: dict) -> web.Response:
    start = datetime.fromisoformat(request.query["start_sequence_timestamp"]).timestamp()
    rows = [
        {
            "entry_id": f"entry-{trade.number}",
            "trade_id": trade.number,
            "order_id": trade.order.number,
            "trade_time": moment(trade.at),
            "trade_type": "FILL",
            "price": str(trade.price),
            "size": str(trade.size),
            "commission": str(trade.price * trade.size * Decimal("0.006")),
            "product_id": trade.order.market,
            "liquidity_indicator": "TAKER" if trade.order.flags == "market_market_ioc" else "MAKER",
            "size_in_quote": False,
            "side": trade.order.side,
        }
        for trade in reversed(book.trades)
        if trade.at >= start
    ]
    return page("fills", rows, request)


def accounts(_: Book, request: web.Request, __: dict) -> web.Response:
    rows = [("BTC", "1.25", "0.25"), ("USD", "200", "50"), ("EUR", "0", "0")]
    return page(
        "accounts",
        [
            {"currency": coin, "available_balance": {"value": free}, "hold": {"value": held}}
            for coin, free, held in rows
        ],
        request,
    )


def permissions(book: Book, _: web.Request, __: dict) -> web.Response:
    may = {"can_view": True, "can_trade": "trade" in book.rights, "can_transfer": "withdraw" in book.rights}
    return web.json_response({**may, "portfolio_uuid": book.owner, "portfolio_type": "CONSUMER"})


async def server_time(request: web.Request) -> web.Response:
    now = request.app[BOOK].now
    return web.json_response({"iso": moment(now), "epochSeconds": str(int(now)), "epochMillis": str(int(now * 1000))})


async def product(request: web.Request) -> web.Response:
    if request.match_info["market"] != MARKET:
        return web.json_response({"error": "NOT_FOUND", "message": "valid product not found"}, status=404)
    filters = {"base_increment": "0.00000001", "price_increment": "0.01", "quote_increment": "0.01"}
    bounds = {"base_min_size": "0.00001", "base_max_size": "3400", "quote_min_size": "1"}
    names = {"product_id": MARKET, "base_currency_id": "BTC", "quote_currency_id": "USD", "trading_disabled": False}
    return web.json_response({**names, **filters, **bounds})


async def products(request: web.Request) -> web.Response:
    """One that is traded, one that is not, and one in a form of its own."""
    filters = {"base_increment": "0.00000001", "price_increment": "0.01", "quote_increment": "0.01"}
    bounds = {"base_min_size": "0.00001", "base_max_size": "3400", "quote_min_size": "1"}
    names = [("BTC", False), ("ETH", True)]
    rows = [
        {"product_id": f"{coin}-USD", "base_currency_id": coin, "quote_currency_id": "USD", "trading_disabled": closed}
        for coin, closed in names
    ]
    return web.json_response({"products": [*({**row, **filters, **bounds} for row in rows), {"product_id": "odd"}]})


async def candles(request: web.Request) -> web.Response:
    rows = [
        {"start": str(at), "low": low, "high": high, "open": first, "close": last, "volume": size}
        for at, first, high, low, last, size in bars(request.app[BOOK].now, SECONDS[request.query["granularity"]])
    ]
    return web.json_response({"candles": rows[::-1]})


async def ticker(request: web.Request) -> web.Response:
    last = {"trade_id": "1", "price": "100.1", "size": "1", "time": moment(BEGAN)}
    return web.json_response({"trades": [last], "best_bid": "100.1", "best_ask": "100.2"})


def app(book: Book) -> web.Application:
    root = "/api/v3/brokerage"
    return application(
        book,
        [
            web.get(f"{root}/time", server_time),
            web.get(f"{root}/market/products", products),
            web.get(f"{root}/market/products/{{market}}", product),
            web.get(f"{root}/market/products/{{market}}/candles", candles),
            web.get(f"{root}/market/products/{{market}}/ticker", ticker),
            web.post(f"{root}/orders", private(place)),
            web.post(f"{root}/orders/batch_cancel", private(cancel)),
            web.get(f"{root}/orders/historical/batch", private(orders)),
            web.get(f"{root}/orders/historical/fills", private(fills)),
            web.get(f"{root}/orders/historical/{{number}}", private(one)),
            web.get(f"{root}/accounts", private(accounts)),
            web.get(f"{root}/key_permissions", private(permissions)),
        ],
    )
