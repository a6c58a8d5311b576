"""A fake of a real venue: it keeps its own state, fills at once, and may lose answers or kill its trader."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from trading import BTC, instrument
from tradingbot.domain.candle import Candle
from tradingbot.domain.order import Fill, OrderReport, Outcome, Unknown, VenueWrite
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.replay import ReplayClock, ReplayFeed


class Crash(BaseException):
    """The process is gone; nothing after this line happened."""


class FakeExchange(PaperVenue):
    """Matches by the contract, but on its own: the trader's *observe* does nothing, its restart forgets nothing."""

    name = "fake"

    def __init__(self, bars: Sequence[Candle], clock: ReplayClock, capital: Decimal) -> None:
        self.bars = {bar.open_time: bar for bar in bars}
        self.now = clock.now
        markets = {BTC: instrument()}
        super().__init__(markets, {"USDT": capital}, clock, self._last)
        self.sent: list[VenueWrite] = []
        self.reached = 0

    async def reach(self) -> None:
        self.reached += 1

    async def _last(self, symbol: str) -> Decimal:
        return self._account.last[symbol]

    async def send(self, write: VenueWrite) -> Outcome:
        """Orders meet the open that is due, as in lockstep."""
        self.sent.append(write)
        due = self.bars.get(self.now())
        if due is None:
            return await super().send(write)
        self._bar[BTC] = due
        self._used.setdefault(BTC, Decimal(0))
        try:
            return await super().send(write)
        finally:
            del self._bar[BTC]

    def step(self, bar: Candle) -> None:
        """The market has moved through *bar*, once."""
        if BTC in self._account.matched and bar.open_time <= self._account.matched[BTC]:
            return
        self._bar[BTC] = bar
        self._used.setdefault(BTC, Decimal(0))
        self._run(bar)
        del self._bar[BTC]
        self._used[BTC] = Decimal(0)

    def observe(self, candle: Candle) -> Iterator[None]:
        return iter(())

    def book(self) -> None:
        return None

    def restore(self, book: str | None) -> None:
        return

    @property
    def trades(self) -> list[Fill]:
        return self._account.fills

    @property
    def orders(self) -> list[Any]:
        return list(self._account.orders.values())


class FakeMarket(ReplayFeed):
    """A feed whose bars the exchange meets before the trader hears of them."""

    def __init__(self, bars: Sequence[Candle], exchange: FakeExchange, clock: ReplayClock) -> None:
        super().__init__(bars, {BTC: instrument()}, clock, clock.now())
        self._exchange = exchange

    async def history(self, symbol: str, timeframe: str, bars: int) -> tuple[Candle, ...]:
        past = await super().history(symbol, timeframe, bars)
        for bar in past:
            self._exchange.step(bar)
        return past

    async def candles(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[Candle]:
        async for bar in super().candles(symbols, timeframe):
            self._exchange.step(bar)
            yield bar


@dataclass
class Calls:
    """Counts every call that leaves the process and ends it before or after the one with number *at*."""

    at: int = -1
    after: bool = False
    made: list[str] = field(default_factory=list)

    def begin(self, name: str) -> bool:
        """True when the process ends after this call."""
        self.made.append(name)
        if len(self.made) - 1 != self.at:
            return False
        if not self.after:
            raise Crash(name)
        return True


class Watched:
    """A port whose calls are counted by *calls*; only *names* count."""

    def __init__(self, port: Any, calls: Calls, names: Sequence[str]) -> None:
        self._port, self._calls, self._names = port, calls, names

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if name not in self._names:
            return value
        return (
            self._async(name, value) if name in ("send", "order", "fills", "open_orders") else self._sync(name, value)
        )

    def _sync(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any) -> Any:
            last = self._calls.begin(name)
            result = call(*arguments)
            if last:
                raise Crash(name)
            return result

        return made

    def _async(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def made(*arguments: Any) -> Any:
            last = self._calls.begin(name)
            result = await call(*arguments)
            if last:
                raise Crash(name)
            return result

        return made


@dataclass
class Losing:
    """A venue that loses answers: of the writes numbered in *lost* it acts and says nothing, of those in *never* it
    never hears, and those in *late* reach it only *delay* later."""

    exchange: FakeExchange
    clock: ReplayClock
    lost: frozenset[int] = frozenset()
    never: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()
    delay: timedelta = timedelta(seconds=1)
    waiting: list[tuple[datetime, VenueWrite]] = field(default_factory=list)
    count: int = -1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)

    async def send(self, write: VenueWrite) -> Outcome:
        self.count += 1
        if self.count in self.never:
            return Unknown("time-out")
        if self.count in self.late:
            self.waiting.append((self.clock.now() + self.delay, write))
            return Unknown("time-out")
        outcome = await self.exchange.send(write)
        return Unknown("time-out") if self.count in self.lost else outcome

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        """What is still under way arrives as soon as its time has come."""
        due = [write for at, write in self.waiting if at <= self.clock.now()]
        self.waiting = [(at, write) for at, write in self.waiting if at > self.clock.now()]
        for write in due:
            await self.exchange.send(write)
        return await self.exchange.order(symbol, client_id)
