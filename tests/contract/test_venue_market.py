"""Public data of every venue that is asked again and again: filters, bars, prices and the time, in our words."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import aiohttp
import pytest

from stubs.book import Book
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.listing import Fees, Listed
from tradingbot.domain.order import OrderType
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.venues.clock import TimeUrl, VenueClock
from tradingbot.venues.feeds import feed_of, time_source
from tradingbot.venues.markets import MARKETS, ping_path
from tradingbot.venues.polled import PolledFeed
from venuerig import STUBS, SYMBOLS, D, served

# A quiet instant: 20 s into a minute, 13 min 20 s into an hour.
NOW = 1_700_000_000.0


class StreamMetrics(NoMetrics):
    """A fake of the Metrics port that keeps whether market data comes."""

    def __init__(self) -> None:
        self.streams: list[tuple[str, bool]] = []

    def stream(self, name: str, connected: bool) -> None:
        self.streams.append((name, connected))


class StillClock(VenueClock):
    """Stands where it is put; a sleep moves it on."""

    def __init__(self, at: float = NOW) -> None:
        super().__init__(None, "", None)
        self.at = datetime.fromtimestamp(at, UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, duration: timedelta) -> None:
        self.at += duration
        await asyncio.sleep(0)


def asked(name: str, act: Callable[[PolledFeed, Book, StillClock], Awaitable[None]]) -> StreamMetrics:
    """*act* was done with the public data of *name*."""
    metrics = StreamMetrics()

    async def told() -> None:
        clock, book = StillClock(), Book()
        book.clock = lambda: clock.at.timestamp()
        async with served(STUBS[name](book)) as url, aiohttp.ClientSession() as session:
            feed = feed_of((name, (url, "")), session, clock, metrics, None)
            assert isinstance(feed, PolledFeed)
            await act(feed, book, clock)

    asyncio.run(asyncio.wait_for(told(), 30))
    return metrics


FILTERS = {
    "coinbase": (D("0.01"), D("1E-8"), D("0.00001"), D(1), D(3400)),
    "kraken": (D("0.1"), D("1E-8"), D("0.0001"), D("0.5"), D("1e30")),
    "kucoin": (D("0.1"), D("1E-8"), D("0.00001"), D("0.1"), D(10000)),
}


@pytest.mark.parametrize("name", STUBS)
def test_instruments_are_read_from_the_filters(name: str) -> None:
    """Steps, smallest and largest order, and which stops there are."""

    async def act(feed: PolledFeed, *_: object) -> None:
        symbol = SYMBOLS[name]
        found = (await feed.instruments([symbol]))[symbol]
        bounds = (found.price_step, found.quantity_step, found.minimum_quantity, found.minimum_notional)
        assert (*bounds, found.maximum_quantity) == FILTERS[name]
        assert (found.base, found.quote) == tuple(symbol.split("/"))
        # Without a stop that becomes a market order the engine asks for one with a limit.
        assert (OrderType.STOP in found.order_types) is (name != "coinbase")
        assert OrderType.STOP_LIMIT in found.order_types

    asked(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_bars_are_told_oldest_first_and_the_last_runs(name: str) -> None:
    """Each number is what its venue calls so, whatever the order it tells them in."""

    async def act(feed: PolledFeed, *_: object) -> None:
        bars = await feed.history(SYMBOLS[name], "1m", 3)
        first = datetime.fromtimestamp(NOW // 60 * 60 - 120, UTC)
        assert [(bar.open_time - first) / timedelta(minutes=1) for bar in bars] == [0, 1, 2]
        assert [bar.closed for bar in bars] == [True, True, False]
        one = bars[1]
        numbers = (one.open, one.high, one.low, one.close, one.volume)
        assert numbers == (D(101), D(103), D(100), D(102), D("1.25"))

    asked(name, act)


FEES = {
    "coinbase": Fees(D("0.006"), D("0.012"), "published"),
    "kraken": Fees(D("0.0025"), D("0.004"), "venue"),
    "kucoin": Fees(D("0.0016"), D("0.002"), "published"),
}


@pytest.mark.parametrize("name", STUBS)
def test_what_is_traded_is_listed_with_its_filters_and_fees(name: str) -> None:
    """A market that is closed, or told in another form, is none of them."""

    async def act(feed: PolledFeed, *_: object) -> None:
        (only,) = await feed.listing()
        assert only == Listed((await feed.instruments([SYMBOLS[name]]))[SYMBOLS[name]], FEES[name])

    asked(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_the_past_is_asked_for_from_its_time_on(name: str) -> None:
    """No older bar than asked for, oldest first, and never more than one answer holds."""

    async def act(feed: PolledFeed, book: Book, clock: StillClock) -> None:
        since = clock.at - timedelta(days=400)
        await feed.past(SYMBOLS[name], "1h", since)
        bars = await feed.past(SYMBOLS[name], "1m", clock.at - timedelta(minutes=2))
        assert [bar.open_time for bar in bars] == sorted(bar.open_time for bar in bars)
        assert bars[-1].open_time == datetime.fromtimestamp(NOW // 60 * 60, UTC)
        first = parse_qs(book.seen[0].query)
        begins = {"coinbase": "start", "kraken": "since", "kucoin": "startAt"}[name]
        assert abs(int(first[begins][0]) - since.timestamp()) <= 1
        if name != "kraken":
            ends = {"coinbase": "end", "kucoin": "endAt"}[name]
            hours = {"coinbase": 349, "kucoin": 1499}[name]
            assert abs(int(first[ends][0]) - (since + timedelta(hours=hours)).timestamp()) <= 1
        with pytest.raises(Misconfigured, match=r'timeframe "3w" is unknown to this venue: write 1m'):
            await feed.past(SYMBOLS[name], "3w", since)

    asked(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_a_quote_is_the_price_a_taker_meets(name: str) -> None:
    async def act(feed: PolledFeed, _: Book, clock: StillClock) -> None:
        found = await feed.quote(SYMBOLS[name])
        assert (found.bid, found.ask, found.at) == (Decimal("100.1"), Decimal("100.2"), clock.at)

    asked(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_a_market_the_venue_does_not_know_is_named(name: str) -> None:
    """A person must correct it: asking again would not help."""

    async def act(feed: PolledFeed, *_: object) -> None:
        with pytest.raises(Misconfigured, match=r"exchange\.symbols names a market the venue does not know"):
            await feed.instruments(["NO/SUCH"])

    asked(name, act)


def test_a_length_of_bars_the_venue_does_not_have_is_named() -> None:
    """One sentence with what it has."""

    async def act(feed: PolledFeed, *_: object) -> None:
        with pytest.raises(
            Misconfigured, match=r'strategy\.timeframe "3m" is unknown to this venue: write 1m, 5m, 15m'
        ):
            await feed.history("BTC/USD", "3m", 3)

    asked("kraken", act)


@pytest.mark.parametrize("name", STUBS)
def test_a_bar_is_closed_when_the_next_begins_or_when_it_was_told_twice_after_its_end(name: str) -> None:
    """A running bar stays running however often it is told; once its time is over the second equal answer closes it."""

    async def act(feed: PolledFeed, book: Book, clock: StillClock) -> None:
        told: list[bool] = []
        running = datetime.fromtimestamp(NOW // 60 * 60, UTC)
        # The venue has no trade after that bar, so that no next one begins.
        book.clock = lambda: NOW
        async for bar in feed.candles([SYMBOLS[name]], "1m"):
            if bar.open_time == running:
                told.append(bar.closed)
            if len(told) == 2:
                clock.at = running + timedelta(minutes=1, milliseconds=250)
            if told and told[-1]:
                break
        assert told == [False, False, True]

    assert set(asked(name, act).streams) == {("market", True)}


def test_a_venue_that_is_away_is_asked_again() -> None:
    """The feed tells that nothing comes, and goes on when something does."""

    async def act(feed: PolledFeed, book: Book, _: StillClock) -> None:
        book.wrong["/api/v1/market/candles"] = (503, {"code": "500000", "msg": "busy"})
        with pytest.raises(VenueUnavailable, match="503 500000 busy"):
            await feed.history("BTC/USDT", "1m", 3)
        book.wrong["/api/v1/market/candles"] = (503, {"code": "500000", "msg": "busy"})
        bars = feed.candles(["BTC/USDT"], "1m")
        assert (await anext(bars)).closed is True
        await bars.aclose()

    assert asked("kucoin", act).streams == [("market", False), ("market", True)]


@pytest.mark.parametrize("name", STUBS)
def test_the_clock_follows_the_venue(name: str) -> None:
    """By each venue's own route; to half a second where whole ones are told."""

    async def told() -> None:
        book = Book()
        book.clock = lambda: NOW + 0.25
        async with served(STUBS[name](book)) as url, aiohttp.ClientSession() as session:
            clock = VenueClock(session, time_source(name, url), url)
            await clock.measure()
            off = clock.now().timestamp() - (NOW + 0.25)
            assert abs(off - (0.25 if name == "kraken" else 0.0)) < 0.2
            assert [seen.path for seen in book.seen] == ["/control/clock", *[ping_path(name)] * 3]

    asyncio.run(told())


