"""The live venue through one exchange class of ccxt, which signs and sends; what is said is read by our own dialect."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp

from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.order import (
    Accepted,
    Cancel,
    Fill,
    Order,
    OrderReport,
    Outcome,
    Purpose,
    Refused,
    Unknown,
    VenueWrite,
)
from tradingbot.domain.quota import Told, Use
from tradingbot.venues import binance
from tradingbot.venues.budget import Budget, used_weight, weight_of
from tradingbot.venues.clock import Pace, VenueClock
from tradingbot.venues.consequence import TOO_MANY, WRONG_TIME, Answered, is_unknown_order, outcome_of, retry_after
from tradingbot.venues.key import REFUSED, KeyDoubt, permitted
from tradingbot.venues.one_exchange import library_error
from tradingbot.venues.signing import Account, signing
from tradingbot.venues.user_stream import Listener, listen

SPOKEN = frozenset({"binance"})
REQUEST_LIFE = timedelta(seconds=2)
MOST_TRADES = 1000
# Seconds of ours that a read may wait for room, and a write that cancels or protects, whose time runs already.
READ_PATIENCE, URGENT_PATIENCE = 2.0, 0.5


class CcxtVenue:
    """Sends each write once, with the timestamp it was fenced with; every answer becomes one of three outcomes."""

    def __init__(self, account: Account, clock: VenueClock, budget: Budget | None = None) -> None:
        if account.exchange not in SPOKEN:
            raise Misconfigured(f"exchange.name is {account.exchange!r}; orders can be sent to {', '.join(SPOKEN)}")
        self.name = account.exchange
        self.account = ""
        self._account = account
        self._clock = clock
        self._exchange = signing(account, clock)
        self._symbols = {binance.market_id(symbol): symbol for symbol in account.symbols}
        self._names: dict[str, str] = {}
        self._open_at = 0.0
        self._key = KeyDoubt()
        self._budget = budget or Budget(None, account.exchange, clock)

    async def identify(self) -> None:
        """*account* is a fingerprint of the account itself, so that a ledger outlives a rotated key.

        Raises VenueUnavailable when the venue does not say whose the key is, and Misconfigured when it may do what
        no trader needs, or not what every one does.
        """
        if self.account:
            return
        answer, rights = await asyncio.gather(self._asked("privateGetAccount", {}), self._rights())
        if rights is not None:
            permitted(rights)
        if "uid" not in answer:
            raise VenueUnavailable("privateGetAccount: the answer names no uid, so nobody knows whose ledger this is")
        self.account = hashlib.sha256(f"{self.name}:{answer['uid']}".encode()).hexdigest()[:16]

    async def reach(self) -> None:
        at_once = len(self._account.symbols) + (0 if self.account else 2)
        pings = (self._exchange.publicGetPing() for _ in range(at_once))
        # An adoption that finds no open line opens one itself.
        await asyncio.gather(*pings, return_exceptions=True)

    async def _rights(self) -> Mapping[str, Any] | None:
        """What the key may do; None where another address than the venue's own does not say."""
        try:
            rights: Mapping[str, Any] = await self._read("sapiGetAccountApiRestrictions", {})
        except Answered as answer:
            if answer.status == 404 and self._account.endpoint is not None:
                return None
            raise VenueUnavailable(f"sapiGetAccountApiRestrictions: {answer}") from answer
        return rights

    @property
    def key_refused(self) -> str:
        return self._key.refused

    @property
    def request_life(self) -> timedelta:
        return self._clock.scaled(REQUEST_LIFE)

    @property
    def visibility(self) -> timedelta:
        """How long the venue may take to show an order it has accepted."""
        return self._clock.scaled(timedelta(seconds=3))

    async def send(self, write: VenueWrite) -> Outcome:
        window = (write.expires_at - write.timestamp) / self._clock.scaled(timedelta(milliseconds=1))
        signed = {"timestamp": binance.milliseconds(write.timestamp), "recvWindow": round(window)}
        if why := self._closed or await self._no_room(write.request):
            return Refused("RateLimited", f"not sent: {why}")
        try:
            outcome = await self._sent(write, signed)
        except Answered as answer:
            await self._heed(answer)
            return outcome_of(answer)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have left
            if isinstance(error.__cause__, aiohttp.ClientConnectorError):
                return Refused("NotConnected", str(error.__cause__))
            return Unknown(f"{type(error).__name__} {error}".strip())
        self._heard()
        return outcome

    async def _sent(self, write: VenueWrite, signed: Mapping[str, int]) -> Outcome:
        request, symbol = write.request, write.request.symbol
        if isinstance(request, Cancel):
            row = await self._exchange.privateDeleteOrder({**binance.cancel_parameters(request), **signed})
            return Accepted(binance.report(symbol, row))
        if request.replaces is None:
            fields = binance.order_parameters(request, write.client_id)
            row = await self._exchange.privatePostOrder({**fields, **signed})
        else:
            fields = binance.replace_parameters(request, write.client_id)
            row = (await self._exchange.privatePostOrderCancelReplace({**fields, **signed}))["newOrderResponse"]
        self._names[str(row["orderId"])] = write.client_id
        return Accepted(binance.report(symbol, row), binance.answered_fills(symbol, row))

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        try:
            fields = {"symbol": binance.market_id(symbol), "origClientOrderId": client_id}
            return self._known(symbol, await self._read("privateGetOrder", fields))
        except Answered as answer:
            if is_unknown_order(answer):
                return None
            raise VenueUnavailable(f"order: {answer}") from answer

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        rows = await self._asked("privateGetOpenOrders", {"symbol": binance.market_id(symbol)})
        return tuple(self._known(symbol, row) for row in rows)

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        fields: dict[str, Any] = {"symbol": binance.market_id(symbol), "limit": MOST_TRADES}
        rows = page = await self._asked("privateGetMyTrades", {**fields, "startTime": binance.milliseconds(since)})
        while len(page) == MOST_TRADES:
            page = await self._asked("privateGetMyTrades", {**fields, "fromId": int(page[-1]["id"]) + 1})
            rows = [*rows, *page]
        return tuple([binance.listed_fill(symbol, row, await self._name(symbol, row)) for row in rows])

    async def balances(self) -> Mapping[str, Decimal]:
        answer = await self._asked("privateGetAccount", {})
        return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in answer["balances"]}

    async def events(self) -> AsyncIterator[OrderReport | Fill]:
        if self._clock.pace is Pace.LOCKSTEP:
            # A stepped venue waits for its trader, who asks after every bar: events would only race with that.
            return
        account = self._account
        listener = Listener(account.key, account.secret, account.endpoint, account.agent, account.proxy, self._usable)
        async for event in listen(listener, self._clock, self._symbols):
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

    async def _name(self, symbol: str, row: Mapping[str, Any]) -> str:
        """The client id behind a trade, which only names the venue's own."""
        venue_id = str(row["orderId"])
        if venue_id not in self._names:
            fields = {"symbol": binance.market_id(symbol), "orderId": venue_id}
            self._known(symbol, await self._asked("privateGetOrder", fields))
        return self._names[venue_id]

    @property
    def _closed(self) -> str:
        """Why nothing is asked of the venue now: it has told this address to wait, and a ban grows with each call.

        A key that it refuses is no reason to go on asking either.
        """
        if self._key.refused or self._key.doubted:
            return f"the venue refuses the key{f' ({self._key.refused})' if self._key.refused else ''}"
        left = self._open_at - self._clock.monotonic()
        return f"the venue told us to wait, {left:.0f} s are left" if left > 0 else ""

    async def _no_room(self, request: Order | Cancel) -> str:
        """Why the budget of this address lets no such request through now; what protects is waited for a little."""
        urgent = isinstance(request, Cancel) or request.purpose is not Purpose.ENTRY
        use = Use(1, 0 if isinstance(request, Cancel) else 1, urgent)
        return await self._budget.room(use, URGENT_PATIENCE if urgent else 0.0)

    def _heard(self) -> None:
        """The venue's own count of what this address has used is told to whoever keeps the budget."""
        self._budget.heard(Told(200, None, used_weight(self._exchange.last_response_headers)))

    async def _heed(self, answer: Answered) -> None:
        """What an error says about the next request: wait that long, or look at the clock again."""
        if answer.status in TOO_MANY:
            left = retry_after(answer.headers)
            self._open_at = self._clock.monotonic() + left
            self._budget.heard(Told(answer.status, left))
        if answer.code in REFUSED:
            self._key.doubt(str(answer), self._refuses, self._forget)
        if answer.code == WRONG_TIME:
            with contextlib.suppress(VenueUnavailable):
                await self._clock.measure()

    async def _refuses(self) -> bool:
        """Whether the venue refuses the key for the plainest of questions; what cannot be told is no refusal."""
        signed = {"timestamp": binance.milliseconds(self._clock.now()), "recvWindow": 5000}
        try:
            await self._exchange.privateGetAccount(signed)
        except Answered as answer:
            return answer.code in REFUSED
        except (aiohttp.ClientError, TimeoutError, OSError, library_error()):
            return False
        return False

    def _forget(self) -> None:
        """This process holds no key any more."""
        self._exchange.apiKey = self._exchange.secret = ""  # nosec B105 - taken away
        self._account = replace(self._account, key="", secret="")  # nosec B106 - taken away

    def _known(self, symbol: str, row: Mapping[str, Any]) -> OrderReport:
        found = binance.report(symbol, row)
        self._names[found.venue_id] = found.client_id
        return found

    async def _asked(self, method: str, fields: Mapping[str, Any]) -> Any:
        try:
            return await self._read(method, fields)
        except Answered as answer:
            raise VenueUnavailable(f"{method}: {answer}") from answer

    async def _read(self, method: str, fields: Mapping[str, Any]) -> Any:
        signed = {"timestamp": binance.milliseconds(self._clock.now()), "recvWindow": 5000}
        usual = Use(weight_of(method), 0, urgent=False)
        if why := self._closed or await self._budget.room(usual, READ_PATIENCE):
            raise VenueUnavailable(f"{method}: {why}")
        try:
            row = await getattr(self._exchange, method)({**fields, **signed})
        except Answered as answer:
            await self._heed(answer)
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, library_error()) as error:
            raise VenueUnavailable(f"{method}: {type(error).__name__} {error}".strip()) from error
        self._heard()
        return row
