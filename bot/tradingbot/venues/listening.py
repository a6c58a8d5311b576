"""How public requests went, told to the breaker of market data: everything that one session asks."""

import asyncio
from types import SimpleNamespace

import aiohttp

from tradingbot.breakers import Breakers
from tradingbot.domain.breaker import Operation
from tradingbot.venues.consequence import TOO_MANY
from tradingbot.venues.failures import SHUT_OUT, Failure
from tradingbot.venues.invented import Invention


def market_trace(breakers: Breakers, invention: Invention) -> aiohttp.TraceConfig:
    """For a session: its answers and failures are counted, none is refused or changed.

    While prices are invented a market that is away keeps nothing back.
    """

    async def answered(_: aiohttp.ClientSession, __: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
        status = end.response.status
        if invention.on:
            return
        if status >= 500 or status in TOO_MANY:
            breakers.failed(Operation.MARKET, f"{end.url.path} answered {status}", _kind(status))
        else:
            breakers.succeeded(Operation.MARKET)

    async def failed(_: aiohttp.ClientSession, __: SimpleNamespace, end: aiohttp.TraceRequestExceptionParams) -> None:
        # Whoever gave up waiting by itself has learned nothing of the venue.
        if not (invention.on or isinstance(end.exception, asyncio.CancelledError)):
            said = f"{type(end.exception).__name__} {end.exception}".strip()
            breakers.failed(Operation.MARKET, f"{end.url.path}: {said}", Failure.NETWORK)

    made = aiohttp.TraceConfig()
    made.on_request_end.append(answered)
    made.on_request_exception.append(failed)
    return made


def _kind(status: int) -> Failure:
    if status in TOO_MANY:
        return Failure.BANNED if status == SHUT_OUT else Failure.RATE_LIMIT
    return Failure.AWAY
