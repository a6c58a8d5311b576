"""What every route shares."""

import json
from collections import deque
from collections.abc import Mapping
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
from exchange_simulator.exchange import VOLUME_SHARE, Exchange

PRINTS_KEPT = 1000


@dataclass(slots=True)
class House:
    """The exchange with its rate counters and its tape of public trades."""

    exchange: Exchange
    rates: Rates
    outage: bool = False
    prints: dict[str, deque[Print]] = field(default_factory=dict)
    update_ids: dict[str, int] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """A revealed price is on the tape."""
        if isinstance(event, PriceEvent):
            self.update_ids[event.symbol] = event.trade_id
            done = Print(event.trade_id, event.price, event.quantity, event.time_ms, event.trade_id % 2 == 0)
            self.prints.setdefault(event.symbol, deque(maxlen=PRINTS_KEPT)).append(done)

    def venue_ms(self) -> int:
        """The time the venue claims: the clock, skewed when a test asked for it."""
        fault = self.exchange.faults.find("clock_skew", "", self.exchange.wall_ms())
        skew = 0 if fault is None else int(fault.parameters.get("ms", 0))
        return self.exchange.clock.now_ms() + skew

    def book(self, symbol: str) -> Book:
        """The synthetic book of a symbol: at least a tick wide, as deep as what one account may fill."""
        pit, best = self.exchange.pits[symbol], desk.quote(self.exchange, symbol)
        depth = floored(pit.volume * VOLUME_SHARE, pit.rules.step)
        ask = max(best.ask, best.bid + pit.rules.tick)
        return Book(symbol, best.bid, ask, depth, self.update_ids.get(symbol, 1), pit.rules.tick, pit.rules.step)


HOUSE: web.AppKey[House] = web.AppKey("house", House)


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
