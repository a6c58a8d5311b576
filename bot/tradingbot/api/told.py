"""The ledger's word on results and sizes, for metrics: asked for in the background, so that a scrape never waits."""

import asyncio

from tradingbot.api.desk import Desk
from tradingbot.domain.errors import LedgerUnavailable

EVERY_SECONDS = 10.0
# A ledger of a year takes longer to sum up: asking may take a fiftieth of a processor, no more.
PAUSES = 50


class Account:
    """Keeps ``desk.account`` as young as the scrapes are frequent, and None while the ledger does not answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked_at = -EVERY_SECONDS
        self._pause = EVERY_SECONDS
        self._asking: asyncio.Task[None] | None = None

    def look(self) -> None:
        """The ledger is being asked, unless it was a moment ago."""
        now = self._desk.monotonic()
        if now - self._asked_at < self._pause or (self._asking and not self._asking.done()):
            return
        self._asked_at = now
        self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        try:
            self._desk.account = await self._desk.ask(lambda ledger: ledger.account())
        except LedgerUnavailable:
            self._desk.account = None
        self._pause = max(EVERY_SECONDS, PAUSES * (self._desk.monotonic() - self._asked_at))
