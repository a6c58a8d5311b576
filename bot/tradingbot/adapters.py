"""Feed, venue and clock by mode (design 5.1): the one place that knows what a mode means for the outside."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tradingbot.credentials import Secrets
from tradingbot.domain.candle import TIMEFRAMES
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.lease import Instance
from tradingbot.domain.ports import Clock, Feed, Venue
from tradingbot.settings import Settings
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.replay import ReplayClock, ReplayFeed, load_candles, recorded_instrument


@dataclass(frozen=True, slots=True)
class Adapters:
    """*finite* tells that the feed ends by itself."""

    feed: Feed
    venue: Venue
    clock: Clock
    finite: bool = False

    async def close(self) -> None:
        await self.feed.close()
        await self.venue.close()


async def open_adapters(settings: Settings, secrets: Secrets, instance: Instance) -> Adapters:
    """The adapters of the settings' mode; raises Misconfigured, or VenueUnavailable to be asked again."""
    if settings.mode == "sim":
        return replay_adapters(settings)
    raise Misconfigured(f'mode "{settings.mode}" is not there yet')


def replay_adapters(settings: Settings) -> Adapters:
    """The recording below ``paths.data``/cache, from its first bar after the warm-up on."""
    timeframe = settings.strategy.timeframe
    folder = settings.paths.data / "cache"
    candles = [
        candle
        for symbol in settings.exchange.symbols
        for candle in load_candles(recording(folder, symbol, timeframe), symbol, timeframe)
    ]
    first = min(candle.open_time for candle in candles)
    start = first + TIMEFRAMES[timeframe] * settings.engine.warmup_bars
    instruments = {symbol: recorded_instrument(symbol) for symbol in settings.exchange.symbols}
    clock = ReplayClock(start)
    feed = ReplayFeed(candles, instruments, clock, start)

    async def price(symbol: str) -> Decimal:
        return (await feed.quote(symbol)).ask

    venue = PaperVenue(instruments, {settings.currency: settings.capital.initial}, clock, price)
    return Adapters(feed, venue, clock, finite=True)


def recording(folder: Path, symbol: str, timeframe: str) -> Path:
    """The newest file ``<SYMBOL>-<timeframe>-*.csv``, by name."""
    name = f"{symbol.replace('/', '')}-{timeframe}-*.csv"
    found = sorted(folder.glob(name))
    if not found:
        raise Misconfigured(f'exchange.symbols "{symbol}" has no recording: put {name} into {folder}')
    return found[-1]
