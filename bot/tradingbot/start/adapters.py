"""Feed, venue and clock by mode (design 5.1): the one place that knows what a mode means for the outside."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import aiohttp

from tradingbot import __version__
from tradingbot.attempts import Attempts
from tradingbot.breakers import Breakers
from tradingbot.domain.backoff import Backoff
from tradingbot.domain.breaker import Operation, Rule
from tradingbot.domain.candle import TIMEFRAMES, Candle
from tradingbot.domain.clock import Tolerance
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.ports import Clock, Feed, Venue
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.settings import Settings
from tradingbot.start.addresses import BASES, bases
from tradingbot.start.around import Around
from tradingbot.start.credentials import ExchangeKeys
from tradingbot.start.files import candles_folder, recording
from tradingbot.venues.budget import Budget
from tradingbot.venues.candle_files import Bound, CandleFiles
from tradingbot.venues.clock import VenueClock, steady
from tradingbot.venues.feeds import feed_of, time_source
from tradingbot.venues.guarded import GuardedVenue, Retries
from tradingbot.venues.invented import InventedFeed, Invention
from tradingbot.venues.listening import market_trace
from tradingbot.venues.markets import ping_path
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.remembered import RememberedFeed
from tradingbot.venues.replay import ReplayClock, ReplayFeed, load_candles, recorded_instrument
from tradingbot.venues.shadow import ShadowVenue
from tradingbot.venues.signing import Account

MEBIBYTE = 1024 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)


@dataclass(frozen=True, slots=True)
class Adapters:
    """*finite* tells that the feed ends by itself; *measuring* keeps the venue's clock."""

    feed: Feed
    venue: Venue
    clock: Clock
    finite: bool = False
    measuring: "asyncio.Task[None] | None" = None
    invention: Invention | None = None
    breakers: Breakers = field(default_factory=Breakers)
    shrink: Callable[[], None] = lambda: None  # what is only remembered is let go

    async def close(self) -> None:
        if self.measuring:
            self.measuring.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.measuring
        await self.venue.close()
        await self.feed.close()


async def open_adapters(around: Around) -> Adapters:
    """The adapters of the settings' mode; raises Misconfigured, or VenueUnavailable to be asked again."""
    if around.settings.mode == "sim":
        return replay_adapters(around.settings)
    breakers, invention = breakers_of(around.settings), Invention()
    traces = [market_trace(breakers, invention)]
    session = aiohttp.ClientSession(headers={"User-Agent": agent(around)}, timeout=TIMEOUT, trace_configs=traces)
    try:
        return await live_adapters(around, session, (breakers, invention))
    except BaseException:
        await session.close()
        raise


async def live_adapters(around: Around, session: aiohttp.ClientSession, kept: tuple[Breakers, Invention]) -> Adapters:
    """Live data, and the venue of the mode; the venue's clock has been measured."""
    exchange = around.settings.exchange
    places = bases(around.settings)
    clock = VenueClock(
        session, time_source(exchange.name, places[0]), exchange.endpoint, exchange.proxy, around.metrics
    )
    said = around.settings.clock_sync
    clock.tolerance = Tolerance(said.warn_offset, said.max_offset)
    await clock.measure()
    breakers, invention = kept
    market = feed_of((exchange.name, places), session, clock, around.metrics, exchange.proxy)
    files = kept_bars(around.settings, (exchange.name, places[0]))
    remembered = RememberedFeed(market, files, clock, around.metrics)
    feed = InventedFeed(remembered, clock, invention)
    instruments = await feed.instruments(exchange.symbols)
    venue = venue_of(around, feed, clock, instruments, breakers)
    measuring = asyncio.create_task(clock.keep(said.interval))
    return Adapters(
        feed, venue, clock, measuring=measuring, invention=invention, breakers=breakers, shrink=remembered.shrink
    )


def kept_bars(settings: Settings, place: tuple[str, str]) -> CandleFiles:
    """Where bars of a venue (its name and address) are kept from one process to the next."""
    bound = Bound(settings.data.cache_mib * MEBIBYTE, settings.data.cache_ttl)
    return CandleFiles(candles_folder(settings.paths.data), place, bound)


def breakers_of(settings: Settings) -> Breakers:
    """One for each operation that the mode asks of a venue."""
    said = settings.circuit_breaker
    rule = Rule(said.failures, said.window, said.recovery_timeout)
    operations = tuple(Operation) if settings.sends_orders else (Operation.MARKET,)
    return Breakers(settings.exchange.name, operations, rule, steady())


