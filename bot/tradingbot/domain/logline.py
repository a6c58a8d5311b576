"""A line of the log as people look for it: how grave it is, which part it is from, and when it was written."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ERRORS = frozenset({"ERROR", "CRITICAL"})
# What runbooks call the process as a whole: whatever has no folder of its own is of it.
ENGINE = "LiveTradingEngine"


@dataclass(frozen=True, slots=True)
class Line:
    """*number* counts what one process has written; 0: the line was read from a file."""

    at: datetime
    level: str
    component: str
    text: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines a person looks for; None is each of them."""

    level: str = LEVELS[0]
    component: str | None = None
    since: datetime | None = None

    def takes(self, line: Line) -> bool:
        if LEVELS.index(line.level) < LEVELS.index(self.level):
            return False
        if self.component is not None and line.component.lower() != self.component.lower():
            return False
        return self.since is None or line.at >= self.since


class Log(Protocol):
    """What a process logs; *threshold* is the lowest level that is written, and may be set at any time."""

    threshold: str

    @property
    def number(self) -> int:
        """Of the newest line."""
        ...

    def tail(self, wanted: Wanted, most: int, after: int = 0) -> tuple[Line, ...]:
        """The newest lines of this process that are *wanted* and came after number *after*, oldest first."""
        ...

    def counts(self) -> Mapping[str, int]:
        """How many lines of each level were written."""
        ...

    def lost(self) -> Mapping[str, int]:
        """How many of them each outlet has lost."""
        ...


class NoLog:
    """Writes nothing and remembers nothing."""

    threshold = LEVELS[1]
    number = 0

    def tail(self, wanted: Wanted, most: int, after: int = 0) -> tuple[Line, ...]:  # noqa: ARG002 - nothing is kept
        return ()

    def counts(self) -> Mapping[str, int]:
        return dict.fromkeys(LEVELS, 0)

    def lost(self) -> Mapping[str, int]:
        return {}


def component_of(logger: str) -> str:
    """The part that logs under this name: a folder of ours, the engine, or somebody else's library."""
    first, _, rest = logger.partition(".")
    folder, _, inner = rest.partition(".")
    if first != "tradingbot":
        return first
    return folder if inner else ENGINE


def level_named(name: str) -> str | None:
    """The level a person has written, in any case; None when there is no such level."""
    return name.upper() if name.upper() in LEVELS else None


def parse_line(text: str) -> Line | None:
    """What one line of a log file says; None when it is none of ours, or was cut off by a full disk."""
    try:
        said = json.loads(text)
        return Line(
            datetime.fromisoformat(said["timestamp"]), LEVELS[LEVELS.index(said["level"])], said["component"], text
        )
    except (ValueError, KeyError, TypeError):
        return None


def together(filed: Iterable[Line], told: Iterable[Line]) -> tuple[Line, ...]:
    """Lines of files and lines a process has told, each once, in order of time."""
    before = tuple(filed)
    known = {line.text for line in before}
    both = (*before, *(line for line in told if line.text not in known))
    return tuple(sorted(both, key=lambda line: line.at))
