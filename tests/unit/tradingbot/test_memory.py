"""The soft limit of memory: above it caches shrink once, below it nothing happens."""

import asyncio

import pytest

from tradingbot.api.reports import resident_bytes
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.start import memory


class Small(NoMetrics):
    """A fake of the Metrics port that keeps how often caches have shrunk."""

    times = 0

    def shrunk(self) -> None:
        self.times += 1


def test_caches_shrink_once_when_the_process_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at again and again until then."""
    monkeypatch.setattr(memory, "EVERY_SECONDS", 0)
    sizes, done, metrics = iter([90, 100, 101]), [], Small()
    caches = (lambda: done.append("bars"), lambda: done.append("feed"))
    asyncio.run(memory.watch_memory(100, caches, metrics, lambda: next(sizes)))
    assert (done, metrics.times) == (["bars", "feed"], 1)


def test_a_process_below_its_limit_keeps_what_it_has() -> None:
    """Its own size is what counts."""
    done = []

    async def watched() -> None:
        watching = asyncio.create_task(memory.watch_memory(resident_bytes() * 2, [lambda: done.append(1)], Small()))
        await asyncio.sleep(0)
        assert not watching.done()
        watching.cancel()

    asyncio.run(watched())
    assert done == []
