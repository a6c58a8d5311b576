"""What follows from a ledger that is not what was written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from desks import ListeningEngine
from tradingbot.domain.errors import LedgerUnavailable, UnknownState
from tradingbot.domain.halt import HaltKind, cause
from tradingbot.ledger import Finding
from tradingbot.start import integrity
from tradingbot.start.integrity import watch_integrity

TORN = Finding("pages", False, "page 7 is never used")
GONE = Finding("audit log", False, "entry 2 is missing: after 1 comes 3")
SAID = "DataCorruption: pages: page 7 is never used; restore the ledger, or mend it and resume"
pytestmark = pytest.mark.asyncio


@dataclass
class Looks:
    """What one look after the other finds; the last one again and again."""

    found: list[Sequence[Finding] | Exception]
    count: int = 0

    def __call__(self) -> Sequence[Finding]:
        self.count += 1
        answer = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def halts_after(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, HaltKind, str]]:
    """What has halted by the time of the fourth look."""
    monkeypatch.setattr(integrity, "AGAIN_SECONDS", 0.0)
    engine = ListeningEngine()
    around: Any = SimpleNamespace(front=asyncio.get_running_loop(), latch=engine)
    watching = asyncio.create_task(watch_integrity(around, looks, timedelta(0)))
    async with asyncio.timeout(10):
        while looks.count < 5:  # noqa: ASYNC110 - looked at in a thread
            await asyncio.sleep(0)
    watching.cancel()
    return engine.told


async def test_what_two_looks_find_wrong_halts_as_data_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full halt that a person resumes; the same finding again is the same halt."""
    monkeypatch.setattr(integrity, "AGAIN_SECONDS", 0.0)
    engine = ListeningEngine()
    looks = Looks([[TORN]])
    around: Any = SimpleNamespace(front=asyncio.get_running_loop(), latch=engine)
    watching = asyncio.create_task(watch_integrity(around, looks, timedelta(0)))
    async with asyncio.timeout(10):
        while len(engine.told) < 2:  # noqa: ASYNC110 - looked at in a thread
            await asyncio.sleep(0)
    watching.cancel()
    (halt,) = engine.shown.halts
    assert (halt.reason, halt.kind, halt.source, cause(halt.id)) == (SAID, HaltKind.HALT, "integrity", "DataCorruption")


@pytest.mark.parametrize(
    "found",
    [
        [()],
        [[TORN], ()],
        [[TORN], [GONE], ()],
        [LedgerUnavailable("away")],
        [[TORN], LedgerUnavailable("away"), ()],
    ],
)
async def test_what_passes_or_cannot_be_seen_halts_nobody(
    monkeypatch: pytest.MonkeyPatch, found: list[Sequence[Finding] | Exception]
) -> None:
    """A hand-over between two readings, or a ledger that is away, is no corruption."""
    assert await halts_after(Looks(found), monkeypatch) == []


async def test_rows_that_nobody_can_read_halt_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that the trader itself has not looked at."""
    told = await halts_after(Looks([UnknownState('the ledger holds "soon" where a time belongs')]), monkeypatch)
    assert told[0][0].startswith('DataCorruption: rows: the ledger holds "soon" where a time belongs;')
