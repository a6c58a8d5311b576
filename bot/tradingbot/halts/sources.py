"""The sources a person reaches without this process: the flag file and the pod's annotations."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from tradingbot.domain.halt import parse_halt
from tradingbot.halts.journal import sync_folder
from tradingbot.halts.latch import Latch
from tradingbot.halts.podinfo import parse_annotations

HALT, RESUME = "tradingbot.io/halt", "tradingbot.io/resume"
POLL_SECONDS = 0.25

log = structlog.stdlib.get_logger(__name__)


@dataclass
class Watcher:
    """Looks at the flag file and the annotations; each finding acts once."""

    latch: Latch
    flag: Path
    podinfo: Path
    resumed: str = ""
    seen: str = ""

    async def look(self) -> None:
        """What the two files said when this was called has acted when it returns."""
        await self._flag()
        await self._annotations()

    async def _flag(self) -> None:
        try:
            text, changed = self.flag.read_text(encoding="utf-8", errors="replace"), self.flag.stat().st_mtime_ns
        except OSError:
            return
        key = f"flag-{_digest(f'{changed} {text}')}"
        if key != self.seen and not self.latch.knows(key):
            kind, reason = parse_halt(text.strip())
            await self.latch.record(key, reason or "flag file", kind, "flag")
        self.seen = key
        self._taken()

    def _taken(self) -> None:
        # The journal holds it now; the flag goes, so that a resume is not undone by the next look.
        try:
            self.flag.unlink(missing_ok=True)
            sync_folder(self.flag.parent)
        except OSError as error:
            log.warning("flag file could not be removed", path=str(self.flag), error=str(error))

    async def _annotations(self) -> None:
        try:
            annotations = parse_annotations(self.podinfo.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return
        value = annotations.get(HALT)
        key = None if value is None else f"annotation-{_digest(value)}"
        self.latch.forget_resumed("annotation", but=key)
        if value is not None and key is not None and not self.latch.knows(key):
            kind, reason = parse_halt(value)
            await self.latch.record(key, reason or "annotated without a reason", kind, "annotation")
        await self._resume(annotations.get(RESUME, ""))

    async def _resume(self, value: str) -> None:
        halt_id, _, reason = value.strip().partition(" ")
        if value == self.resumed or not halt_id:
            return
        self.resumed = value
        if not reason.strip():
            log.warning("resume annotation without a reason is ignored: write '<id> <reason>'", halt=halt_id)
            return
        if not await self.latch.resume(halt_id, reason.strip()):
            log.warning("resume annotation names no halt that stands", halt=halt_id)


async def watch(watcher: Watcher, sleep: Callable[[float], "asyncio.Future[None]"] | None = None) -> None:
    """Looks every quarter of a second, until cancelled."""
    while True:
        try:
            await watcher.look()
        except OSError as error:
            log.warning("halt sources could not be read", error=str(error))
        await (sleep or asyncio.sleep)(POLL_SECONDS)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:16]
