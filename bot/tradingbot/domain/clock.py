"""How far the venue's clock and ours may be apart. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ClockState(StrEnum):
    OK = "ok"
    SKEWED = "skewed"  # people should look at it; nothing waits
    OFF = "off"  # nothing is entered, and what leaves has it measured again first


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is further off than *warn* is told; what is further off than *most* is not traded on."""

    warn: timedelta = timedelta(milliseconds=200)
    most: timedelta = timedelta(seconds=1)