def venue_of(
    around: Around, feed: Feed, clock: VenueClock, instruments: Mapping[str, Instrument], breakers: Breakers
) -> Venue:
    """Where orders go: nowhere, to our own account on paper, or to the venue with the mounted keys, not yet asked."""
    settings, keys = around.settings, around.secrets.exchange
    capital = {settings.currency: settings.capital.initial}
    if settings.mode == "dry-run":
        return ShadowVenue(capital)
    if not settings.sends_orders:
        return _paper(feed, clock, instruments, capital)
    if keys is None:
        raise Misconfigured('exchange.credentialsSecretRef is missing: mode "live" and sandboxes need keys')
    account = account_of(settings, keys, agent(around), around.attempts)
    retries = Retries(settings.exchange.retries, settings.exchange.timeout)
    budget = Budget(settings.operator.rate_gate, settings.exchange.name, clock)
    return GuardedVenue(account, clock, budget, breakers, retries)


def account_of(settings: Settings, keys: ExchangeKeys, agent: str, attempts: Attempts) -> Account:
    """Where and as whom the settings trade, with the mounted *keys*; without real money *attempts* at it are told."""
    return Account(
        exchange=settings.exchange.name,
        key=keys.api_key.get_secret_value(),
        secret=keys.secret.get_secret_value(),
        symbols=settings.exchange.symbols,
        agent=agent,
        endpoint=settings.exchange.endpoint,
        proxy=settings.exchange.proxy,
        password=keys.password.get_secret_value() if keys.password else "",
        timeout=settings.exchange.timeout,
        backoff=Backoff(settings.engine.backoff_base, settings.engine.backoff_max),
        attempts=None if settings.mode == "live" else attempts,
    )


async def newest_candles(settings: Settings, market: tuple[str, str, str], count: int) -> tuple[Candle, ...]:
    """The newest candles of *market* (exchange, symbol, timeframe), asked once with public calls only."""
    exchange, symbol, timeframe = market
    places = bases_of(settings, exchange)
    proxy = settings.exchange.proxy
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        clock = VenueClock(session, time_source(exchange, places[0]), None, proxy)
        feed = feed_of((exchange, places), session, clock, NoMetrics(), proxy)
        return (await feed.history(symbol, timeframe, count))[-count:]


async def pinged(settings: Settings, exchange: str) -> None:
    """*exchange* has answered a question that means nothing; raises VenueUnavailable."""
    url, proxy = f"{bases_of(settings, exchange)[0]}{ping_path(exchange)}", settings.exchange.proxy
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        try:
            async with session.get(url, proxy=proxy) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VenueUnavailable(f"{exchange} does not answer: {type(error).__name__} {error}".strip()) from error
    if status != 200:
        raise VenueUnavailable(f"{exchange} answered {status}")


def bases_of(settings: Settings, exchange: str) -> tuple[str, str]:
    """Where *exchange* is, by the settings if it is theirs."""
    if exchange not in BASES:
        raise Misconfigured(f'NAME "{exchange}" is not spoken here: write {" or ".join(BASES)}')
    return bases(settings) if exchange == settings.exchange.name else BASES[exchange]


async def clock_doubt(settings: Settings) -> str | None:
    """Why the venue's clock and ours are too far apart to trade, asked once; None when they are not."""
    exchange = settings.exchange
    source = time_source(exchange.name, bases(settings)[0])
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        clock = VenueClock(session, source, exchange.endpoint, exchange.proxy)
        await clock.measure()
        return clock.doubt()


def agent(around: Around) -> str:
    """The User-Agent by which the venue's order log tells two pods apart (contracts 5)."""
    return f"tradingbot/{__version__} pod/{around.instance.pod_uid}"


def replay_adapters(settings: Settings) -> Adapters:
    """The recording below ``paths.data``/cache, from its first bar after the warm-up on."""
    timeframe, exchange = settings.strategy.timeframe, settings.exchange
    files = {symbol: recording(settings.paths.data, symbol, timeframe, settings.archive) for symbol in exchange.symbols}
    candles = [candle for symbol, file in files.items() for candle in load_candles(file, symbol, timeframe)]
    first = min(candle.open_time for candle in candles)
    start = first + TIMEFRAMES[timeframe] * settings.engine.warmup_bars
    instruments = {symbol: recorded_instrument(symbol) for symbol in settings.exchange.symbols}
    clock = ReplayClock(start)
    feed = ReplayFeed(candles, instruments, clock, start)
    return Adapters(
        feed, _paper(feed, clock, instruments, {settings.currency: settings.capital.initial}), clock, finite=True
    )


def _paper(
    feed: Feed, clock: Clock, instruments: Mapping[str, Instrument], capital: Mapping[str, Decimal]
) -> PaperVenue:
    return PaperVenue(instruments, capital, clock, partial(due_open, feed))


async def due_open(feed: Feed, symbol: str) -> Decimal:
    """What a taker meets on paper: the bid, which at the open of a bar is that open, as parity was shown with it."""
    return (await feed.quote(symbol)).bid
