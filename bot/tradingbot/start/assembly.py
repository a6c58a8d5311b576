"""From settings to a running engine: the adapters of the mode, the ledger, the strategy, the limits."""

import asyncio
import contextlib
import secrets as randomness
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import structlog

from tradingbot.domain.errors import LedgerUnavailable, Misconfigured, UnknownState, VenueUnavailable
from tradingbot.domain.halt import switched
from tradingbot.domain.ports import LeaseWatch
from tradingbot.domain.snapshot import EngineState
from tradingbot.engine import Engine
from tradingbot.execution.journal import ExitJournal
from tradingbot.halts.latch import Latch
from tradingbot.ledger import Book, Owner, SqlLedger, open_ledger, open_reader
from tradingbot.ledger.audit import integrity
from tradingbot.ledger.connect import connect
from tradingbot.ledger.open import bring_to_schema as to_schema
from tradingbot.ledger.open import schema
from tradingbot.ledger.tables import HEAD
from tradingbot.ledger.watch import open_watch
from tradingbot.parts import EngineSettings, Parts
from tradingbot.risk.limits import RiskLimits
from tradingbot.settings import Settings
from tradingbot.start.across import Across, there
from tradingbot.start.adapters import MEBIBYTE, Adapters, open_adapters
from tradingbot.start.around import Around
from tradingbot.start.credentials import ledger_url
from tradingbot.start.days import closings, day_starts
from tradingbot.start.deciding import others_from, strategy_from
from tradingbot.start.garbage import loaded
from tradingbot.start.grants import OperatorGrants
from tradingbot.start.integrity import watch_integrity
from tradingbot.start.keys import watch_key
from tradingbot.start.memory import watch_memory
from tradingbot.start.statefile import keep, path_of, take_over
from tradingbot.strategy.registry import Strategy
from tradingbot.trading import FEED_ENDED

AGAIN_SECONDS = 1.0
BEAT_SECONDS = 1.0
TURN = timedelta(seconds=1)
INVENTED = "prices are invented (simulation-mode); disable it before orders may follow them"
log = structlog.stdlib.get_logger(__name__)
Opened = TypeVar("Opened")


async def run(around: Around) -> str:
    """Trades until told to stop, and tells why it ended; venue and ledger are closed when it returns."""
    beating = asyncio.create_task(_beat(around.latch))
    try:
        return await _opened(around)
    finally:
        beating.cancel()


async def _beat(latch: Latch) -> None:
    """Until the engine turns, the trader is alive when its loop is: an absent ledger must not restart a pod."""
    while True:
        latch.starting = replace(latch.starting, heartbeat=time.monotonic())
        await asyncio.sleep(BEAT_SECONDS)


async def _opened(around: Around) -> str:
    strategy = strategy_from(around.settings)
    # The schema takes as long as the venue: both at once. What goes wrong here goes wrong again where it is awaited.
    ahead = asyncio.create_task(asyncio.to_thread(bring_to_schema, ledger_url(around.settings)))
    adapters = await _until_opened(around, lambda: open_adapters(around))
    if adapters is None:
        return "stopped before the venue was reached"
    around.desk.invention = adapters.invention
    log.info("Venue reached", venue=adapters.venue.name, account=adapters.venue.account)
    try:
        await asyncio.wait({ahead})
        ledger = await _until_opened(around, lambda: asyncio.to_thread(open_book, around, adapters))
        if ledger is None:
            return "stopped before the ledger was reached"
        off = switched_off(ledger)
        for name in around.desk.identity.strategies:
            log.info("Ledger opened", ledger_id=ledger.ledger_id, strategy=name, enabled=name not in off)
        try:
            return await _trade(around, strategy, adapters, ledger)
        finally:
            ledger.close()
    finally:
        await adapters.close()


async def _trade(around: Around, strategy: Strategy, adapters: Adapters, ledger: SqlLedger) -> str:
    url = ledger_url(around.settings)
    watch = open_watch(url)
    take_over(path_of(around.settings.paths.data), adapters.breakers)
    engine = Engine(engine_parts(around, strategy, adapters, (ledger, watch)))
    around.desk.ledger = reader = await asyncio.to_thread(open_reader, url)
    soft = around.settings.engine.soft_memory_limit_mb * MEBIBYTE
    watching = [
        asyncio.create_task(watch_memory(soft, (engine.shrink, adapters.shrink), around.metrics)),
        asyncio.create_task(watch_key(around, adapters.venue)),
        asyncio.create_task(keep(around)),
        asyncio.create_task(watch_integrity(around, lambda: integrity(url), around.settings.reconcile.interval)),
    ]
    try:
        commands = Across(engine, asyncio.get_running_loop())
        await there(around.front, around.latch.attach(commands))
        loaded()
        reason = await engine.run()
        if not around.latch.stopping and reason == FEED_ENDED:
            log.info("Recording ended; serving its result until stopped")
            around.latch.detach(replace(engine.snapshot(), state=EngineState.STANDBY))
            while not await around.latch.stopped_within(AGAIN_SECONDS):
                continue
        return reason
    finally:
        for each in watching:
            each.cancel()
        around.desk.ledger = None
        reader.close()
        watch.close()


