"""Commands from one thread's event loop to an engine in another's."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from desks import WELL, ListeningEngine
from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.start.across import Across, in_thread, there


class ThreadBoundEngine(ListeningEngine):
    """An engine that notes in which thread it is told something."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []
        self.stopped = threading.Event()

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        self.threads.append(threading.current_thread().name)
        return await super().halt(reason, kind, source, halt_id)

    def stop(self) -> None:
        self.threads.append(threading.current_thread().name)
        super().stop()
        self.stopped.set()


async def until(condition: Callable[[], bool]) -> None:
    """Returns when *condition* holds; fails when it does not within five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it is another thread that makes it true
            await asyncio.sleep(0.001)


@pytest.fixture
def elsewhere() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in the thread "trader"."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="trader")
    thread.start()
    yield loop
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.asyncio
async def test_commands_run_in_the_engines_own_thread(elsewhere: asyncio.AbstractEventLoop) -> None:
    """An engine is never touched by two threads at once."""
    engine = ThreadBoundEngine()
    across = Across(engine, elsewhere)
    halt = await across.halt("odd", HaltKind.HALT, "http")
    assert halt.id == "halt-1"
    assert await across.resume("halt-1", "checked")
    across.stop()
    await asyncio.to_thread(engine.stopped.wait, 5)
    assert engine.threads == ["trader", "trader"]


@pytest.mark.asyncio
async def test_a_snapshot_is_read_though_the_engines_loop_stands(elsewhere: asyncio.AbstractEventLoop) -> None:
    """Probes answer while a database hangs."""
    standing = threading.Event()
    elsewhere.call_soon_threadsafe(standing.wait)
    began = time.monotonic()
    assert Across(ListeningEngine(), elsewhere).snapshot() == WELL
    assert time.monotonic() - began < 1
    standing.set()


@pytest.mark.asyncio
async def test_a_command_to_a_trader_that_has_ended_is_told(elsewhere: asyncio.AbstractEventLoop) -> None:
    """The caller tries again later, at the next process."""
    elsewhere.call_soon_threadsafe(elsewhere.stop)
    await until(lambda: not elsewhere.is_running())
    elsewhere.close()
    with pytest.raises(LedgerUnavailable, match="the trader has ended"):
        await Across(ListeningEngine(), elsewhere).halt("odd", HaltKind.HALT, "http")


@pytest.mark.asyncio
async def test_errors_come_back_to_the_caller(elsewhere: asyncio.AbstractEventLoop) -> None:
    """What fails there fails here, as what it was."""

    async def failing() -> None:
        raise LedgerUnavailable("gone")

    with pytest.raises(LedgerUnavailable, match="gone"):
        await there(elsewhere, failing())


@pytest.mark.asyncio
async def test_a_thread_gives_its_result_or_its_error() -> None:
    """Whoever waits for the trader learns how it ended."""

    def failing() -> str:
        raise ValueError("bug")

    assert await in_thread("trader", lambda: threading.current_thread().name) == "trader"
    with pytest.raises(ValueError, match="bug"):
        await in_thread("trader", failing)


def test_a_busy_port_keeps_the_trader_from_its_turn_for_half_a_millisecond():
    """The usual five are lost after each answer of the ledger, and a hand-over waits for twenty of them."""

    async def story() -> float:
        return await in_thread("trader", sys.getswitchinterval)

    assert asyncio.run(story()) == pytest.approx(0.0005)
