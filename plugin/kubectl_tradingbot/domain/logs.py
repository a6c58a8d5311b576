"""Log lines of a bot's pods, as they are looked for; a line that is no JSON is told by the pod, not by its trader."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The lowest *level*, and the *component*; None takes each line, also what is no JSON."""

    level: str | None = None
    component: str | None = None

    @property
    def is_choosy(self) -> bool:
        return self.level is not None or self.component is not None

    def takes(self, text: str) -> bool:
        if not self.is_choosy:
            return True
        said = parsed(text)
        grave = LEVELS[LEVELS.index(self.level) :] if self.level else ()
        if self.level is not None and str(said.get("level", "")).lower() not in grave:
            return False
        return self.component is None or str(said.get("component", "")).lower() == self.component.lower()


def parsed(text: str) -> Mapping[str, Any]:
    """What the line says by name; nothing when it is no JSON object."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def newest(pods: Iterable[Iterable[str]], wanted: Wanted, most: int) -> list[str]:
    """The newest lines of all *pods*, in order of time; a line without a time stands behind the one before it."""
    placed: list[tuple[str, str]] = []
    for texts in pods:
        at = ""
        for text in texts:
            at = str(parsed(text).get("timestamp", at))
            if wanted.takes(text):
                placed.append((at, text))
    return [text for _, text in sorted(placed, key=lambda each: each[0])][-most:]
