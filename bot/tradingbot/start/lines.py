"""The handler every line passes: kept in memory as far as there is room, counted, and given to each outlet."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from tradingbot.domain.logline import ERRORS, LEVELS, Line, Wanted, component_of
from tradingbot.start.outlets import Outlet

KEPT, KEPT_ERRORS = 1000, 200
MOST_CHARACTERS = 1_000_000
# Libraries whose every step nobody wants to read.
QUIET = {
    "uvicorn.error": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "ccxt": logging.WARNING,
    "asyncio": logging.WARNING,
}


class Kept:
    """The newest lines, at most so many and so long in sum."""

    def __init__(self, most: int, characters: int = MOST_CHARACTERS) -> None:
        self._lines: deque[Line] = deque()
        self._most, self._characters, self._size = most, characters, 0

    def add(self, line: Line) -> None:
        self._lines.append(line)
        self._size += len(line.text)
        while len(self._lines) > self._most or (self._size > self._characters and len(self._lines) > 1):
            self._size -= len(self._lines.popleft().text)

    def all(self) -> tuple[Line, ...]:
        return tuple(self._lines)


class Lines(logging.Handler):
    """What the process logs; *session* tells the epoch it trades under, which every line bears as ``run_id``.

    *colour* is in every line too: two colours may share a volume, and so their files.
    """

    colour = ""

    def __init__(self, outlets: Sequence[Outlet], session: Callable[[], int | None] = lambda: None) -> None:
        super().__init__()
        self.session = session
        self._outlets = outlets
        self._counts = dict.fromkeys(LEVELS, 0)
        self._kept, self._errors = Kept(KEPT), Kept(KEPT_ERRORS)
        self._number = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._given(_level(record), record)
        except Exception:  # noqa: BLE001 - as every handler: what cannot be written must not end who wrote it
            self.handleError(record)

    def _given(self, level: str, record: logging.LogRecord) -> None:
        self._number += 1
        at, component = datetime.fromtimestamp(record.created, UTC), component_of(record.name)
        line = Line(at, level, component, self.format(record), self._number)
        self._counts[level] += 1
        self._kept.add(line)
        if level in ERRORS:
            self._errors.add(line)
        for outlet in self._outlets:
            outlet.take(line)

    def tail(self, wanted: Wanted, most: int, after: int = 0) -> tuple[Line, ...]:
        """The newest lines of this process that are *wanted* and came after number *after*, oldest first."""
        with self.lock:  # type: ignore[union-attr]
            kept = (self._errors if wanted.level in ERRORS else self._kept).all()
        return tuple(line for line in kept if line.number > after and wanted.takes(line))[-most:]

    @property
    def number(self) -> int:
        """Of the newest line."""
        return self._number

    def counts(self) -> Mapping[str, int]:
        """How many lines of each level were written."""
        return dict(self._counts)

    def lost(self) -> Mapping[str, int]:
        """How many of them each outlet has lost."""
        return {outlet.name: outlet.lost for outlet in self._outlets}

    @property
    def threshold(self) -> str:
        return str(logging.getLevelName(logging.getLogger().level))

    @threshold.setter
    def threshold(self, level: str) -> None:
        """From now on lines of *level* and graver are written."""
        root = logging.getLogger()
        root.setLevel(level)
        for name, lowest in QUIET.items():
            logging.getLogger(name).setLevel(max(lowest, root.level))

    def close(self) -> None:
        """Called by logging when the interpreter ends."""
        for outlet in self._outlets:
            outlet.close()
        super().close()


def _level(record: logging.LogRecord) -> str:
    """The gravest level that *record* reaches, whatever a library calls it."""
    return next((name for name in reversed(LEVELS) if record.levelno >= getattr(logging, name)), LEVELS[0])
