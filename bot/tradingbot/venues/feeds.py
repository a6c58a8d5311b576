"""Public data of a venue by its name: listened to where that is spoken, else asked again and again."""

import aiohttp

from tradingbot.domain.snapshot import Metrics
from tradingbot.venues.clock import TimeUrl, VenueClock
from tradingbot.venues.feed import LiveFeed
from tradingbot.venues.markets import MARKETS
from tradingbot.venues.polled import PolledFeed


def time_source(exchange: str, rest: str) -> str | TimeUrl:
    """Where *exchange*, which is at *rest*, tells its time."""
    market = MARKETS.get(exchange)
    return rest if market is None else TimeUrl(rest + market.time.path, market.time.read)


def feed_of(
    place: tuple[str, tuple[str, str]],
    session: aiohttp.ClientSession,
    clock: VenueClock,
    metrics: Metrics,
    proxy: str | None,
) -> LiveFeed | PolledFeed:
    """Public data of an exchange, by its name and its addresses (REST, stream)."""
    exchange, (rest, stream) = place
    if exchange in MARKETS:
        return PolledFeed(session, (MARKETS[exchange], rest), clock, metrics, proxy)
    return LiveFeed(session, (rest, stream), clock, metrics, proxy)
