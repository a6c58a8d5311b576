"""What the stubs of venues keep: orders, trades and the very bytes they were sent. A stub matches nothing by itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from aiohttp import web

BEGAN = 1_700_000_000.0
ZERO = Decimal(0)


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    query: str
    body: str
    headers: dict[str, str]


@dataclass
class Standing:
    """An order in the venue's own words; it *waits* for the price *stop* before anything else happens to it."""

    number: str
    client_id: str
    market: str
    side: str
    kind: str
    size: Decimal
    price: str = ""
    stop: str = ""
    flags: str = ""
    status: str = "open"
    filled: Decimal = ZERO
    at: float = 0.0
    waits: bool = False


@dataclass(frozen=True)
class Trade:
    number: str
    order: Standing
    size: Decimal
    price: Decimal
    at: float


@dataclass
class Book:
    """The account of one key at one venue. *wrong* are answers that are given instead, once each, by path.

    Trades are a second apart from *began* on, or when they happen.
    """

    key: str = "stub-key"
    price: Decimal = Decimal(100)
    began: int | None = None
    clock: Callable[[], float] = time.time
    rights: tuple[str, ...] = ("trade",)
    owner: str = "owner-1"
    orders: dict[str, Standing] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    wrong: dict[str, tuple[int, object]] = field(default_factory=dict)

    def place(self, order: Standing) -> Standing:
        """*order* stands; one that takes at once is filled where the price is."""
        self.orders[order.number] = order
        order.waits, order.at = bool(order.stop), self.began or self.now
        if order.kind == "market" and not order.waits:
            self.fill(order.number)
        return order

    @property
    def now(self) -> float:
        """The venue's time."""
        return self.clock()

    def number(self) -> str:
        return f"OSTUB-{len(self.orders) + 1:05d}"

    def named(self, client_id: str) -> Standing | None:
        return next((order for order in self.orders.values() if order.client_id == client_id), None)

    def open(self) -> list[Standing]:
        return [order for order in self.orders.values() if order.status == "open"]

    def fill(self, number: str, size: Decimal | None = None) -> None:
        """*size* more of the order, or all of it, was executed; its stop has been met with that."""
        order = self.orders[number]
        size = order.size - order.filled if size is None else size
        order.filled += size
        order.waits = False
        order.status = "filled" if order.filled == order.size else "open"
        made = len(self.trades) + 1
        self.trades.append(
            Trade(f"TSTUB-{made:05d}", order, size, self.price, self.began + made if self.began else self.now)
        )

    def cancel(self, number: str) -> None:
        self.orders[number].status = "cancelled"


def bars(now: float, seconds: int) -> list[tuple[int, str, str, str, str, str]]:
    """The newest three bars of that length, the last of which runs: open time, open, high, low, close, volume."""
    running = int(now) // seconds * seconds
    return [
        (running - (2 - n) * seconds, f"{100 + n}.0", f"{102 + n}.0", f"{99 + n}.0", f"{101 + n}.0", "1.25")
        for n in range(3)
    ]


@web.middleware
async def recorded(request: web.Request, handler) -> web.StreamResponse:
    """Each request is kept before it is answered, and an answer that was prepared for its path comes first."""
    book = request.app[BOOK]
    path = request.path
    book.seen.append(Seen(request.method, path, request.query_string, await request.text(), dict(request.headers)))
    if path in book.wrong:
        status, body = book.wrong.pop(path)
        return web.json_response(body, status=status)
    return await handler(request)


BOOK = web.AppKey("book", Book)


def application(book: Book, routes: list[web.RouteDef]) -> web.Application:
    app = web.Application(middlewares=[recorded])
    app[BOOK] = book
    app.add_routes(routes)
    return app
