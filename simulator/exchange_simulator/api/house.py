"""What every route shares."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from aiohttp import web

from exchange_simulator import desk
from exchange_simulator.dialect.limits import Rates
from exchange_simulator.dialect.market import Book, Print
from exchange_simulator.dialect.orders import refusal as refusal_body
from exchange_simulator.domain.events import Event, PriceEvent
from exchange_simulator.domain.numbers import floored
from exchange_simulator.domain.refusal import Refusal
from exchange_simulator.exchange import FIRST_PRINT, VOLUME_SHARE, Exchange
from exchange_simulator.market.pit import Pit

PRINTS_KEPT = 1000
BARS_REMEMBERED = 50


@dataclass(slots=True)
class House:
    """The exchange with its rate counters and its tape of public trades."""

    exchange: Exchange
    rates: Rates
    outage: bool = False
    prints: dict[str, deque[Print]] = field(default_factory=dict)
    update_ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for symbol, pit in self.exchange.pits.items():
            self.prints[symbol] = deque(remembered(pit, pit.step_ms), maxlen=PRINTS_KEPT)

    def hear(self, event: Event) -> None:
        """A revealed price is on the tape."""
        if isinstance(event, PriceEvent):
            self.update_ids[event.symbol] = event.trade_id
            done = Print(event.trade_id, event.price, event.quantity, event.time_ms, event.trade_id % 2 == 0)
            self.prints[event.symbol].append(done)

    def venue_ms(self) -> int:
        """The time the venue claims: the clock, skewed when a test asked for it."""
        fault = self.exchange.faults.find("clock_skew", "", self.exchange.wall_ms())
        skew = 0 if fault is None else int(fault.parameters.get("ms", 0))
        return self.exchange.clock.now_ms() + skew

    def book(self, symbol: str) -> Book:
        """The synthetic book of a symbol: at least a tick wide, as deep as what one account may fill."""
        pit, best = self.exchange.pits[symbol], desk.quote(self.exchange, symbol)
        depth = floored(pit.liquidity * VOLUME_SHARE, pit.rules.step)
        ask = max(best.ask, best.bid + pit.rules.tick)
        return Book(symbol, best.bid, ask, depth, self.update_ids.get(symbol, 1), pit.rules.tick, pit.rules.step)


def remembered(pit: Pit, step_ms: int) -> Iterator[Print]:
    """Public trades of the last candles, as they would have been heard."""
    for bar_number in range(-BARS_REMEMBERED, 0):
        bar = pit.bar(pit.open_ms + bar_number * step_ms)
        prices = () if bar is None else pit.path(bar)
        for index, price in enumerate(prices):
            number = FIRST_PRINT + bar_number * len(prices) + index
            part = floored(bar.volume / len(prices), pit.rules.step) if bar else price
            time_ms = pit.open_ms + bar_number * step_ms + step_ms * index // len(prices)
            yield Print(number, price, part, time_ms, number % 2 == 0)


HOUSE: web.AppKey[House] = web.AppKey("house", House)
# Venue time at which a request arrived, and which log entries are its own (first, end).
ARRIVED: web.RequestKey[int] = web.RequestKey("arrived", int)
ENTRIES: web.RequestKey[tuple[int, int]] = web.RequestKey("entries", tuple[int, int])


def exact(value: Any) -> Any:
    """Decimals as text, for JSON."""
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        text=json.dumps(body, default=exact), status=status, headers=headers, content_type="application/json"
    )


def no(refusal: Refusal) -> web.Response:
    """The venue's error answer."""
    return answer(refusal_body(refusal), refusal.status, refusal.headers)


def wall_headers(refusal: Refusal, scale: float) -> Refusal:
    """Retry-After in the caller's wall seconds."""
    after = refusal.headers.get("Retry-After")
    if after is None or scale == 1.0:
        return refusal
    return replace(refusal, headers={**refusal.headers, "Retry-After": str(max(1, round(int(after) / scale)))})
