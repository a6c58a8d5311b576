"""The process: settings, ports and halts first, then the trader; on SIGTERM everything in the reverse order."""

import asyncio
import contextlib
import faulthandler
import importlib
import os
import secrets as randomness
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from tradingbot import __version__
from tradingbot.api.auditing import Audited, Trail
from tradingbot.api.desk import Desk, Identity, ShownLimits
from tradingbot.api.gauges import Gauges
from tradingbot.api.metrics import Counters, registry
from tradingbot.api.ops import ops_app
from tradingbot.api.orderly import Orderly
from tradingbot.api.rest import http_app
from tradingbot.api.serve import Counted, Server, bind, serve, server
from tradingbot.api.usage import Watched
from tradingbot.attempts import Attempts
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.lease import Instance
from tradingbot.halts.journal import Journal
from tradingbot.halts.latch import Latch
from tradingbot.halts.sources import AnnotationSource, FlagSource, Source, watch
from tradingbot.scalars import Mode
from tradingbot.settings import Settings, load_settings
from tradingbot.start import ending
from tradingbot.start.across import in_thread
from tradingbot.start.age import age_seconds
from tradingbot.start.around import Around
from tradingbot.start.bound import bound_to
from tradingbot.start.credentials import Secrets, load_secrets
from tradingbot.start.dump import dump
from tradingbot.start.ending import MISCONFIGURED, leave_word, misconfigured
from tradingbot.start.environment import Environment, parse_environment
from tradingbot.start.files import candles_folder
from tradingbot.start.levels import LevelSource
from tradingbot.start.lines import Lines
from tradingbot.start.locks import claim_pod
from tradingbot.start.logs import Redaction, configure
from tradingbot.start.outlets import Behind, Files, Outlet
from tradingbot.start.paper import PaperWatch, Words
from tradingbot.start.rotations import Rotations
from tradingbot.venues.candle_files import held

# What Kubernetes waits (60 s) less what the servers and the logs need after the engine.
GRACE_SECONDS = 50.0
STANDARD_ERROR = 2
COMPLETE, FAILED = 0, 1
MEBIBYTE = 1024 * 1024
COMMANDS: dict[str, tuple[Mode, ...]] = {"live": ("live",), "paper": ("sim", "dry-run", "paper")}

log = structlog.stdlib.get_logger("tradingbot")


@dataclass(frozen=True, slots=True)
class Start:
    """What is known before anything runs."""

    environment: Environment
    settings: Settings
    secrets: Secrets
    instance: Instance
    listeners: tuple[socket.socket, socket.socket]
    lines: Lines


def run(command: str) -> int:
    """Trades until SIGTERM; the exit code of the process."""
    # Where it stood when it was struck down is all that a library's fault leaves for a person.
    faulthandler.enable(STANDARD_ERROR, all_threads=False)
    try:
        start, lock = prepare(command)
    except Misconfigured as refusal:
        return misconfigured(command, str(refusal))
    try:
        return asyncio.run(trade(start))
    finally:
        os.close(lock)


def prepare(command: str) -> tuple[Start, int]:
    """Both ports listen, no second trader can start in this pod, and every line is logged without secrets."""
    environment = parse_environment()
    settings = load_settings(environment.settings)
    if settings.mode not in COMMANDS[command]:
        other = next(name for name, modes in COMMANDS.items() if settings.mode in modes)
        raise Misconfigured(f'mode "{settings.mode}" is not for atb {command}: run atb {other}, or write another mode')
    secrets = load_secrets(settings)
    make_folders(settings.paths.data)
    lines = configure(settings.logging.level, secrets.values(), beside=filed(settings))
    lines.colour = environment.colour
    lock = claim_pod(settings.paths.data)
    instance = Instance(environment.colour, environment.pod_uid, randomness.token_hex(4), environment.revision)
    listeners = (bind(settings.listen.http), bind(settings.listen.ops))
    return Start(environment, settings, secrets, instance, listeners, lines), lock


def filed(settings: Settings) -> tuple[Outlet, ...]:
    """The log files on the state volume, unless nobody wants them."""
    folder = settings.paths.data / "logs"
    return (Behind("files", Files(folder).write),) if settings.logging.file_sink else ()


def make_folders(data: Path) -> None:
    """The state volume has its four folders; raises Misconfigured when it cannot be written."""
    try:
        for name in ("logs", "models", "cache", "state"):
            (data / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"paths.data {data} cannot be written ({error.strerror}): mount a volume there or name another folder"
        ) from None


