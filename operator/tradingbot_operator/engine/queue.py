"""The work queue: each key once, never two workers on one key, delays in a heap, back-off with jitter."""

import asyncio
import contextlib
import heapq
from collections.abc import Callable

Key = tuple[str, str, str]

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 60.0


class Queue:
    """Keys waiting for a worker. *clock* gives seconds that never go back, *jitter* a number from 0 to 1."""

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock, self._jitter = clock, jitter
        self._ready: dict[Key, float] = {}
        self._later: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: Key) -> None:
        """The key is looked at as soon as a worker is free; if one looks at it now, it is looked at once more."""
        if key in self._busy:
            self._again.add(key)
        else:
            self._ready.setdefault(key, self._clock())
            self._changed.set()

    def add_later(self, key: Key, seconds: float) -> None:
        """The key is looked at after *seconds*, or before if something happens; of several times the nearest."""
        due = self._clock() + seconds
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._later, (due, key))
            self._changed.set()

    async def take(self) -> Key:
        """The key that has waited longest; it stays with the caller until done or failed."""
        while (key := self.take_ready()) is None:
            await self._wait()
        return key

    def take_ready(self) -> Key | None:
        """As take, but None when no key waits now."""
        self._ripen()
        if not self._ready:
            return None
        key = next(iter(self._ready))
        del self._ready[key]
        self._busy.add(key)
        return key

    def done(self, key: Key) -> None:
        """The pass went well: the key's failures are forgotten."""
        self._failures.pop(key, None)
        self._free(key)

    def failed(self, key: Key) -> float:
        """The key comes back after a time that doubles with each failure; that time is the answer."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        longest: float = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(count, 16))
        delay = longest * (0.5 + self._jitter() / 2)
        again = key in self._again
        self._again.discard(key)
        self._busy.discard(key)
        self.add_later(key, delay)
        if again and count == 0:
            self.add(key)
        return delay

    def depth(self) -> int:
        return len(self._ready)

    def oldest_seconds(self) -> float:
        """How long the key at the head has waited for a worker."""
        head = next(iter(self._ready.values()), None)
        return 0.0 if head is None else self._clock() - head

    def _free(self, key: Key) -> None:
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _ripen(self) -> None:
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            due, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)

    async def _wait(self) -> None:
        self._changed.clear()
        pause = self._later[0][0] - self._clock() if self._later else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._changed.wait()
