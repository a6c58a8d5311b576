"""Two event loops in two threads: people and probes in one, the trader in the other.

The ledger is synchronous (decision 2): while a database hangs, the trader's loop stands, and rightly so. The ports, the
probes and the halt sources must not stand with it.
"""

import asyncio
import concurrent.futures
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.reconciliation import Reconciled, Wish
from tradingbot.domain.snapshot import Commands, Snapshot

Result = TypeVar("Result")
# A port that writes a long page keeps the interpreter so long; the trader waits for it after each answer of the ledger.
TURN_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class Across:
    """The commands of an engine that runs in *loop*, for callers in another one."""

    engine: Commands
    loop: asyncio.AbstractEventLoop

    def snapshot(self) -> Snapshot:
        # A frozen value that is replaced whole: reading it needs no lock.
        return self.engine.snapshot()

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        return await there(self.loop, self.engine.halt(reason, kind, source, halt_id))

    async def resume(self, halt_id: str, reason: str) -> bool:
        return await there(self.loop, self.engine.resume(halt_id, reason))

    async def reconcile(self, wish: Wish) -> Reconciled:
        return await there(self.loop, self.engine.reconcile(wish))

    async def reset_breakers(self, name: str | None) -> tuple[str, ...] | None:
        return await there(self.loop, self.engine.reset_breakers(name))

    async def switch(self, strategy: str, on: bool, reason: str) -> None:
        await there(self.loop, self.engine.switch(strategy, on, reason))

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.engine.stop)


async def there(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    """What *work* gives when it has run in *loop*, a loop of another thread."""
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:
        work.close()
        raise LedgerUnavailable("the trader has ended") from None
    return await asyncio.wrap_future(future)


def in_thread(name: str, work: Callable[[], Result]) -> "asyncio.Future[Result]":
    """What *work* gives in a thread of its own, which does not keep the process from ending."""
    promised: concurrent.futures.Future[Result] = concurrent.futures.Future()

    def run() -> None:
        try:
            promised.set_result(work())
        except BaseException as error:  # noqa: BLE001 - carried to whoever waits
            promised.set_exception(error)

    sys.setswitchinterval(TURN_SECONDS)
    threading.Thread(target=run, name=name, daemon=True).start()
    return asyncio.wrap_future(promised)
