"""A stub of KuCoin's REST answers: a book of orders behind its routes. It is not the venue, and matches nothing."""

import json
from decimal import Decimal

from aiohttp import web

from stubs.book import BEGAN, BOOK, Book, Standing, application, bars

MARKET = "BTC-USDT"
SECONDS = {"1min": 60, "1hour": 3600}
SIGNED = ("KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE", "KC-API-KEY-VERSION")


def told(data: object) -> web.Response:
    return web.json_response({"code": "200000", "data": data})


def refused(code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "msg": message})


NOT_THERE = ("400100", "order_not_exist_or_not_allow_to_be_cancelled")


def private(answer):
    """Answers whoever bears the key and signed the request."""

    async def behind(request: web.Request) -> web.Response:
        book = request.app[BOOK]
        if request.headers.get("KC-API-KEY") != book.key:
            return refused("400003", "KC-API-KEY not exists")
        if not all(name in request.headers for name in SIGNED):
            return refused("400005", "Invalid KC-API-SIGN")
        body = await request.text()
        return answer(book, {**request.match_info, **request.query, **(json.loads(body) if body else {})})

    return behind


def row(order: Standing) -> dict:
    """An order of the book."""
    return {
        "id": order.number,
        "symbol": order.market,
        "type": order.kind,
        "side": order.side,
        "price": order.price or "0",
        "size": str(order.size),
        "dealSize": str(order.filled),
        "clientOid": order.client_id,
        "postOnly": "post" in order.flags,
        "cancelExist": order.status == "cancelled",
        "active": order.status == "open",
        "createdAt": int(order.at * 1000),
        "lastUpdatedAt": int(order.at * 1000) + 500,
    }


def stop_row(order: Standing) -> dict:
    return {
        "id": order.number,
        "symbol": order.market,
        "status": "NEW",
        "type": order.kind,
        "side": order.side,
        "price": order.price or None,
        "size": f"{order.size:.20f}",
        "clientOid": order.client_id,
        "stop": order.flags,
        "stopPrice": order.stop,
        "createdAt": int(order.at * 1000),
    }


def waiting(book: Book, client_id: str | None = None) -> list[Standing]:
    return [order for order in book.open() if order.waits and client_id in (None, order.client_id)]


def place(book: Book, fields: dict) -> web.Response:
    kept = "post" if fields.get("postOnly") else fields.get("stop", "")
    order = Standing(
        book.number(),
        fields["clientOid"],
        fields["symbol"],
        fields["side"],
        fields["type"],
        Decimal(fields["size"]),
        fields.get("price", ""),
        fields.get("stopPrice", ""),
        kept,
    )
    book.place(order)
    return told({"orderId": order.number, "clientOid": order.client_id})


def by_client(book: Book, fields: dict) -> web.Response:
    order = book.named(fields["clientOid"])
    gone = order is None or order.waits or (order.stop and order.status == "cancelled" and not order.filled)
    return refused("126043", "Order does not exist") if gone else told(row(order))


def cancel(book: Book, fields: dict) -> web.Response:
    order = book.named(fields["clientOid"])
    if order is None or order.waits or order.status != "open":
        return refused(*NOT_THERE)
    book.cancel(order.number)
    return told({"clientOid": order.client_id})


def cancel_stop(book: Book, fields: dict) -> web.Response:
    found = waiting(book, fields["clientOid"])
    if not found:
        return refused(*NOT_THERE)
    book.cancel(found[0].number)
    found[0].waits = False
    return told({"cancelledOrderId": found[0].number, "clientOid": found[0].client_id})


