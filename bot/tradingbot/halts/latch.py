"""The one way in for halts, whatever they come from: journal first, then the engine."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.snapshot import Commands, Snapshot
from tradingbot.halts.journal import Journal, Record

# A disk that answers no more must not keep a halt back.
DISK_SECONDS = 1.0
Subject = TypeVar("Subject")
log = structlog.stdlib.get_logger(__name__)


class Latch:
    """The engine's Commands, with every halt synced to the state volume first (protocol 8).

    Until the engine is there it keeps the halts, and hands them over in *attach*: a bot that cannot reach its ledger
    can be halted all the same.
    """

    def __init__(self, journal: Journal, now: Callable[[], datetime], new_key: Callable[[], str]) -> None:
        self._journal = journal
        self._now = now
        self._new_key = new_key
        self._engine: Commands | None = None
        self._turn = asyncio.Lock()
        # Memory beside the disk, because a full disk must not make a halt act twice, or never.
        self._records = {record.key: record for record in journal.records()}
        self.starting = Snapshot()
        self.stopped = asyncio.Event()

    @property
    def stopping(self) -> bool:
        return self.stopped.is_set()

    async def stopped_within(self, seconds: float) -> bool:
        """True as soon as the process is to end, False after *seconds*."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopped.wait(), seconds)
        return self.stopping

    def snapshot(self) -> Snapshot:
        if self._engine:
            return self._engine.snapshot()
        return replace(self.starting, halts=tuple(_pending(record) for record in self._open()))

    async def attach(self, engine: Commands, known: frozenset[str]) -> None:
        """Every halt recorded here acts in *engine* when this returns, unless its id is *known* to it."""
        self._engine = engine
        if self.stopping:
            engine.stop()
        for record in self._open():
            if record.halt_id not in known:
                # The ledger never learnt of it, or lost it: it stands again, under a new id.
                self._records[record.key] = fresh = replace(record, halt_id=None)
                await self._act(engine, fresh)

    def detach(self, last: Snapshot) -> None:
        """The engine has ended; *last* is shown from now on."""
        self._engine, self.starting = None, last

    def stop(self) -> None:
        self.stopped.set()
        if self._engine:
            self._engine.stop()

    async def halt(self, reason: str, kind: HaltKind, source: str) -> Halt:
        return await self.record(self._new_key(), reason, kind, source)

    async def record(self, key: str, reason: str, kind: HaltKind, source: str) -> Halt:
        """The halt with the cause *key* is on the disk, if the disk takes it, and acts."""
        record = Record(key, kind, source, reason, self._now().isoformat())
        await self._keep(record)
        log.warning("Trading halted", kind=kind.value, source=source, reason=reason)
        return await self._act(self._engine, record) if self._engine else _pending(record)

    async def resume(self, halt_id: str, reason: str) -> bool:
        """The journal forgets first: a crash in between leaves the latch of the ledger, never a bot that trades."""
        record = next((record for record in self._open() if halt_id in (record.halt_id, record.key)), None)
        if record and record.source == "annotation":
            # An annotation cannot be taken back from inside the pod: that it was resumed is kept for as long as it is.
            await self._keep(replace(record, resumed=reason))
        elif record:
            await self._forget(record.key)
        cleared = await self._engine.resume(halt_id, reason) if self._engine else False
        if cleared or record:
            log.warning("Trading resumed", halt=halt_id, reason=reason)
        return cleared or record is not None

    def knows(self, key: str) -> bool:
        """True when the cause *key* was recorded, even if it has been resumed since."""
        return key in self._records

    async def forget_resumed(self, source: str, but: str | None) -> None:
        """Resumed causes of *source* other than *but* are gone, and count as new when they come again."""
        for record in tuple(self._records.values()):
            if record.source == source and record.resumed and record.key != but:
                await self._forget(record.key)

    def _open(self) -> list[Record]:
        return [record for record in self._records.values() if not record.resumed]

    async def _act(self, engine: Commands, record: Record) -> Halt:
        async with self._turn:
            acted = self._records.get(record.key, record)
            if acted.halt_id:
                return _pending(acted)
            halt = await engine.halt(record.reason, record.kind, record.source)
            if record.key in self._records:
                await self._keep(replace(record, halt_id=halt.id))
            return halt

    async def _keep(self, record: Record) -> None:
        self._records[record.key] = record
        await self._disk(self._journal.keep, record)

    async def _forget(self, key: str) -> None:
        self._records.pop(key, None)
        await self._disk(self._journal.drop, key)

    async def _disk(self, write: Callable[[Subject], None], what: Subject) -> None:
        try:
            await asyncio.wait_for(asyncio.to_thread(write, what), DISK_SECONDS)
        except (OSError, TimeoutError) as error:
            # A full or broken disk must not delay a halt; memory and the ledger's latch still hold it.
            log.warning("the state volume takes no halts", error=str(error) or type(error).__name__)


def _pending(record: Record) -> Halt:
    since = datetime.fromisoformat(record.since) if record.since else datetime.min.replace(tzinfo=UTC)
    return Halt(record.halt_id or record.key, record.kind, record.source, record.reason, since)
