"""The market that tests play: what a story orders is filled whole, whatever minute of the day it meets.

`recordings/` lists the deepest recording of the simulator under three symbols. It has 10.5 BTC in its thinnest minute,
the one that the simulator plays by itself 0.018.
"""

from pathlib import Path

DEEP = "BTCBUSD-1m"
DEEP_DATA = Path(__file__).parent / "recordings"
