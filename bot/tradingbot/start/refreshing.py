"""What a venue tells of all its markets, asked once with public calls only."""

import aiohttp

from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.listing import Listed
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.settings import Settings
from tradingbot.start.adapters import TIMEOUT, bases_of
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.feeds import feed_of, time_source


async def listing(settings: Settings, exchange: str) -> tuple[Listed, ...]:
    """Every market that *exchange* trades now, at least one; raises VenueUnavailable."""
    places, proxy = bases_of(settings, exchange), settings.exchange.proxy
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        clock = VenueClock(session, time_source(exchange, places[0]), None, proxy)
        found = await feed_of((exchange, places), session, clock, NoMetrics(), proxy).listing()
    if not found:
        # What is not known is not nothing: a list without a market would empty what is known.
        raise VenueUnavailable(f"{exchange} names no market that is traded: try again later")
    return found
