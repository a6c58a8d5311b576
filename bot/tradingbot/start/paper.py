"""Whether paper still means paper: looked at while the bot runs, and beside what its requests were kept from."""

import asyncio
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from tradingbot.api.desk import Desk
from tradingbot.attempts import Attempts
from tradingbot.domain.audit import Event, event
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.halt import PAPER_VIOLATION, Halt, HaltKind
from tradingbot.domain.realmoney import REAL_TRADE_ATTEMPT, Place, Safety, differences
from tradingbot.domain.snapshot import Snapshot
from tradingbot.settings import parse_settings

CHECK_SECONDS = 5.0
# A request that is made again and again must not fill the ledger: the first is told at once, the others once a minute.
TELL_SECONDS = 60.0
LONGEST = 300
log = structlog.stdlib.get_logger("tradingbot")


class Latch(Protocol):
    def snapshot(self) -> Snapshot: ...

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt: ...


@dataclass(frozen=True, slots=True)
class Words:
    """What says where this bot trades: what it began with, the file that said so, and the pod's environment."""

    place: Place
    settings: Path
    environment: Mapping[str, str]


@dataclass(slots=True)
class PaperWatch:
    """A source of halts: an attempt at real money, or words that contradict each other."""

    latch: Latch
    desk: Desk
    words: Words
    attempts: Attempts
    tell: Callable[[Event], None]
    _seen: int = 0
    _told: int = 0
    _told_at: float = float("-inf")
    _checked_at: float = float("-inf")

    async def look(self) -> None:
        """What was attempted is told and halts; every five seconds what the words say was compared."""
        now = self.desk.monotonic()
        seen, self._seen = self._seen, self.attempts.count
        if self._seen > seen:
            await self._violated(f"{self.attempts.newest[-1].text} would have been asked; nothing was sent there")
        if self._seen > self._told and now - self._told_at >= TELL_SECONDS:
            self._tell(now)
        if now - self._checked_at >= CHECK_SECONDS:
            self._checked_at = now
            await self._check()

    def _tell(self, now: float) -> None:
        newest, count = self.attempts.newest[-1], self._seen - self._told
        log.error(REAL_TRADE_ATTEMPT, asked=newest.text, attempts=count)
        self.tell(
            event(REAL_TRADE_ATTEMPT, "trader", newest.text[:LONGEST], attempts=count, mode=self.words.place.mode)
        )
        self._told, self._told_at = self._seen, now

    async def _check(self) -> None:
        try:
            text = await asyncio.to_thread(self.words.settings.read_bytes)
        except OSError as error:
            # What cannot be read says nothing; that the last check is old is seen.
            log.warning("Paper mode could not be checked", settings=str(self.words.settings), error=str(error))
            return
        found = self._differences(text)
        self.desk.safety = Safety(self.desk.now(), found)
        if found:
            await self._violated("; ".join(found))

    def _differences(self, text: bytes) -> tuple[str, ...]:
        try:
            now = parse_settings(text).place
        except Misconfigured as refusal:
            first = str(refusal).partition("\n")[0][:LONGEST]
            return (f"the settings are refused now: {first}", *self._contradicted(None))
        return self._contradicted(now)

    def _contradicted(self, now: Place | None) -> tuple[str, ...]:
        return differences(self.words.place, now, self.words.environment)

    async def _violated(self, why: str) -> None:
        """A violation halts, once until somebody resumes."""
        if any(halt.id.startswith(PAPER_VIOLATION) for halt in self.latch.snapshot().halts):
            return
        reason = f"PaperViolation: {why}; find out who changed it, mend it, and resume"
        await self.latch.halt(reason, HaltKind.HALT, "safety", f"{PAPER_VIOLATION}{randomness.token_hex(4)}")
