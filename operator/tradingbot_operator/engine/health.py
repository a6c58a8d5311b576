"""Whether the operator does its work: facts of its own, not the answer of its web server."""

import asyncio
from collections.abc import Callable

OLDEST_SECONDS = 120.0
LONGEST_LAG_SECONDS = 15.0
SILENCE_SECONDS = 300.0
BEAT_SECONDS = 1.0


class Health:
    """*oldest* is the age of the queue's head, *answered* when the API server last answered, both by *clock*."""

    def __init__(self, clock: Callable[[], float], oldest: Callable[[], float], answered: Callable[[], float]) -> None:
        self._clock, self._oldest, self._answered = clock, oldest, answered
        self._beat = clock()
        self.lag = 0.0
        self.leading = False

    async def beat(self) -> None:
        """For ever: measures how late the loop is."""
        while True:
            due = self._clock() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._beat = self._clock()
            self.lag = max(0.0, self._beat - due)

    def alive(self) -> str | None:
        """Why this process should be started anew, or None."""
        now = self._clock()
        if self._oldest() > OLDEST_SECONDS:
            return f"the oldest key has waited {self._oldest():.0f} s for a worker"
        if max(self.lag, now - self._beat - BEAT_SECONDS) > LONGEST_LAG_SECONDS:
            return f"the event loop was {max(self.lag, now - self._beat):.0f} s late"
        if now - self._answered() > SILENCE_SECONDS:
            return f"the API server has not answered for {now - self._answered():.0f} s"
        return None

    def ready(self) -> str | None:
        """Why this process does not serve, or None: only the leader does."""
        return self.alive() or (None if self.leading else "not the leader")
