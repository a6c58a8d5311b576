"""A stub of Kraken's REST answers: a book of orders behind its routes. It is not the venue, and matches nothing."""

from decimal import Decimal
from urllib.parse import parse_qsl

from aiohttp import web

from stubs.book import BOOK, Book, Standing, application, bars

PAIR, OLD_PAIR = "XBTUSD", "XXBTZUSD"


def told(result: object) -> web.Response:
    return web.json_response({"error": [], "result": result})


def refused(*errors: str) -> web.Response:
    return web.json_response({"error": list(errors)})


def row(order: Standing) -> dict:
    """An order of any list."""
    kind, price, second = order.kind, order.stop or order.price or "0", order.price if order.stop else "0"
    status = {"open": "open", "filled": "closed", "cancelled": "canceled"}[order.status]
    shown = {
        "refid": None,
        "userref": 0,
        "cl_ord_id": order.client_id,
        "status": status,
        "opentm": order.at + 0.25,
        "descr": {"pair": order.market, "type": order.side, "ordertype": kind, "price": price, "price2": second},
        "vol": f"{order.size:.8f}",
        "vol_exec": f"{order.filled:.8f}",
        "oflags": order.flags,
    }
    return shown if status == "open" else {**shown, "closetm": order.at + 1.5}


async def private(request: web.Request) -> web.Response:
    """Every private call is a form with a nonce, and the key in its header."""
    book, fields = request.app[BOOK], dict(parse_qsl(await request.text()))
    if request.headers.get("API-Key") != book.key or "API-Sign" not in request.headers:
        return refused("EAPI:Invalid key")
    if "nonce" not in fields:
        return refused("EAPI:Invalid nonce")
    answer = ANSWERS.get(request.match_info["call"])
    return answer(book, fields) if answer else refused("EGeneral:Unknown method")


def add_order(book: Book, fields: dict[str, str]) -> web.Response:
    kind = fields["ordertype"]
    stopped = kind.startswith(("stop-loss", "take-profit"))
    order = Standing(
        book.number(),
        fields["cl_ord_id"],
        fields["pair"],
        fields["type"],
        kind,
        Decimal(fields["volume"]),
        fields.get("price2", "") if stopped else fields.get("price", ""),
        fields["price"] if stopped else "",
        fields["oflags"],
    )
    book.place(order)
    return told({"descr": {"order": f"{order.side} {order.size} {order.market} @ {kind}"}, "txid": [order.number]})


def cancel_order(book: Book, fields: dict[str, str]) -> web.Response:
    order = book.named(fields["cl_ord_id"])
    if order is None or order.status != "open":
        return refused("EOrder:Unknown order")
    book.cancel(order.number)
    return told({"count": 1})


def listed(book: Book, fields: dict[str, str], opened: bool) -> dict:
    wanted = fields.get("cl_ord_id")
    return {
        order.number: row(order)
        for order in book.orders.values()
        if (order.status == "open") is opened and wanted in (None, order.client_id)
    }


def trades(book: Book, fields: dict[str, str]) -> web.Response:
    start, offset = float(fields["start"]), int(fields["ofs"])
    rows = {
        trade.number: {
            "ordertxid": trade.order.number,
            "pair": OLD_PAIR,
            "time": trade.at,
            "type": trade.order.side,
            "ordertype": trade.order.kind,
            "price": str(trade.price),
            "cost": str(trade.price * trade.size),
            "fee": str(trade.price * trade.size * Decimal("0.004")),
            "vol": f"{trade.size:.8f}",
            "maker": trade.order.kind == "limit",
        }
        for trade in reversed(book.trades)
        if trade.at > start
    }
    return told({"trades": dict(list(rows.items())[offset : offset + 50]), "count": len(rows)})


def key_info(book: Book, _: dict[str, str]) -> web.Response:
    words = {"trade": "modify-trades", "withdraw": "withdraw-funds"}
    held = ["query-funds", "query-open-trades", *(words[right] for right in book.rights)]
    return told({"apiKeyName": "stub", "apiKey": book.key, "permissions": held, "iban": book.owner, "nonceWindow": 0})


ANSWERS = {
    "AddOrder": add_order,
    "CancelOrder": cancel_order,
    "OpenOrders": lambda book, fields: told({"open": listed(book, fields, opened=True)}),
    "ClosedOrders": lambda book, fields: told({"closed": listed(book, fields, opened=False), "count": 1}),
    "QueryOrders": lambda book, fields: told({each: row(book.orders[each]) for each in fields["txid"].split(",")}),
    "TradesHistory": trades,
    "Balance": lambda book, _: told({"XXBT": "1.50000000", "ZUSD": "250.0000", "BTC.S": "9", "USDT": "7.5"}),
    "GetApiKeyInfo": key_info,
}


async def server_time(request: web.Request) -> web.Response:
    return told({"unixtime": int(request.app[BOOK].now), "rfc1123": ""})


async def asset_pairs(request: web.Request) -> web.Response:
    """All of them tell of one that is traded, one that is not, and one in a form of its own."""
    if request.query.get("pair", PAIR) != PAIR:
        return refused("EQuery:Unknown asset pair")
    filters = {"pair_decimals": 1, "lot_decimals": 8, "tick_size": "0.1", "ordermin": "0.0001", "costmin": "0.5"}
    names = {"altname": PAIR, "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD", "status": "online"}
    if "pair" in request.query:
        return told({OLD_PAIR: {**names, **filters}})
    fees = {"fees": [[0, 0.4], [10000, 0.35]], "fees_maker": [[0, 0.25], [10000, 0.2]]}
    closed = {"wsname": "ETH/USD", "status": "delisted"}
    rows = {OLD_PAIR: {**names, **filters, **fees}, "ETHUSD": {**names, **filters, **fees, **closed}}
    return told({**rows, "ODD": {"altname": "ODD"}})


async def ohlc(request: web.Request) -> web.Response:
    told_bars = bars(request.app[BOOK].now, 60 * int(request.query["interval"]))
    rows = [[*each[:5], "100.5", each[5], 3] for each in told_bars if each[0] > int(request.query["since"])]
    return told({OLD_PAIR: rows, "last": rows[-2][0]})


async def ticker(request: web.Request) -> web.Response:
    return told({OLD_PAIR: {"a": ["100.2", "1", "1.000"], "b": ["100.1", "2", "2.000"], "c": ["100.1", "0.1"]}})


def app(book: Book) -> web.Application:
    return application(
        book,
        [
            web.get("/0/public/Time", server_time),
            web.get("/0/public/AssetPairs", asset_pairs),
            web.get("/0/public/OHLC", ohlc),
            web.get("/0/public/Ticker", ticker),
            web.post("/0/private/{call}", private),
        ],
    )
