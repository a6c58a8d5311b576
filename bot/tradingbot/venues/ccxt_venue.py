"""The live venue through one exchange class of ccxt, which signs and sends; our own dialects read what is said."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import aiohttp

from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.order import Cancel, Fill, Order, OrderReport, Outcome, Refused, Unknown, VenueWrite
from tradingbot.domain.quota import Told, Use
from tradingbot.venues import binance
from tradingbot.venues.binance_talk import BinanceTalk
from tradingbot.venues.budget import Budget, used_weight
from tradingbot.venues.clock import Pace, VenueClock
from tradingbot.venues.coinbase_talk import CoinbaseTalk
from tradingbot.venues.consequence import TOO_MANY, Answered, retry_after
from tradingbot.venues.dialect import Call, Dialect, Lost, NotConnected, Rights, Talk, readable
from tradingbot.venues.key import KeyDoubt, permitted
from tradingbot.venues.kraken_talk import KrakenTalk
from tradingbot.venues.kucoin_talk import KucoinTalk
from tradingbot.venues.one_exchange import library_error
from tradingbot.venues.signing import SIGNED_AT, Account, signing
from tradingbot.venues.user_stream import Listener, listen

T = TypeVar("T")
SPOKEN: Mapping[str, type[Dialect]] = {
    "binance": BinanceTalk,
    "coinbase": CoinbaseTalk,
    "kraken": KrakenTalk,
    "kucoin": KucoinTalk,
}
# Seconds of ours that a read may wait for room, and a write that cancels or protects, whose time runs already.
READ_PATIENCE, URGENT_PATIENCE = 2.0, 0.5
# How long an account that has placed too many orders places none, if the venue does not say.
SECONDS_OF_ORDERS = 10.0
# One question of ours never takes more of the venue's.
MOST_CALLS = 5000


class CcxtVenue:
    """Sends each write once, with the timestamp it was fenced with; every answer becomes one of three outcomes."""

    def __init__(self, account: Account, clock: VenueClock, budget: Budget | None = None) -> None:
        if account.exchange not in SPOKEN:
            raise Misconfigured(f"exchange.name is {account.exchange!r}; orders can be sent to {', '.join(SPOKEN)}")
        self.name = account.exchange
        self.account = ""
        self._account = account
        self._clock = clock
        self._dialect = SPOKEN[account.exchange]()
        self._exchange = signing(account, clock, self._dialect)
        self._lane = asyncio.Lock() if self._dialect.traits.serial else contextlib.nullcontext()
        self._open_at = 0.0
        self._orders_at = 0.0
        self._told_off = 0  # answers in a row that told us to wait
        self._key = KeyDoubt()
        self._budget = budget or Budget(None, account.exchange, clock)

    async def identify(self) -> None:
        """*account* is a fingerprint of the account itself, so that a ledger outlives a rotated key.

        Raises VenueUnavailable when the venue does not say whose the key is, and Misconfigured when it may do what
        no trader needs, or not what every one does.
        """
        if self.account:
            return
        traits = self._dialect.traits
        with readable([traits.owner]):
            if traits.rights == traits.owner:
                answer = await self._asked(traits.owner)
                rights: Rights | None = self._dialect.rights(answer)
            else:
                answer, rights = await asyncio.gather(self._asked(traits.owner), self._rights(traits.rights))
            owner = self._dialect.owner(answer)
        if rights is not None:
            permitted(rights)
        if not owner:
            raise VenueUnavailable(
                f"{traits.owner.method}: the answer names no owner, so nobody knows whose ledger this is"
            )
        self.account = hashlib.sha256(f"{self.name}:{owner}".encode()).hexdigest()[:16]

    async def reach(self) -> None:
        at_once = len(self._account.symbols) + (0 if self.account else 2)
        ping = self._dialect.traits.ping
        pings = (getattr(self._exchange, ping.method)(dict(ping.fields)) for _ in range(at_once))
        # An adoption that finds no open line opens one itself.
        await asyncio.gather(*pings, return_exceptions=True)

    async def _rights(self, call: Call) -> Rights | None:
        """What the key may do; None where another address than the venue's own does not say."""
        try:
            return self._dialect.rights(await self._read(call))
        except Answered as answer:
            if answer.status == 404 and self._account.endpoint is not None:
                return None
            raise VenueUnavailable(f"{call.method}: {answer}") from answer

    @property
    def key_refused(self) -> str:
        return self._key.refused

    @property
    def request_life(self) -> timedelta:
        return self._clock.scaled(self._dialect.traits.request_life)

    @property
    def visibility(self) -> timedelta:
        """How long the venue may take to show an order it has accepted."""
        return self._clock.scaled(self._dialect.traits.visibility)

    async def room(self, request: Order | Cancel) -> str:
        if why := self._closed or self._full(request):
            return why
        use = self._dialect.traits.writes.use(request)
        # What protects is waited for a little.
        return await self._budget.room(use, URGENT_PATIENCE if use.urgent else 0.0)

    async def send(self, write: VenueWrite) -> Outcome:
        if why := self._closed or self._full(write.request):
            return Refused("RateLimited", f"not sent: {why}")
        window = round((write.expires_at - write.timestamp) / self._clock.scaled(timedelta(milliseconds=1)))
        try:
            outcome = await self._held(self._dialect.written(write, window), self._sent)
        except Answered as answer:
            return self._dialect.judged(answer)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have left
            if isinstance(error, NotConnected):
                return Refused("NotConnected", str(error))
            return Unknown(str(error) if isinstance(error, Lost) else f"{type(error).__name__} {error}".strip())
        self._heard()
        return outcome

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        return await self._told(self._dialect.found(symbol, client_id))

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        return await self._told(self._dialect.listed(symbol))

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        return await self._told(self._dialect.filled(symbol, since, self._clock.now()))

    async def balances(self) -> Mapping[str, Decimal]:
        return await self._told(self._dialect.balances())

    async def events(self) -> AsyncIterator[OrderReport | Fill]:
        if self._clock.pace is Pace.LOCKSTEP or not self._dialect.traits.streams:
            # A stepped venue waits for its trader, who asks after every bar: events would only race with that.
            return
        account = self._account
        listener = Listener(
            key=account.key,
            secret=account.secret,
            endpoint=account.endpoint,
            agent=account.agent,
            proxy=account.proxy,
            usable=self._usable,
            attempts=account.attempts,
        )
        symbols = {binance.market_id(symbol): symbol for symbol in account.symbols}
        async for event in listen(listener, self._clock, symbols):
            yield event

    def _usable(self) -> bool:
        return not (self._key.refused or self._key.doubted)

    def observe(self, candle: Candle) -> Iterator[None]:  # noqa: ARG002 - a real venue sees the market itself
        return iter(())

    def book(self) -> None:
        return None

    def restore(self, book: str | None) -> None:  # noqa: ARG002
        return

    async def close(self) -> None:
        await self._key.close()
        await self._budget.close()
        await self._exchange.close()

    @property
    def _closed(self) -> str:
        """Why nothing is asked of the venue now: it has told this address to wait, and a ban grows with each call.

        A key that it refuses is no reason to go on asking either.
        """
        if self._key.refused or self._key.doubted:
            return f"the venue refuses the key{f' ({self._key.refused})' if self._key.refused else ''}"
        left = self._open_at - self._clock.monotonic()
        return f"the venue told us to wait, {left:.0f} s are left" if left > 0 else ""

    def _full(self, request: Order | Cancel) -> str:
        """Why the account may place nothing more now; cancels and questions are not counted as orders."""
        left = self._orders_at - self._clock.monotonic()
        if isinstance(request, Cancel) or left <= 0:
            return ""
        return f"the venue takes no more orders of this account, {left:.0f} s are left"

    def _heard(self) -> None:
        """The venue's own count of what this address has used is told to whoever keeps the budget."""
        self._told_off = 0
        self._budget.heard(Told(200, None, used_weight(self._exchange.last_response_headers)))

    async def _heed(self, answer: Answered) -> None:
        """What an error says about the next request: wait that long, or look at the clock again."""
        traits, word = self._dialect.traits, self._dialect.word(answer)
        if word in traits.too_many_orders:
            self._orders_at = self._clock.monotonic() + (retry_after(answer.headers) or SECONDS_OF_ORDERS)
        elif answer.status in TOO_MANY or word in traits.too_many:
            self._told_off += 1
            said = retry_after(answer.headers)
            left = self._account.backoff.pause(self._told_off).total_seconds() if said is None else said
            self._open_at = self._clock.monotonic() + left
            self._budget.heard(Told(429 if answer.status < 400 else answer.status, left))
        if word in traits.refused_key:
            self._key.doubt(str(answer), self._refuses, self._forget)
        if word in traits.wrong_time:
            with contextlib.suppress(VenueUnavailable):
                await self._clock.measure()

    async def _refuses(self) -> bool:
        """Whether the venue refuses the key for the plainest of questions; what cannot be told is no refusal."""
        call = self._dialect.traits.owner
        try:
            await self._through(replace(call, fields=self._dialect.signed(call.fields, self._clock.now())))
        except Answered as answer:
            return self._dialect.word(answer) in self._dialect.traits.refused_key
        except Lost:
            return False
        return False

    def _forget(self) -> None:
        """This process holds no key any more."""
        self._exchange.apiKey = self._exchange.secret = self._exchange.password = ""  # nosec B105 - taken away
        self._account = replace(self._account, key="", secret="", password="")  # nosec B106 - taken away

    async def _told(self, talk: Talk[T]) -> T:
        """What came of a conversation that only reads; raises VenueUnavailable."""
        asked: list[Call] = []

        async def read(call: Call) -> Any:
            asked[:] = [call]
            return await self._read(call)

        try:
            with readable(asked):
                return await self._held(talk, read)
        except (Answered, Lost) as error:
            raise VenueUnavailable(f"{asked[0].method}: {error}") from error

    async def _held(self, talk: Talk[T], ask: Callable[[Call], Awaitable[Any]]) -> T:
        """*talk* was held to its end: it is given every answer, and every error that an answer or a silence is."""
        say = partial(next, talk)
        for _ in range(MOST_CALLS):
            try:
                call = say()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                say = partial(talk.send, await ask(call))
            except (Answered, Lost) as error:
                say = partial(talk.throw, error)
        raise Lost("the list that the venue tells has no end")

    async def _asked(self, call: Call) -> Any:
        try:
            return await self._read(call)
        except (Answered, Lost) as error:
            raise VenueUnavailable(f"{call.method}: {error}") from error

    async def _read(self, call: Call) -> Any:
        usual = Use((self._dialect.traits.weights or {}).get(call.method, 1), 0, urgent=False)
        if why := self._closed or await self._budget.room(usual, READ_PATIENCE):
            raise VenueUnavailable(f"{call.method}: {why}")
        answer = await self._sent(replace(call, fields=self._dialect.signed(call.fields, self._clock.now())))
        self._heard()
        return answer

    async def _sent(self, call: Call) -> Any:
        """The answer to *call*, which was sent once; what an error says is heeded."""
        try:
            return await self._through(call)
        except Answered as answer:
            await self._heed(answer)
            raise

    async def _through(self, call: Call) -> Any:
        fields = {**call.fields, SIGNED_AT: call.at} if call.at else dict(call.fields)
        try:
            async with self._lane:
                return await getattr(self._exchange, call.method)(fields)
        except (aiohttp.ClientError, TimeoutError, OSError, library_error()) as error:
            if isinstance(error.__cause__, aiohttp.ClientConnectorError):
                raise NotConnected(str(error.__cause__)) from error
            raise Lost(f"{type(error).__name__} {error}".strip()) from error
