"""The market that tests play: what a story orders is filled whole, and every run meets the same prices.

`recordings/` lists the deepest recording of the simulator under three symbols. It has 10.5 BTC in its thinnest minute,
the one that the simulator plays by itself 0.018. A recording begins anew every day of the venue, 3 % lower than it
ended; a venue that began at wall time would put that step, and midnight, into whatever story ran at that hour.
"""

import time
from pathlib import Path

DEEP = "BTCBUSD-1m"
DEEP_DATA = Path(__file__).parent / "recordings"
DAY_MS = 86_400_000
AFTER_MIDNIGHT_MS = 60_000


def morning() -> int:
    """One minute into tomorrow, in venue milliseconds: nine hours of prices within 1 % follow."""
    return (int(time.time() * 1000) // DAY_MS + 1) * DAY_MS + AFTER_MIDNIGHT_MS
