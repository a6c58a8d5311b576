"""What a process holds and where each of its threads stands, written to the state volume when SIGUSR2 asks for it."""

import asyncio
import gc
import json
import sys
import threading
import traceback
from collections import Counter
from datetime import datetime
from pathlib import Path

from tradingbot.api.reports import memory


def dump(data: Path, now: datetime) -> Path:
    """A new file below *data*/dumps has it; raises OSError when it cannot be written."""
    folder = data / "dumps"
    folder.mkdir(exist_ok=True)
    path = folder / f"{now:%Y%m%dT%H%M%S%f}.json"
    told = {"at": now.isoformat(), **memory(), "tasks": tasks(), "threads": threads()}
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path


def tasks() -> dict[str, int]:
    """How many of each kind have not ended, in whichever loop."""
    found = (each for each in gc.get_objects() if isinstance(each, asyncio.Task) and not each.done())
    return dict(Counter(getattr(each.get_coro(), "__qualname__", "?") for each in found).most_common())


def threads() -> dict[str, list[str]]:
    """The lines that each thread stands at, innermost last."""
    names = {each.ident: each.name for each in threading.enumerate()}
    frames = sys._current_frames().items()
    return {
        names.get(ident, str(ident)): [line.strip() for line in traceback.format_stack(frame)]
        for ident, frame in frames
    }
