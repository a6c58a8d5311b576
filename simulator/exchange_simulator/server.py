"""A running venue: the exchange, its doors, and the task that reveals prices as they fall due."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from random import Random  # noqa: TID251 (seeded from settings, never from the machine)
from typing import Any

from aiohttp import web

from exchange_simulator.api import account, control, door, market, streams, trading, userdata
from exchange_simulator.api.house import HOUSE, House
from exchange_simulator.api.sockets import SOCKETS, Sockets
from exchange_simulator.dialect.limits import Rates
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import Mode, VenueClock
from exchange_simulator.market.pit import Pit
from exchange_simulator.market.recording import Recording, loaded, rules_of
from exchange_simulator.matching.path import path
from exchange_simulator.settings import DEMO, Settings, accounts

# In lockstep the clock first stands this many candles into the first recording.
WARM_UP_BARS = 500
LONGEST_NAP_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Venue:
    """Where a running venue listens; the rest is for tests in the same process."""

    url: str
    exchange: Exchange
    sockets: Sockets

    @property
    def stream_url(self) -> str:
        """The base of market streams; it holds `/stream`, by which ccxt knows spot."""
        return self.url.replace("http", "ws", 1) + "/stream/ws"

    @property
    def user_url(self) -> str:
        """The WebSocket API."""
        return self.url.replace("http", "ws", 1) + "/ws-api/v3"

    def ccxt(self, key: str = DEMO, secret: str = DEMO) -> dict[str, Any]:
        """What an unmodified `ccxt.binance` or `ccxt.pro.binance` is constructed with to use this venue, spot only."""
        streams = {"spot": self.stream_url, "ws-api": {"spot": self.user_url}}
        rest = {"public": f"{self.url}/api/v3", "private": f"{self.url}/api/v3", "sapi": f"{self.url}/sapi/v1"}
        return {
            "apiKey": key,
            "secret": secret,
            "urls": {"api": {**rest, "ws": streams}},
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchMargins": False,
                "fetchCurrencies": False,
                "adjustForTimeDifference": True,
            },
        }


def exchange(settings: Settings, wall: Callable[[], float]) -> Exchange:
    """The venue of *settings*, standing at its first instant."""
    recordings = loaded(settings.data)
    clock = VenueClock.started(settings.pace, wall, settings.start_ms, first_stand(recordings))
    standing = settings.pace.mode is Mode.LOCKSTEP
    pits = {name: Pit(recording, rules_of(name), path) for name, recording in recordings.items()}
    for pit in pits.values():
        pit.set_to(clock.now_ms(), standing=standing)
    # Order ids, no secret.
    first_id = Random(settings.seed).randrange(10**9, 9 * 10**9)  # noqa: S311 # nosec B311
    made = Exchange(clock, pits, settings.fees, count(first_id))
    made.accounts = {one.key: one for one in settings.accounts or accounts(())}
    return made


def first_stand(recordings: dict[str, Recording]) -> int:
    """Where lockstep begins: some candles into the recording with the finest step."""
    finest = min(recordings.values(), key=lambda recording: (recording.step_ms, -recording.first_ms))
    return finest.first_ms + WARM_UP_BARS * finest.step_ms


def application(made: Exchange, settings: Settings) -> web.Application:
    """The doors of *made*."""
    app = web.Application(middlewares=[control.complaints, door.door])
    app[HOUSE] = House(made, Rates(settings.limits))
    app[SOCKETS] = Sockets()
    made.listeners.append(app[HOUSE].hear)
    streams.subscribe(app)
    userdata.subscribe(app)
    for part in (market, trading, account, streams, userdata, control):
        app.add_routes(part.routes())
    return app


async def drive(made: Exchange) -> None:
    """Prices are revealed as they fall due, until cancelled; in lockstep only steps reveal them."""
    while True:
        made.advance()
        due = min(pit.due_ms for pit in made.pits.values())
        await asyncio.sleep(max(0.001, min(LONGEST_NAP_SECONDS, made.clock.wall_seconds_until(due))))


@contextlib.asynccontextmanager
async def running(settings: Settings, wall: Callable[[], float]) -> AsyncIterator[Venue]:
    """A venue that listens while the context is open, and of which nothing is left afterwards."""
    made = exchange(settings, wall)
    app = application(made, settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, settings.listen, settings.port)
    await site.start()
    driver = asyncio.create_task(drive(made)) if settings.pace.mode is not Mode.LOCKSTEP else None
    port = runner.addresses[0][1]
    try:
        yield Venue(f"http://{settings.listen}:{port}", made, app[SOCKETS])
    finally:
        if driver is not None:
            driver.cancel()
        await app[SOCKETS].close()
        await runner.cleanup()
