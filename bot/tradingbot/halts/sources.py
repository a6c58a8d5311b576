"""The sources a person reaches without this process: the flag file and the pod's annotations."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from tradingbot.domain.halt import parse_halt, unnumbered
from tradingbot.halts.journal import sync_folder
from tradingbot.halts.latch import Cause, Latch
from tradingbot.halts.podinfo import parse_annotations

HALT, HALT_ID, RESUME = "tradingbot.io/halt", "tradingbot.io/halt-id", "tradingbot.io/resume"
UNREADABLE = "flag-unreadable"
POLL_SECONDS = 0.25

log = structlog.stdlib.get_logger(__name__)


class Source(Protocol):
    async def look(self) -> None:
        """What the source said when this was called has acted when it returns."""
        ...


@dataclass
class FlagSource:
    """The flag file on the state volume: taken into the journal, then removed, so that a resume holds."""

    latch: Latch
    flag: Path
    taken: str = ""

    async def look(self) -> None:
        found = await asyncio.to_thread(self._read)
        if found is None:
            return
        text, key = found
        # A flag that cannot be removed is still there at the next look; it acts once.
        if key != self.taken:
            kind, reason = parse_halt(text.strip())
            # Both colours may find the flag on a volume they share: it has one name, unless nobody could read it.
            halt_id = None if key == UNREADABLE else key
            await self.latch.caused(Cause(key, kind, "flag", reason or "flag file", halt_id))
        self.taken = key
        await asyncio.to_thread(self._remove)

    def _read(self) -> tuple[str, str] | None:
        try:
            text, changed = self.flag.read_text(encoding="utf-8", errors="replace"), self.flag.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        except OSError as error:
            # A flag that is there and cannot be read halts all the same.
            return f"flag file ({error.strerror})", UNREADABLE
        return text, f"flag-{digest(f'{changed} {text}')}"

    def _remove(self) -> None:
        try:
            self.flag.unlink(missing_ok=True)
            sync_folder(self.flag.parent)
        except OSError as error:
            log.warning("flag file could not be removed", path=str(self.flag), error=str(error))


@dataclass
class AnnotationSource:
    """The pod's annotations: a halt acts when it is new, a resume names one halt.

    The operator writes beside a halt which one it is, the same on every pod and another when it is written anew. What
    it has not named is known by its words.
    """

    latch: Latch
    podinfo: Path
    resumed: str = ""

    async def look(self) -> None:
        annotations = await asyncio.to_thread(self._read)
        if annotations is None:
            return
        await self.latch.catch_up()
        cause = _annotated(annotations)
        if cause is not None:
            await self.latch.caused(cause)
        await self.latch.forget_resumed("annotation", but=cause.key if cause else None)
        await self._resume(annotations.get(RESUME, ""))

    def _read(self) -> dict[str, str] | None:
        try:
            return dict(parse_annotations(self.podinfo.read_text(encoding="utf-8", errors="replace")))
        except OSError:
            # Absent outside a cluster, and for an instant while the kubelet replaces it.
            return None

    async def _resume(self, value: str) -> None:
        halt_id, _, reason = value.strip().partition(" ")
        if value == self.resumed or not halt_id:
            return
        self.resumed = value
        if not reason.strip():
            log.warning("resume annotation without a reason is ignored: write '<id> <reason>'", halt=halt_id)
        elif not await self.latch.resume(halt_id, reason.strip()):
            log.warning("resume annotation names no halt that stands", halt=halt_id)


def _annotated(annotations: Mapping[str, str]) -> Cause | None:
    value, name = annotations.get(HALT), annotations.get(HALT_ID)
    if value is None:
        return None
    (kind, reason), words = parse_halt(value), digest(value)
    about = (kind, "annotation", reason or "annotated without a reason")
    if name:
        return Cause(f"annotation-{digest(name)}", *about, halt_id=name, known_as=f"annotation-{words}")
    return Cause(f"annotation-{words}", *about, halt_id=unnumbered(words[:8]))


async def watch(source: Source) -> None:
    """Looks every quarter of a second, until cancelled; a failure of one look is not the end of the next."""
    while True:
        try:
            await source.look()
        except Exception:
            log.exception("halt source could not be looked at")
        await asyncio.sleep(POLL_SECONDS)


def digest(text: str) -> str:
    """A short name for *text*, the same in every process."""
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:16]
