"""What ``atb doctor`` examines before anything is done to a bot: each check with its finding and its cure."""

import asyncio
import importlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tradingbot.cli.client import Client, accepted
from tradingbot.cli.exits import Failed
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured, VenueUnavailable
from tradingbot.settings import Settings, load_settings
from tradingbot.start.addresses import bases
from tradingbot.start.check import usable
from tradingbot.start.credentials import TokenFile, ledger_url
from tradingbot.start.environment import parse_environment

FREE_MB = 32


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; *cure* says what to do where it is not well."""

    check: str
    ok: bool
    message: str
    cure: str = ""


Check = Callable[[Settings], Finding]


def examined(before_start: bool) -> tuple[Finding, ...]:
    """Every check that can be made, in an order in which causes stand before what they cause.

    *before_start*: no trader is looked for, and a ledger in a file need not be there yet.
    """
    try:
        settings = load_settings(parse_environment().settings)
    except Misconfigured as refusal:
        return (Finding("settings", False, str(refusal), "change the field the message names"),)
    return (Finding("settings", True, f"mode {settings.mode}, {settings.exchange.name}"), *_all(settings, before_start))


def _all(settings: Settings, before_start: bool) -> Iterator[Finding]:
    checks: tuple[Check, ...] = (start, token, volume, dns, venue, clock, fresh_ledger if before_start else ledger)
    yield from (check(settings) for check in checks)
    if not before_start:
        yield from (check(settings) for check in (trader, stopping))


def start(settings: Settings) -> Finding:
    """Secrets, strategy, model and recordings are what a start would accept."""
    try:
        usable(settings)
    except Misconfigured as refusal:
        return Finding("start", False, str(refusal), "change what the message names, then look again")
    return Finding("start", True, f"strategy {settings.strategy.name} would start")


def token(settings: Settings) -> Finding:
    """Somebody can speak to the trader's API."""
    path = settings.paths.secrets / "api/token"
    if TokenFile(path).tokens():
        return Finding("token", True, f"{path} holds a token")
    return Finding("token", False, f"{path} holds no token", "mount the Secret <bot>-api there")


def volume(settings: Settings) -> Finding:
    """Halts and exits can be written down, with room to spare."""
    folder = settings.paths.data / "state"
    trial = folder / f"doctor.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_text("written by atb doctor\n")
        trial.unlink()
        free = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        return Finding("volume", False, f"{folder} cannot be written: {error.strerror}", "mend or enlarge the volume")
    if free < FREE_MB:
        return Finding("volume", False, f"{free} MB are free at {folder}", f"make room for at least {FREE_MB} MB")
    return Finding("volume", True, f"{folder} can be written, {free} MB are free")


def dns(settings: Settings) -> Finding:
    """The name of the venue, or of the proxy on the way to it, is one that this pod can look up."""
    if settings.mode == "sim":
        return Finding("dns", True, "mode sim asks no venue")
    try:
        host = urlsplit(settings.exchange.proxy or bases(settings)[0]).hostname or ""
        socket.getaddrinfo(host, None)
    except Misconfigured as refusal:
        return Finding("dns", False, str(refusal), "see check start")
    except OSError as error:
        return Finding(
            "dns", False, f"{host}: {error.strerror}", "see the pod's dnsConfig and the cluster's name service"
        )
    return Finding("dns", True, f"{host} has an address")


def venue(settings: Settings) -> Finding:
    """The venue gives candles of every market that is traded."""
    if settings.mode == "sim":
        return Finding("venue", True, "mode sim asks no venue")
    markets = settings.exchange.symbols
    try:
        for symbol in markets:
            market = (settings.exchange.name, symbol, settings.strategy.timeframe)
            asyncio.run(_adapters().newest_candles(settings, market, 1))
    except (VenueUnavailable, Misconfigured) as error:
        return Finding("venue", False, str(error), "see exchange.endpoint, the network and the venue's own status")
    return Finding("venue", True, f"{settings.exchange.name} answers for {', '.join(markets)}")


def clock(settings: Settings) -> Finding:
    """The wall clock is near enough to the venue's for an order to be taken."""
    if settings.mode == "sim":
        return Finding("clock", True, "mode sim has a clock of its own")
    try:
        doubt = asyncio.run(_adapters().clock_doubt(settings))
    except (VenueUnavailable, Misconfigured) as error:
        return Finding("clock", False, f"not measured: {error}", "see check venue")
    if doubt:
        return Finding("clock", False, doubt, "synchronise the node's clock")
    return Finding("clock", True, "it agrees with the venue's")


def ledger(settings: Settings) -> Finding:
    """The ledger can be reached, has the schema of this version, and is sound."""
    try:
        # By name, because the commands that ask the trader must not pay for loading SQL.
        found = importlib.import_module("tradingbot.ledger.audit").verify(ledger_url(settings))
    except (LedgerUnavailable, Misconfigured) as error:
        return Finding("ledger", False, str(error) or "away", "see the database, its Secret and its network")
    wrong = [f"{each.check}: {each.message}" for each in found if not each.ok]
    if wrong:
        return Finding("ledger", False, "; ".join(wrong), "halt the bot; atb db verify tells more, a backup helps")
    return Finding("ledger", True, f"{len(found)} checks are sound")


def fresh_ledger(settings: Settings) -> Finding:
    """As ``ledger``; a file that is not there yet is made by the first start."""
    if settings.database.mode == "embedded" and not settings.database.path.exists():
        return Finding("ledger", True, "the first start makes it")
    return ledger(settings)


def trader(settings: Settings) -> Finding:
    """The trader of this pod answers and is not unhealthy; halts are told, and are no illness."""
    try:
        said = Client(settings).ops("/health").body
    except Failed as failure:
        return Finding("trader", False, str(failure), "see the pod's log")
    halted = "halted, " if said.get("halted") else ""
    blocks = ", ".join(said.get("blocks") or ()) or "nothing blocks it"
    if said.get("status") == "unhealthy":
        why = f"database {said.get('database')}, exchange {said.get('exchange')}; {blocks}"
        return Finding("trader", False, f"unhealthy: {why}", "mend what is named; atb status tells more")
    return Finding("trader", True, f"{halted}{said.get('status')}: {blocks}")


def stopping(settings: Settings) -> Finding:
    """The trader can be stopped in each of three ways: flag file, annotation, HTTP; nothing is stopped to see it."""
    lacking = []
    if not os.access(settings.paths.data / "state", os.W_OK):
        lacking.append("the flag file cannot be written")
    if not os.access(settings.paths.podinfo, os.R_OK):
        lacking.append(f"annotations cannot be read at {settings.paths.podinfo}")
    try:
        accepted(Client(settings).api("/api/status"))
    except Failed as failure:
        lacking.append(f"HTTP: {failure}")
    if lacking:
        return Finding(
            "kill switch", False, "; ".join(lacking), "mend it before the bot trades: it is how it is stopped"
        )
    return Finding("kill switch", True, "flag file, annotation and HTTP are at hand")


def _adapters() -> Any:
    return importlib.import_module("tradingbot.start.adapters")
