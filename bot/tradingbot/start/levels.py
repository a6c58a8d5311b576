"""The pod's annotation ``tradingbot.io/log-level``: another level for as long as it stands, without a new pod."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from tradingbot.domain.logline import LEVELS, Log, level_named
from tradingbot.halts.podinfo import parse_annotations

LOG_LEVEL = "tradingbot.io/log-level"
log = structlog.stdlib.get_logger(__name__)


@dataclass
class LevelSource:
    """Sets the level when the annotation is written, and what it was at the start when it is taken away."""

    lines: Log
    podinfo: Path
    seen: str | None = None
    first: str = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.lines.threshold

    async def look(self) -> None:
        try:
            text = await asyncio.to_thread(self.podinfo.read_text, encoding="utf-8", errors="replace")
        except OSError:
            # Absent outside a cluster, and for an instant while the kubelet replaces it.
            return
        said = parse_annotations(text).get(LOG_LEVEL)
        if said == self.seen:
            return
        self.seen = said
        level = self.first if said is None else level_named(said)
        if level is None:
            log.warning("annotation is not a log level: write one of " + ", ".join(LEVELS), annotation=said)
            return
        before, self.lines.threshold = self.lines.threshold, level
        log.warning("Log level", threshold=level, was=before)
