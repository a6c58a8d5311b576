"""The highest equity of the last hour, in little memory: what a later and higher one hides is forgotten."""

from collections import deque
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.domain.instrument import ZERO

HOUR = timedelta(hours=1)


class Highs:
    """Equities with the instant at which each ended to hold, highest first; the last one still holds."""

    def __init__(self, window: timedelta = HOUR) -> None:
        self._window = window
        self._ended: deque[tuple[Decimal, datetime]] = deque()
        self._holds: Decimal | None = None

    def add(self, at: datetime, equity: Decimal) -> None:
        """*equity* holds from *at* on; instants only go forward."""
        if self._holds is not None:
            self._ended.append((self._holds, at))
        while self._ended and self._ended[-1][0] <= equity:
            self._ended.pop()
        self._holds = equity

    def highest(self, now: datetime) -> Decimal:
        """The highest that held at any instant of the window before *now*; zero before there was one."""
        while self._ended and self._ended[0][1] <= now - self._window:
            self._ended.popleft()
        return self._ended[0][0] if self._ended else self._holds or ZERO
