"""Every venue behind our adapter: Binance answers as the simulator does, the others as the stubs of their REST do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exchange_simulator.server import running
from exchange_simulator.settings import Settings
from markets import DEEP_DATA
from stubs import coinbase, kraken, kucoin
from stubs.book import Book, Seen
from trading import order
from tradingbot.domain.order import Cancel, Order, OrderType, Outcome, Purpose, Side, VenueWrite
from tradingbot.venues.ccxt_venue import CcxtVenue
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.signing import Account

D = Decimal
NUMBERS = count(1)
AGENT = "tradingbot/0.1.0 pod/pod-1"
PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    .decode()
)
COINBASE_KEY = "organizations/stub/apiKeys/stub"
STUBS = {"coinbase": coinbase.app, "kraken": kraken.app, "kucoin": kucoin.app}
SYMBOLS = {"binance": "BTC/USDT", "coinbase": "BTC/USD", "kraken": "BTC/USD", "kucoin": "BTC/USDT"}
SECRETS = {"coinbase": PEM, "kraken": "c3R1Yi1zZWNyZXQ=", "kucoin": "stub-secret"}
VENUES = sorted(SYMBOLS)
# Far below the market: where a buy rests, and where a stop waits.
REST, STOP = {"binance": D(10000)}, {"binance": D(1000)}


class StubClock(VenueClock):
    """The stubs are of this machine, whose clock is theirs."""

    def __init__(self) -> None:
        super().__init__(None, "", None)


@dataclass
class Rig:
    """One venue behind our adapter; *book* is what its stub keeps, None at the simulator."""

    name: str
    venue: CcxtVenue
    clock: VenueClock
    book: Book | None = None

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.name]

    def wish(self, **changes: object) -> Order:
        made = order(symbol=self.symbol, quantity=D("0.01"), stop_price=None)
        return replace(made, **changes)

    @property
    def rest_at(self) -> Decimal:
        return REST.get(self.name, D(50))

    @property
    def stop_at(self) -> Decimal:
        return STOP.get(self.name, D(90))

    def limit(self, **changes: object) -> Order:
        return self.wish(**{"type": OrderType.LIMIT, "price": self.rest_at, **changes})

    def stop(self, **changes: object) -> Order:
        made = {"side": Side.SELL, "purpose": Purpose.STOP, "stop_price": self.stop_at, "quantity": D("0.005")}
        # Where a stop cannot become a market order, the engine asks for one with a limit.
        kind = {"type": OrderType.STOP_LIMIT, "price": D(88)} if self.name == "coinbase" else {"type": OrderType.STOP}
        return self.wish(**{**made, **kind, **changes})

    async def send(self, request: Order | Cancel, name: str = "") -> tuple[str, Outcome]:
        number, now = next(NUMBERS), self.clock.now()
        name = name or f"tstub0{number:011d}"
        write = VenueWrite(name, 1, number, request, now, now + self.venue.request_life)
        return name, await self.venue.send(write)


@contextlib.asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def account(name: str, url: str | None, **changes: Any) -> Account:
    key = COINBASE_KEY if name == "coinbase" else "stub-key"
    return Account(name, key, SECRETS[name], (SYMBOLS[name],), AGENT, url, password="stub-word", **changes)


@contextlib.asynccontextmanager
async def stubbed(name: str, book: Book) -> AsyncIterator[Rig]:
    async with served(STUBS[name](book)) as url:
        clock = StubClock()
        venue = CcxtVenue(account(name, url), clock)
        try:
            yield Rig(name, venue, clock, book)
        finally:
            await venue.close()


@contextlib.asynccontextmanager
async def simulated() -> AsyncIterator[Rig]:
    settings = Settings(port=0, data=DEEP_DATA)
    async with running(settings, time.time) as simulator, aiohttp.ClientSession() as session:
        clock = VenueClock(session, simulator.url, simulator.url)
        await clock.measure()
        key = "simulator-demo"
        venue = CcxtVenue(Account("binance", key, key, ("BTC/USDT",), AGENT, simulator.url), clock)
        try:
            yield Rig("binance", venue, clock)
        finally:
            await venue.close()


def at(name: str, act: Callable, book: Book | None = None) -> Book:
    """*act* was done at the venue *name*."""
    kept = book or Book()

    async def told() -> None:
        async with simulated() if name == "binance" else stubbed(name, kept) as rig:
            await act(rig)

    asyncio.run(asyncio.wait_for(told(), 60))
    return kept


def unsigned(seen: Seen) -> str:
    """The body without the number that counts up."""
    return seen.body.partition("&")[2] if seen.body.startswith("nonce=") else seen.body
