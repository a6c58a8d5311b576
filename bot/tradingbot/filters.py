"""The venue's steps and bounds of each market: read before the first decision, and once a day from then on."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.instrument import Instrument
from tradingbot.inbox import ended
from tradingbot.parts import Parts

log = structlog.stdlib.get_logger("tradingbot")
EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)


class Filters:
    """What the venue said of its markets, and when (venue time); a newer word replaces it wherever it is used."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: dict[str, Instrument] = {}
        self._due: datetime | None = None
        self._reading: asyncio.Task[None] | None = None
        self.read_at: datetime | None = None

    async def read(self) -> Mapping[str, Instrument]:
        """The markets as the venue has them now; raises VenueUnavailable. The mapping follows later words."""
        self._known = dict(await self._told())
        return self._known

    def look(self) -> None:
        """They are being read again when a day has passed; nobody waits for it, and what is known stays until then."""
        now = self._parts.clock.now()
        if self._due is None or now < self._due or (self._reading is not None and not self._reading.done()):
            return
        self._due = now + AGAIN
        self._reading = asyncio.create_task(self._read_again())

    async def close(self) -> None:
        await ended([self._reading] if self._reading else [])

    async def _read_again(self) -> None:
        try:
            self._known.update(await self._told())
        except (VenueUnavailable, Misconfigured) as error:
            # A market that is gone is refused by the venue itself; what is held there is left with what is known.
            log.warning("Filters were not read again", error=str(error), read_at=str(self.read_at))
            self._parts.metrics.failure("filters")

    async def _told(self) -> Mapping[str, Instrument]:
        found = await self._parts.feed.instruments(self._parts.settings.symbols)
        self.read_at = self._parts.clock.now()
        self._due = self.read_at + EVERY
        return found
