"""``atb data prefill-cache``: the past of some markets is asked of the venue and kept beside its newest bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.settings import Settings
from tradingbot.start.adapters import TIMEOUT, bases_of, kept_bars
from tradingbot.venues.candle_files import Entry, entries
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.feeds import feed_of, time_source
from tradingbot.venues.past import pages

Market = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Symbols and lengths of bars, each with each, back to *ago*."""

    symbols: Sequence[str]
    timeframes: Sequence[str]
    ago: timedelta

    @property
    def markets(self) -> tuple[Market, ...]:
        return tuple((symbol, timeframe) for symbol in self.symbols for timeframe in self.timeframes)


async def prefilled(settings: Settings, wanted: Wanted) -> tuple[Entry, ...]:
    """What was gathered of each market, with public calls only; raises VenueUnavailable, or Misconfigured for room."""
    name, proxy = settings.archive, settings.exchange.proxy
    places = bases_of(settings, name)
    files = kept_bars(settings, (name, places[0]))
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        own = settings.exchange.endpoint if name == settings.exchange.name else None
        clock = VenueClock(session, time_source(name, places[0]), own, proxy)
        await clock.measure()
        feed = feed_of((name, places), session, clock, NoMetrics(), proxy)
        now = clock.now()
        for symbol, timeframe in wanted.markets:
            told = pages(feed, (symbol, timeframe), now - wanted.ago, now)
            if not await files.gather(symbol, timeframe, told):
                raise _no_room(settings)
    found = {
        (each.symbol, each.timeframe): each
        for each in entries(files.folder)
        if each.exchange == name and each.path.suffix == ".csv"
    }
    if any(market not in found for market in wanted.markets):
        raise _no_room(settings)
    return tuple(found[market] for market in wanted.markets)


def _no_room(settings: Settings) -> Misconfigured:
    room = settings.data.cache_mib
    return Misconfigured(
        f"data.cache_mib {room} does not hold so many bars: ask for fewer, or raise spec.data.cacheSize"
    )
