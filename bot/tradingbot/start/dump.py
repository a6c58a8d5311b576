"""What a process holds and where each of its threads stands, written to the state volume when SIGUSR2 asks for it."""

import json
import sys
import threading
import traceback
from datetime import datetime
from pathlib import Path

from tradingbot.api.reports import memory


def dump(data: Path, now: datetime) -> Path:
    """A new file below *data*/dumps has it; raises OSError when it cannot be written."""
    folder = data / "dumps"
    folder.mkdir(exist_ok=True)
    path = folder / f"{now:%Y%m%dT%H%M%S%f}.json"
    path.write_text(json.dumps({"at": now.isoformat(), **memory(), "threads": threads()}, indent=1) + "\n")
    return path


def threads() -> dict[str, list[str]]:
    """The lines that each thread stands at, innermost last."""
    names = {each.ident: each.name for each in threading.enumerate()}
    frames = sys._current_frames().items()
    return {
        names.get(ident, str(ident)): [line.strip() for line in traceback.format_stack(frame)]
        for ident, frame in frames
    }