def test_a_venue_that_tells_no_time_is_asked_again_later() -> None:
    """An answer without a time is no time."""

    async def told() -> None:
        async with served(STUBS["kucoin"](Book())) as url, aiohttp.ClientSession() as session:
            prices = TimeUrl(f"{url}/api/v1/market/orderbook/level1", MARKETS["coinbase"].time.read)
            clock = VenueClock(session, prices, None)
            with pytest.raises(VenueUnavailable, match="level1 does not tell the time"):
                await clock.measure()

    asyncio.run(told())


@pytest.mark.parametrize("body", [[], {}, {"error": 3}, {"code": "200000", "data": {"time": []}}])
def test_an_answer_of_no_form_is_asked_for_again(body: object) -> None:
    """It is named, and nothing is taken from it: neither a price, nor bars, nor the time."""

    async def act(feed: PolledFeed, book: Book, _: StillClock) -> None:
        for path, ask in (
            ("/api/v1/market/orderbook/level1", lambda: feed.quote("BTC/USDT")),
            ("/api/v1/market/candles", lambda: feed.history("BTC/USDT", "1m", 3)),
            ("/api/v2/symbols/BTC-USDT", lambda: feed.instruments(["BTC/USDT"])),
        ):
            book.wrong[path] = (200, body)
            with pytest.raises(VenueUnavailable, match=path):
                await ask()

    asked("kucoin", act)


def test_every_venue_has_its_own_address() -> None:
    assert {name: market.address for name, market in MARKETS.items()} == {
        "coinbase": "https://api.coinbase.com",
        "kraken": "https://api.kraken.com",
        "kucoin": "https://api.kucoin.com",
    }
