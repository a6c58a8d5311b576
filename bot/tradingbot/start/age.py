"""How long this process has been there."""

import os
import time
from pathlib import Path


def age_seconds() -> float:
    """Seconds since the kernel made this process: interpreter and imports are in it, unlike in a clock of our own."""
    # The name in brackets may hold spaces and brackets itself; the 22nd field counts from behind its end.
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return round(time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK"), 3)
