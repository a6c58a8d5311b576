"""How far apart entries and looks at the account are kept, for as long as a person wishes; nothing else is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

NOT = timedelta(0)


@dataclass(slots=True)
class Pacing:
    """Set in the loop of the ports and read in the trader's; a new process begins without."""

    monotonic: Callable[[], float]
    # One value that is replaced whole: how far apart, and until when.
    _asked: tuple[timedelta, float] = field(default=(NOT, 0.0))
    _looked_at: float = float("-inf")

    def may_look(self) -> bool:
        """Whether the account may be looked at now, which is then the last look; no stop and no exit waits for it."""
        now = self.monotonic()
        if now - self._looked_at < self.delay.total_seconds():
            return False
        self._looked_at = now
        return True

    def ask(self, delay: timedelta, lasts: timedelta) -> None:
        """From now on *delay* lies between two of them, and no more when *lasts* has passed."""
        self._asked = (delay, self.monotonic() + lasts.total_seconds())

    @property
    def delay(self) -> timedelta:
        delay, until = self._asked
        return delay if self.monotonic() < until else NOT

    @property
    def left(self) -> timedelta:
        """For how long it is so yet."""
        return timedelta(seconds=self._asked[1] - self.monotonic()) if self.delay else NOT