async def _until_opened(around: Around, opening: Callable[[], Awaitable[Opened]]) -> Opened | None:
    """What *opening* gives as soon as it can be had; None when the process is to end before that."""
    while not around.latch.stopping:
        try:
            return await opening()
        except LedgerUnavailable as away:
            around.latch.starting = replace(around.latch.starting, database=str(away) or "away")
        except VenueUnavailable as away:
            around.latch.starting = replace(around.latch.starting, exchange=str(away) or "away")
        log.warning(
            "Waiting to start", database=around.latch.starting.database, exchange=around.latch.starting.exchange
        )
        await around.latch.stopped_within(AGAIN_SECONDS)
    return None


def bring_to_schema(url: str) -> None:
    """The ledger has the newest schema, or what keeps it from that will be told by whoever opens it."""
    with contextlib.suppress(LedgerUnavailable, Misconfigured):
        engine = connect(url)
        try:
            to_schema(url, engine)
        finally:
            engine.dispose()


def open_book(around: Around, adapters: Adapters) -> SqlLedger:
    settings = around.settings
    owner = Owner(settings.bot.cluster, settings.bot.namespace, settings.bot.name)
    mode = "sandbox" if settings.exchange.sandbox else settings.mode
    book = Book(mode, adapters.venue.name, adapters.venue.account)
    ledger = open_ledger(ledger_url(settings), owner, book, around.instance.colour, randomness.randbelow)
    ledger.remember(settings.paths.data / "state")
    return ledger


def switched_off(ledger: SqlLedger) -> frozenset[str | None]:
    """The strategies that a person has switched off, as far as the ledger tells now; the engine reads them itself."""
    with contextlib.suppress(LedgerUnavailable, UnknownState):
        return frozenset(switched(halt.id) for halt in ledger.halts())
    return frozenset()


def watched_for(settings: Settings) -> timedelta:
    """How long a bot that crashed is watched, in venue time; an hour where it trades money and nobody said."""
    asked, usual = settings.recovery.observe_minutes, 60 if settings.mode == "live" else 0
    return timedelta(minutes=usual if asked is None else asked)


def limits_of(settings: Settings) -> RiskLimits:
    return RiskLimits(
        **settings.risk.model_dump(),
        recovery_percent=settings.recovery.size_percent,
        max_signals_per_second=settings.engine.max_signals_per_sec,
        filters_last=timedelta(days=settings.data.filters_max_age_days),
    )


def engine_parts(around: Around, strategy: Strategy, adapters: Adapters, books: tuple[SqlLedger, LeaseWatch]) -> Parts:
    settings, (ledger, watch) = around.settings, books
    return Parts(
        settings=EngineSettings(
            symbols=settings.exchange.symbols,
            timeframe=settings.strategy.timeframe,
            capital=settings.capital.initial,
            currency=settings.currency,
            warmup_bars=settings.engine.warmup_bars,
            most_bars=settings.engine.max_bars_in_memory,
            check_interval=settings.engine.check_interval,
            turn=None if adapters.finite else TURN,
            schema=(HEAD, schema(ledger.engine) or ""),
            shared=settings.exchange.shared,
            foreign=settings.reconcile.foreign_orders,
            observed=watched_for(settings),
            reconciled=settings.reconcile.interval,
        ),
        instance=around.instance,
        feed=adapters.feed,
        venue=adapters.venue,
        ledger=ledger,
        clock=adapters.clock,
        metrics=around.metrics,
        strategy=strategy,
        others=others_from(settings),
        limits=limits_of(settings),
        day_start=day_starts(settings.trading_day.reset, settings.trading_day.timezone),
        closed=closings(settings.trading_day),
        new_id=lambda: f"h{randomness.token_hex(4)}",
        watch=watch,
        invented=lambda: INVENTED if settings.sends_orders and adapters.invention and adapters.invention.on else None,
        heard=around.desk.market.tell,
        breakers=adapters.breakers,
        pacing=around.desk.pacing,
        grants=OperatorGrants(settings, around.secrets.api),
        journal=ExitJournal(settings.paths.data / "state" / "exits.jsonl", around.instance.colour),
    )
