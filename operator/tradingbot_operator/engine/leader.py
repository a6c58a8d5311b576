"""Leader by Lease. Who cannot renew in time is no leader, and its process ends at once: nothing of it may write on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from tradingbot_operator.cluster.lease import Held
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated, Refused

log = logging.getLogger(__name__)

LEASE_SECONDS = 15
RENEW_WITHIN_SECONDS = 10.0
RETRY_SECONDS = 2.0


class Lock(Protocol):
    async def read(self) -> Held | None: ...

    async def write(self, holder: str, now: str, seconds: int, before: Held | None) -> Held: ...


class Leader:
    """*clock* gives seconds that never go back; *wall* the time for people to read; nothing is judged by it.

    *me* is `POD_START`, or a name without `_` where no pod is known.
    """

    def __init__(self, lock: Lock, me: str, clock: Callable[[], float], wall: Callable[[], str]) -> None:
        self._lock, self._me, self._clock, self._wall = lock, me, clock, wall
        self._seen: Held | None = None
        self._seen_at = 0.0
        self._renewed_at = 0.0

    async def acquire(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """This process holds the Lease."""
        while not await self.try_once():
            await sleep(RETRY_SECONDS)

    async def hold(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Renews for as long as it can; returns only when the Lease is lost."""
        while self._clock() - self._renewed_at < RENEW_WITHIN_SECONDS:
            await sleep(RETRY_SECONDS)
            left = RENEW_WITHIN_SECONDS - (self._clock() - self._renewed_at)
            try:
                async with asyncio.timeout(max(0.1, left)):
                    await self.try_once()
            except TimeoutError:
                log.warning("renewing the Lease took too long")
            if self._seen is not None and self._seen.holder != self._me:
                return

    async def try_once(self) -> bool:
        """Whether this process holds the Lease after one look at it."""
        begun = self._clock()
        try:
            held = await self._lock.read()
            if held != self._seen:
                self._seen, self._seen_at = held, begun
            if not self._may_take(held, begun):
                return False
            self._seen = await self._lock.write(self._me, self._wall(), LEASE_SECONDS, held)
        except (ClusterUnavailable, Outdated, Refused) as reason:
            log.debug("the Lease was not written: %s", reason)
            return False
        # Counted from before it was asked for: the answer may have taken long.
        self._seen_at = self._renewed_at = begun
        return True

    def _may_take(self, held: Held | None, now: float) -> bool:
        """Free, ours, our predecessor's, or not renewed for its whole time as seen by our own clock."""
        if held is None or held.holder in ("", self._me) or is_earlier_start(held.holder, self._me):
            return True
        return now - self._seen_at >= LEASE_SECONDS

    async def release(self) -> None:
        """The next one need not wait."""
        if self._seen is None or self._seen.holder != self._me:
            return
        try:
            self._seen = await self._lock.write("", self._wall(), 1, self._seen)
        except (ClusterUnavailable, Outdated, Refused) as reason:
            log.warning("the Lease was not released: %s", reason)


def is_earlier_start(holder: str, me: str) -> bool:
    """Whether *holder* ran in this pod: a container is started again only when its process has ended."""
    pod, known, _ = me.rpartition("_")
    return bool(known) and holder.rpartition("_")[0] == pod
