"""How long who was told to leave a venue alone stays away, when it was not told for how long. Pure."""

from dataclasses import dataclass
from datetime import timedelta

# Twice as long each time: after so many times every pause has reached its limit.
MOST_TIMES = 30


@dataclass(frozen=True, slots=True)
class Backoff:
    base: timedelta = timedelta(seconds=5)
    most: timedelta = timedelta(seconds=120)

    def pause(self, times: int) -> timedelta:
        """After the *times*-th such answer in a row."""
        longer: timedelta = self.base * 2 ** min(times - 1, MOST_TIMES)
        return min(longer, self.most)
