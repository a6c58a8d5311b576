"""``atb top``: what the trader of this pod uses of processor, memory and disk."""

import json
import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tradingbot.cli.client import Client
from tradingbot.cli.local import local_settings

LIMIT = Path("/sys/fs/cgroup/memory.max")
CPU, MEMORY = "process_cpu_seconds_total", "process_resident_memory_bytes"
MIB, GIB = 2**20, 2**30


def top(
    seconds: Annotated[float, typer.Option("--for", min=0.1, max=60, help="How long the processor is watched.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Show the processor and memory that the trader uses, and the room on its volume."""
    settings = local_settings()
    client = Client(settings)
    began, before = time.monotonic(), client.metrics()
    time.sleep(seconds)
    after, ended = client.metrics(), time.monotonic()
    disk = shutil.disk_usage(settings.paths.data)
    used: dict[str, Any] = {
        "cpu_cores": round((after[CPU] - before[CPU]) / (ended - began), 3),
        "memory_bytes": int(after[MEMORY]),
        "memory_limit_bytes": limit(LIMIT),
        "disk_free_bytes": disk.free,
        "disk_bytes": disk.total,
    }
    typer.echo(json.dumps(used, indent=2) if as_json else text(used, str(settings.paths.data)))


def text(used: dict[str, Any], volume: str) -> str:
    """One line for each of them."""
    most = used["memory_limit_bytes"]
    bound = f" of {most / MIB:.0f} MiB" if most else ", without a limit"
    room = f"{used['disk_free_bytes'] / GIB:.1f} GiB free of {used['disk_bytes'] / GIB:.1f} GiB"
    memory = f"{used['memory_bytes'] / MIB:.0f} MiB{bound}"
    return f"cpu     {used['cpu_cores']:.3f} cores\nmemory  {memory}\ndisk    {room} at {volume}"


def limit(path: Path) -> int | None:
    """What this container may use; None where nobody has set a bound."""
    try:
        word = path.read_text().strip()
    except OSError:
        return None
    return int(word) if word.isdigit() else None
