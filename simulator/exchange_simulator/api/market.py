"""Public market data over REST."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

from exchange_simulator import desk
from exchange_simulator.api.house import HOUSE, House, answer
from exchange_simulator.dialect import info
from exchange_simulator.dialect import market as wire
from exchange_simulator.dialect.amounts import text
from exchange_simulator.dialect.read import BadParameter, Parameters, required, symbol, whole
from exchange_simulator.domain.bar import TIMEFRAMES
from exchange_simulator.domain.numbers import truncated
from exchange_simulator.market.candles import Window

MOST_KLINES = 1000


async def ping(_: web.Request) -> web.Response:
    return answer({})


async def time(request: web.Request) -> web.Response:
    return answer({"serverTime": request.app[HOUSE].venue_ms()})


def wanted(request: web.Request) -> list[str]:
    """The symbols a request names by `symbol` or `symbols`, else all."""
    known = request.app[HOUSE].exchange.pits
    if "symbol" in request.query:
        return [symbol(request.query, known)]
    if "symbols" in request.query:
        return [symbol({"symbol": str(name)}, known) for name in listed(request.query["symbols"])]
    return list(known)


def listed(names: str) -> list[Any]:
    try:
        found = json.loads(names)
    except ValueError as error:
        raise BadParameter(-1100, "Illegal characters found in parameter 'symbols'.") from error
    return found if isinstance(found, list) else [found]


async def exchange_info(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    pits, limits = house.exchange.pits, house.rates.limits
    symbols = [info.symbol(pits[name].rules, halted=pits[name].halted) for name in wanted(request)]
    rows = info.limits(limits.weight, limits.orders_ten_seconds, limits.orders_day)
    return answer(info.exchange_info(symbols, rows, house.venue_ms()))


async def klines(request: web.Request) -> web.Response:
    house, query = request.app[HOUSE], request.query
    name = symbol(query, house.exchange.pits)
    length = TIMEFRAMES.get(required(query, "interval"), 0)
    if length < house.exchange.pits[name].step_ms:
        raise BadParameter(-1120, "Invalid interval.")
    limit = min(MOST_KLINES, whole(query, "limit") or 500)
    window = Window(length, limit, whole(query, "startTime"), whole(query, "endTime"))
    bars = house.exchange.candles[name].between(window, house.exchange.clock.now_ms())
    return answer([wire.kline(bar, length) for bar in bars])


def per_symbol(row: Callable[[House, str], Any]) -> Callable[[web.Request], Any]:
    """A route that answers one object for one symbol, a list for several."""

    async def route(request: web.Request) -> web.Response:
        rows = [row(request.app[HOUSE], name) for name in wanted(request)]
        return answer(rows[0] if "symbol" in request.query else rows)

    return route


def ticker(house: House, name: str) -> Any:
    now_ms = house.exchange.clock.now_ms()
    book = house.book(name)
    return wire.ticker(book, house.exchange.candles[name].last_day(now_ms), book.bid, now_ms)


def price(house: House, name: str) -> Any:
    return {"symbol": name, "price": text(house.exchange.pits[name].price(house.exchange.clock.now_ms()))}


def book_ticker(house: House, name: str) -> Any:
    return wire.book_ticker(house.book(name))


async def average_price(request: web.Request) -> web.Response:
    exchange = request.app[HOUSE].exchange
    value: Decimal = truncated(desk.average(exchange, symbol(request.query, exchange.pits)))
    return answer({"mins": 5, "price": text(value), "closeTime": exchange.clock.now_ms()})


async def depth(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    book = house.book(symbol(request.query, house.exchange.pits))
    return answer(wire.depth(book, whole(request.query, "limit") or 100))


def public_trades(write: Callable[[wire.Print], Any]) -> Callable[[web.Request], Any]:
    """A route over the tape, newest `limit` trades, oldest first."""

    async def route(request: web.Request) -> web.Response:
        house = request.app[HOUSE]
        tape = list(house.prints.get(symbol(request.query, house.exchange.pits), []))
        return answer([write(done) for done in within(tape, request.query)][-limit_of(request.query) :])

    return route


def limit_of(query: Parameters) -> int:
    return min(1000, whole(query, "limit") or 500)


def within(tape: list[wire.Print], query: Parameters) -> list[wire.Print]:
    start, end, first = whole(query, "startTime"), whole(query, "endTime"), whole(query, "fromId")
    return [
        done
        for done in tape
        if (start is None or done.time_ms >= start)
        and (end is None or done.time_ms <= end)
        and (first is None or done.trade_id >= first)
    ]


def routes() -> list[web.RouteDef]:
    """The public routes."""
    base = "/api/v3"
    handlers: dict[str, Any] = {
        "ping": ping,
        "time": time,
        "exchangeInfo": exchange_info,
        "klines": klines,
        "uiKlines": klines,
        "ticker/24hr": per_symbol(ticker),
        "ticker/price": per_symbol(price),
        "ticker/bookTicker": per_symbol(book_ticker),
        "avgPrice": average_price,
        "depth": depth,
        "trades": public_trades(wire.public_trade),
        "historicalTrades": public_trades(wire.public_trade),
        "aggTrades": public_trades(wire.aggregate_trade),
    }
    return [web.get(f"{base}/{path}", handler, allow_head=False) for path, handler in handlers.items()]
