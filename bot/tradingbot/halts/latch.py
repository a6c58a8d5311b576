"""The one way in for halts, whatever they come from: journal first, then the engine."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.halt import Halt, HaltKind, is_name_of
from tradingbot.domain.reconciliation import Reconciled, Wish
from tradingbot.domain.snapshot import Commands, EngineState, Snapshot
from tradingbot.halts.journal import Journal, Record, is_own

# A disk that answers no more must not keep a halt back, nor an engine that waits for its database the caller.
DISK_SECONDS = 1.0
ENGINE_SECONDS = 2.0
STOP_LOOK_SECONDS = 0.05
Subject = TypeVar("Subject")
log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why to halt, for as long as it lasts: *key* is its name here, *known_as* what it was called before it had one.

    What stands under the old name is not halted twice; what was resumed under it has been written anew. *halt_id* is
    the same in every process that meets the cause; None: only this one can.
    """

    key: str
    kind: HaltKind
    source: str
    reason: str
    halt_id: str | None = None
    known_as: str | None = None


class Latch:
    """The engine's Commands, with every halt synced to the state volume first (protocol 8).

    Until the engine is there it keeps the halts, and hands them over in *attach*: a bot that cannot reach its ledger
    can be halted all the same.
    """

    def __init__(self, journal: Journal, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._journal = journal
        self._now = now
        self._new_id = new_id
        self._engine: Commands | None = None
        # Memory beside the disk, because a full disk must not make a halt act twice, or never.
        self._records = {record.key: record for record in journal.records()}
        self._acted: set[str] = set()
        self._acting: set[asyncio.Task[Halt]] = set()
        self._stopped = threading.Event()
        self.starting = Snapshot()

    @property
    def stopping(self) -> bool:
        return self._stopped.is_set()

    @property
    def epoch(self) -> int | None:
        """What this process trades under, None while it does not; may be asked from any thread."""
        engine = self._engine
        return engine.snapshot().epoch if engine else None

    async def stopped_within(self, seconds: float) -> bool:
        """True as soon as the process is to end, False after *seconds*; may be asked in any thread's loop."""
        ends = asyncio.get_running_loop().time() + seconds
        while not self.stopping and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(STOP_LOOK_SECONDS)
        return self.stopping

    def snapshot(self) -> Snapshot:
        """The engine's, with the halts that are recorded and have not reached it."""
        shown = self._engine.snapshot() if self._engine else self.starting
        standing = [halt.id for halt in shown.halts]
        waiting = [record for record in self._open() if record.halt_id not in self._acted]
        # The other process may have latched the same cause already, with its number.
        late = [record for record in waiting if not any(is_name_of(name, record.halt_id) for name in standing)]
        if not late:
            return shown
        state = EngineState.HALTED if shown.state is EngineState.TRADING else shown.state
        return replace(shown, state=state, halts=(*shown.halts, *map(_halt, late)))

    async def attach(self, engine: Commands) -> None:
        """Every halt recorded here acts in *engine* when this returns, unless the ledger knows that it was resumed."""
        self._engine = engine
        self._acted.clear()
        if self.stopping:
            engine.stop()
        for record in self._open():
            acts = await self._act(engine, record)
            if all(halt.id != acts.id for halt in engine.snapshot().halts):
                await self._clear(record, "resumed elsewhere")

    def detach(self, last: Snapshot) -> None:
        """The engine has ended; *last* is shown from now on."""
        self.starting = last
        self._engine = None

    def stop(self) -> None:
        self._stopped.set()
        if self._engine:
            self._engine.stop()

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        halt_id = halt_id or self._new_id()
        return await self._record(Record(halt_id, halt_id, kind, source, reason, self._now().isoformat()))

    async def caused(self, cause: Cause) -> Halt | None:
        """The halt of *cause* acts; None when that cause has been recorded before, even if resumed since."""
        if cause.key in self._records:
            return None
        before = self._records.get(cause.known_as) if cause.known_as else None
        if before is not None and not before.resumed:
            await self._keep(replace(before, key=cause.key))
            await self._forget(before.key)
            return None
        halt_id = cause.halt_id or self._new_id()
        since = self._now().isoformat()
        return await self._record(Record(cause.key, halt_id, cause.kind, cause.source, cause.reason, since))

    async def resume(self, halt_id: str, reason: str) -> bool:
        """The journal forgets first: a crash in between leaves the latch of the ledger, never a bot that trades."""
        records = [record for record in self._open() if is_name_of(halt_id, record.halt_id)]
        for record in records:
            await self._clear(record, reason)
        cleared = await self._engine.resume(halt_id, reason) if self._engine else False
        if cleared or records:
            log.warning("Trading resumed", halt=halt_id, reason=reason)
        return cleared or bool(records)

    async def reconcile(self, wish: Wish) -> Reconciled:
        if self._engine is None:
            return Reconciled(refused="the trader is not there yet, or has ended: ask again")
        return await self._engine.reconcile(wish)

    async def reset_breakers(self, name: str | None) -> tuple[str, ...] | None:
        return await self._engine.reset_breakers(name) if self._engine else None

    async def switch(self, strategy: str, on: bool, reason: str) -> None:
        if self._engine is None:
            raise LedgerUnavailable("the trader is not there yet, or has ended")
        await self._engine.switch(strategy, on, reason)

    async def catch_up(self) -> None:
        """What acted in the engine and no longer stands there was resumed in the other process: here too, then."""
        if self._engine is None:
            return
        standing = {halt.id for halt in self._engine.snapshot().halts}
        for record in self._open():
            if record.halt_id in self._acted - standing:
                await self._clear(record, "resumed elsewhere")

    async def forget_resumed(self, source: str, but: str | None) -> None:
        """Resumed causes of *source* other than *but* are gone, and count as new when they come again."""
        for record in tuple(self._records.values()):
            if record.source == source and record.resumed and is_own(record.key) and record.key != but:
                await self._forget(record.key)

    def _open(self) -> list[Record]:
        return [record for record in self._records.values() if not record.resumed]

    async def _record(self, record: Record) -> Halt:
        """*record* is on the disk, if the disk takes it, and acts as soon as no database keeps the engine."""
        await self._keep(record)
        log.warning("Trading halted", id=record.halt_id, kind=record.kind, source=record.source, reason=record.reason)
        if self._engine:
            acting = asyncio.create_task(self._act(self._engine, record))
            self._acting.add(acting)
            acting.add_done_callback(self._acting.discard)
            done, _ = await asyncio.wait({acting}, timeout=ENGINE_SECONDS)
            if done:
                return acting.result()
        return _halt(record)

    async def _act(self, engine: Commands, record: Record) -> Halt:
        # The same id twice changes nothing, neither in the engine nor in the ledger.
        halt = await engine.halt(record.reason, record.kind, record.source, record.halt_id)
        self._acted |= {record.halt_id, halt.id}
        if halt.id != record.halt_id and self._records.get(record.key) is record:
            await self._keep(replace(record, halt_id=halt.id))
        return halt

    async def _clear(self, record: Record, reason: str) -> None:
        if record.source == "annotation":
            # An annotation cannot be taken back from inside the pod: that it was resumed is kept for as long as it is.
            await self._keep(replace(record, resumed=reason))
        else:
            await self._forget(record.key)

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


def _halt(record: Record) -> Halt:
    since = datetime.fromisoformat(record.since) if record.since else datetime.min.replace(tzinfo=UTC)
    return Halt(record.halt_id, record.kind, record.source, record.reason, since)