def stops(book: Book, fields: dict) -> web.Response:
    rows = [stop_row(order) for order in waiting(book)]
    size, page = int(fields["pageSize"]), int(fields["currentPage"])
    pages = -(-len(rows) // size)
    shown = rows[(page - 1) * size : page * size]
    return told({"currentPage": page, "pageSize": size, "totalNum": len(rows), "totalPage": pages, "items": shown})


def fills(book: Book, fields: dict) -> web.Response:
    begin, end, after = int(fields["startAt"]), int(fields["endAt"]), fields.get("lastId")
    rows = [
        {
            "id": n,
            "symbol": trade.order.market,
            "tradeId": n + 7000,
            "orderId": trade.order.number,
            "side": trade.order.side,
            "liquidity": "maker" if trade.order.kind == "limit" else "taker",
            "price": str(trade.price),
            "size": str(trade.size),
            "fee": str(trade.price * trade.size * Decimal("0.001")),
            "feeCurrency": "USDT",
            "createdAt": int(trade.at * 1000),
        }
        for n, trade in enumerate(book.trades, 1)
        if begin <= trade.at * 1000 < end
    ]
    rows = [each for each in reversed(rows) if after is None or each["id"] < int(after)][: int(fields["limit"])]
    return told({"items": rows, "lastId": rows[-1]["id"] if rows else 0})


def key_info(book: Book, _: dict) -> web.Response:
    words = {"trade": "Spot", "withdraw": "Withdrawal"}
    permission = ",".join(["General", *(words[right] for right in book.rights)])
    return told({"remark": "stub", "apiKey": book.key, "apiVersion": 3, "permission": permission, "uid": book.owner})


def accounts(book: Book, _: dict) -> web.Response:
    rows = [("main", "BTC", "9"), ("trade", "BTC", "1.5"), ("trade", "USDT", "250")]
    return told([{"type": kind, "currency": coin, "balance": amount} for kind, coin, amount in rows])


async def server_time(request: web.Request) -> web.Response:
    return told(int(request.app[BOOK].now * 1000))


async def symbol(request: web.Request) -> web.Response:
    if request.match_info["market"] != MARKET:
        return refused("900001", "symbol not exists")
    filters = {"baseMinSize": "0.00001", "baseMaxSize": "10000", "baseIncrement": "0.00000001"}
    prices = {"priceIncrement": "0.1", "minFunds": "0.1", "quoteIncrement": "0.000001"}
    names = {"symbol": MARKET, "baseCurrency": "BTC", "quoteCurrency": "USDT", "enableTrading": True}
    return told({**names, **filters, **prices})


async def symbols(_: web.Request) -> web.Response:
    """One that is traded, one that is not, and one in a form of its own."""
    filters = {"baseMinSize": "0.00001", "baseMaxSize": "10000", "baseIncrement": "0.00000001"}
    prices = {"priceIncrement": "0.1", "minFunds": "0.1", "quoteIncrement": "0.000001"}
    fees = {"feeCategory": 2, "makerFeeCoefficient": "0.80", "takerFeeCoefficient": "1.00"}
    names = [("BTC", True), ("ETH", False)]
    rows = [{"baseCurrency": coin, "quoteCurrency": "USDT", "enableTrading": open_} for coin, open_ in names]
    return told([*({**row, **filters, **prices, **fees} for row in rows), {"symbol": "odd"}])


async def candles(request: web.Request) -> web.Response:
    told_bars = bars(request.app[BOOK].now, SECONDS[request.query["type"]])
    rows = [(str(at), first, last, high, low, size, "1") for at, first, high, low, last, size in told_bars]
    return told(rows[::-1])


async def ticker(request: web.Request) -> web.Response:
    return told({"time": int(BEGAN * 1000), "price": "100.1", "bestBid": "100.1", "bestAsk": "100.2"})


def app(book: Book) -> web.Application:
    return application(
        book,
        [
            web.get("/api/v1/timestamp", server_time),
            web.get("/api/v2/symbols", symbols),
            web.get("/api/v2/symbols/{market}", symbol),
            web.get("/api/v1/market/candles", candles),
            web.get("/api/v1/market/orderbook/level1", ticker),
            web.post("/api/v1/hf/orders", private(place)),
            web.post("/api/v1/stop-order", private(place)),
            web.get("/api/v1/hf/orders/client-order/{clientOid}", private(by_client)),
            web.delete("/api/v1/hf/orders/client-order/{clientOid}", private(cancel)),
            web.get("/api/v1/hf/orders/active", private(lambda book, _: told(in_book(book)))),
            web.get(
                "/api/v1/hf/orders/{orderId}", private(lambda book, fields: told(row(book.orders[fields["orderId"]])))
            ),
            web.get("/api/v1/hf/fills", private(fills)),
            web.get("/api/v1/stop-order/queryOrderByClientOid", private(stop_by_client)),
            web.delete("/api/v1/stop-order/cancelOrderByClientOid", private(cancel_stop)),
            web.get("/api/v1/stop-order", private(stops)),
            web.get("/api/v1/accounts", private(accounts)),
            web.get("/api/v1/user/api-key", private(key_info)),
        ],
    )


def in_book(book: Book) -> list[dict]:
    return [row(order) for order in book.open() if not order.waits]


def stop_by_client(book: Book, fields: dict) -> web.Response:
    return told([stop_row(order) for order in waiting(book, fields["clientOid"])])