async def trade(start: Start) -> int:
    """Serves and trades until a signal comes or trading ends; the exit code."""
    state = start.settings.paths.data / "state"
    latch = Latch(Journal(state / "halts", start.instance.colour), wall_now, lambda: f"h{randomness.token_hex(4)}")
    latch.starting = replace(latch.starting, started_at=wall_now(), heartbeat=time.monotonic())
    start.lines.session = lambda: latch.epoch
    attempts = Attempts()
    desk = Desk(
        identity=identity(start),
        commands=latch,
        api_tokens=start.secrets.api,
        operator_tokens=start.secrets.operator,
        now=wall_now,
        monotonic=time.monotonic,
        since=time.monotonic(),
        limits=shown(start.settings),
        blocked=attempts,
        keys_loaded=int(start.secrets.exchange is not None),
        log=start.lines,
        cached=partial(held, candles_folder(start.settings.paths.data)),
    )
    trail = Trail(desk)
    counters_registry = registry(Gauges(desk))
    counters = Counters(counters_registry, desk.identity, desk.streams)
    apps = (
        Counted(Watched(Audited(Orderly(http_app(desk), desk), trail), desk.usage), counters, "http"),
        Counted(ops_app(desk, counters_registry), counters, "ops"),
    )
    servers = tuple(server(app) for app in apps)
    serving = [asyncio.create_task(serve(*pair)) for pair in zip(servers, start.listeners, strict=True)]
    sources = halting(start, latch, desk, trail, attempts)
    beside = [asyncio.create_task(watch(source)) for source in sources]
    await _answering(servers, serving)
    log.info("Listening", **start.settings.listen.model_dump(), bot=desk.identity.bot, after_seconds=age_seconds())
    around = Around(
        asyncio.get_running_loop(), start.settings, start.secrets, start.instance, latch, desk, counters, attempts
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, dumped, start.settings.paths.data)
    with signals() as stopped:
        code = await _until_over(in_thread("trader", lambda: _trader(around)), stopped, around)
    for task in beside:
        task.cancel()
    await _close(servers, serving)
    log.info("Shutdown complete", exit_code=code)
    return code


def halting(start: Start, latch: Latch, desk: Desk, trail: Trail, attempts: Attempts) -> tuple[Source, ...]:
    """What people and the bot itself may say from outside the trader, each asked in its turn."""
    state = start.settings.paths.data / "state"
    words = Words(start.settings.place, start.environment.settings, start.environment.of_money)
    return (
        FlagSource(latch, state / "halt"),
        FlagSource(latch, state / "kill_switch.flag"),
        AnnotationSource(latch, start.settings.paths.podinfo),
        LevelSource(start.lines, start.settings.paths.podinfo),
        Rotations(start.secrets.api, trail.tell),
        PaperWatch(latch, desk, words, attempts, trail.tell),
    )


def _trader(around: Around) -> str:
    # By name and in the trader's thread: the ports answer while the engine and the database library are loaded.
    reason: str = asyncio.run(importlib.import_module("tradingbot.start.assembly").run(around))
    return reason


async def _until_over(trader: "asyncio.Future[str]", stopped: asyncio.Event, around: Around) -> int:
    signalled = asyncio.create_task(stopped.wait())
    ends: set[asyncio.Future[Any]] = {trader, signalled}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    around.desk.serving = False
    if not trader.done():
        log.info("Shutting down: no new entries, settling what is in flight, protective stops stay")
        around.desk.commands.stop()
        await asyncio.wait({trader}, timeout=GRACE_SECONDS)
    signalled.cancel()
    return outcome(trader, around.secrets)


def outcome(trader: "asyncio.Future[str]", secrets: Secrets) -> int:
    """The exit code by how trading ended; what a person must change is also the process' last word."""
    if not trader.done():
        # The ledger keeps what is unsettled; the next start settles it by query.
        log.error("Shutdown did not settle everything in time", seconds=GRACE_SECONDS)
        return FAILED
    if error := trader.exception():
        if isinstance(error, Misconfigured):
            log.error(str(error))
            # Not every sentence is ours: a database may put what it was asked with into its own.
            leave_word(Redaction(secrets.values()).text(str(error)), ending.LAST_WORD)
            return MISCONFIGURED
        log.error("Trading ended by a fault", exc_info=error)
        return FAILED
    log.info("Trading ended", reason=trader.result())
    return COMPLETE


async def _answering(servers: tuple[Server, ...], serving: list["asyncio.Task[None]"]) -> None:
    while not all(each.started for each in servers) and not any(task.done() for task in serving):  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0)


async def _close(servers: tuple[Server, ...], serving: list["asyncio.Task[None]"]) -> None:
    for each in servers:
        each.should_exit = True
    await asyncio.wait(serving, timeout=5)


def identity(start: Start) -> Identity:
    settings = start.settings
    return Identity(
        bot=settings.bot.name,
        namespace=settings.bot.namespace,
        mode=settings.mode,
        book=bound_to(settings)[0],
        colour=start.instance.colour,
        revision=start.instance.revision,
        instance=start.instance.name,
        version=__version__,
        exchange=settings.exchange.name,
        symbols=settings.exchange.symbols,
        strategy=settings.strategy.name,
        others=tuple((symbol, each.name) for each in settings.strategies for symbol in each.symbols),
        embedded=settings.database.mode == "embedded",
    )


def shown(settings: Settings) -> ShownLimits:
    risk = settings.risk
    soft = settings.engine.soft_memory_limit_mb * MEBIBYTE
    return ShownLimits(risk.max_daily_loss, risk.max_daily_loss_percent, risk.max_drawdown_percent, soft)


def dumped(data: Path) -> None:
    """A dump is on the state volume, or the log says why not: the trader goes on."""
    try:
        log.info("Dump written", path=str(dump(data, wall_now())))
    except OSError as error:
        log.warning("The state volume takes no dump", error=str(error))


@contextlib.contextmanager
def signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set; a second signal changes nothing, so that settling is not cut short."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    try:
        yield stopped
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


def wall_now() -> datetime:
    return datetime.now(UTC)
