"""How far this ledger has come, as the simulator's own answers tell: by what is open, and by what was traded."""

import asyncio
import time
from datetime import timedelta
from decimal import Decimal

import aiohttp

from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import running
from exchange_simulator.settings import Settings
from markets import DEEP_DATA
from trading import BTC, LEDGER
from tradingbot.domain.clientid import ClientId, newest_from
from tradingbot.domain.order import Accepted, Cancel, Order, OrderType, Purpose, Side, VenueWrite
from tradingbot.venues.ccxt_venue import CcxtVenue
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.signing import Account

KEY = "simulator-demo"
D = Decimal


def test_open_orders_and_trades_carry_the_epoch_they_were_sent_under() -> None:
    """A process that knows neither order finds both epochs by them; one that was cancelled unfilled leaves no sign."""
    asyncio.run(asyncio.wait_for(told(), 30))


async def told() -> None:
    settings = Settings(port=0, pace=Pace(Mode.WALL), data=DEEP_DATA)
    async with running(settings, time.time) as simulator, aiohttp.ClientSession() as session:
        clock = VenueClock(session, simulator.url, simulator.url)
        await clock.measure()
        before, after = (CcxtVenue(account(simulator.url), clock) for _ in range(2))
        try:
            began = clock.now()
            resting = Order(BTC, Side.BUY, OrderType.LIMIT, Purpose.ENTRY, D("0.01"), D(9000))
            await sent(before, clock, 5, resting)
            await sent(before, clock, 7, Order(BTC, Side.BUY, OrderType.MARKET, Purpose.ENTRY, D("0.01")))
            gone = await sent(before, clock, 9, resting)
            await sent(before, clock, 10, Cancel(BTC, gone))
            names = [report.client_id for report in await after.open_orders(BTC)]
            assert [each.epoch for each in newest_from(names, LEDGER, 1)] == [5]
            names = [fill.client_id for fill in await after.fills(BTC, began - timedelta(seconds=1))]
            assert {each.epoch for each in newest_from(names, LEDGER, 1)} == {7}
        finally:
            await before.close()
            await after.close()


def account(url: str) -> Account:
    return Account("binance", KEY, KEY, (BTC,), "tradingbot/0.1.0 pod/pod-1", url)


async def sent(venue: CcxtVenue, clock: VenueClock, epoch: int, request: Order | Cancel) -> str:
    """The client id of *request*, which the venue has accepted."""
    now, name = clock.now(), str(ClientId(LEDGER, epoch, 1))
    outcome = await venue.send(VenueWrite(name, epoch, 1, request, now, now + venue.request_life))
    assert isinstance(outcome, Accepted), outcome
    return name
