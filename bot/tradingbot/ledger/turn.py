"""When a watch of the lease row has to speak up though nothing was heard."""

import time
from datetime import timedelta

AT_LEAST_SECONDS = 1.0


class Turn:
    """Says when a whole second has gone by in which nothing was said."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def left(self, within: timedelta) -> float:
        """Seconds until there is something to say, or *within* has passed."""
        return max(0.0, min(within.total_seconds(), self._said + AT_LEAST_SECONDS - time.monotonic()))

    def say(self, changed: bool) -> bool:
        """True when *changed*, or when the second is over."""
        now = time.monotonic()
        if changed or now >= self._said + AT_LEAST_SECONDS:
            self._said = now
            return True
        return False
