"""The way to a venue, step by step: name, line, encryption, clock, key, rights. Nothing is traded on it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import aiohttp

from tradingbot.attempts import Attempts
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.settings import Settings
from tradingbot.start.adapters import TIMEOUT, account_of, bases_of
from tradingbot.start.credentials import load_secrets
from tradingbot.venues.ccxt_venue import CcxtVenue
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.feeds import time_source

PATIENCE = 5.0
RIGHTS = "rights"


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found."""

    name: str
    ok: bool
    message: str


class _Fails(Exception):
    """A step does not go further; the message says why."""


async def walked(settings: Settings, exchange: str, agent: str) -> tuple[Step, ...]:
    """Every step up to the first that fails; a key is looked at only where the mode sends orders to that venue."""
    rest = bases_of(settings, exchange)[0]
    # Behind a proxy it is the proxy that is looked up and called.
    place = urlsplit(settings.exchange.proxy or rest)
    host, secure = place.hostname or "", place.scheme == "https"
    port = place.port or (443 if secure else 80)
    steps: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("name", partial(_name, host, port)),
        ("line", partial(_line, host, port, None)),
    ]
    if secure:
        steps.append(("encryption", partial(_line, host, port, ssl.create_default_context())))
    steps.append(("clock", partial(_clock, settings, exchange, rest)))
    if settings.sends_orders and exchange == settings.exchange.name:
        steps += [("key", partial(_key, settings, rest, agent)), (RIGHTS, partial(_rights, settings, rest, agent))]
    found: list[Step] = []
    for name, step in steps:
        try:
            found.append(Step(name, True, await step()))
        except (_Fails, Misconfigured, VenueUnavailable) as error:
            return (*found, Step(name, False, str(error)))
    return tuple(found)


async def _name(host: str, port: int) -> str:
    try:
        told = await asyncio.get_running_loop().getaddrinfo(host, port)
    except OSError as error:
        raise _Fails(f"{host} is not known: {error.strerror}; see the cluster's DNS and exchange.endpoint") from error
    return f"{host} is {', '.join(sorted({str(each[4][0]) for each in told}))}"


async def _line(host: str, port: int, context: ssl.SSLContext | None) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError) as error:
        why = f"{type(error).__name__} {error}".strip()
        raise _Fails(f"no line to port {port} of {host}: {why}; see the NetworkPolicy and exchange.proxy") from error
    version = "" if context is None else str(writer.get_extra_info("ssl_object").version())
    writer.close()
    return version or f"port {port} answers"


async def _clock(settings: Settings, exchange: str, rest: str) -> str:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        clock = VenueClock(session, time_source(exchange, rest), None, settings.exchange.proxy)
        await clock.measure()
        if doubt := clock.doubt():
            raise _Fails(f"{doubt}; synchronise the node's clock")
        return f"{clock.offset.total_seconds() * 1000:.0f} ms from ours"


async def _key(settings: Settings, rest: str, agent: str) -> str:
    try:
        return f"it is of account {await _identified(settings, rest, agent)}"
    except Misconfigured:
        # It was taken; what it may do is the next step.
        return "the venue takes it"


async def _rights(settings: Settings, rest: str, agent: str) -> str:
    await _identified(settings, rest, agent)
    return "the venue names none that a trader must not have, and none that it lacks"


async def _identified(settings: Settings, rest: str, agent: str) -> str:
    """Whose the mounted key is; raises Misconfigured when it may do too much or too little."""
    keys = load_secrets(settings).exchange
    if keys is None:
        raise _Fails("no key is mounted; set exchange.credentialsSecretRef")
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        clock = VenueClock(session, time_source(settings.exchange.name, rest), None, settings.exchange.proxy)
        await clock.measure()
        venue = CcxtVenue(account_of(settings, keys, agent, Attempts()), clock)
        try:
            await venue.identify()
        finally:
            await venue.close()
        return venue.account
