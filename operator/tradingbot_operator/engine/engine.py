"""The loop: events into the store and the queue, keys out of the queue into a pass, failures back with a delay."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tradingbot_operator.cluster.memory import Memory, place, trace
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated, Refused
from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, NAMESPACE, Kind
from tradingbot_operator.domain.outcome import Outcome
from tradingbot_operator.engine.queue import Key, Queue
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally

log = logging.getLogger(__name__)
Pass = Callable[[Key], Awaitable[Outcome]]
# So long passes wait at the most: an API server that does not answer must not keep everything.
HURRY_SECONDS = 5.0


class Engine:
    """Decides when a bot is looked at, never what is done about it."""

    def __init__(self, queue: Queue, store: Store, memory: Memory, tally: Tally) -> None:
        self.queue, self.store, self.memory, self.tally = queue, store, memory, tally
        self._halted: asyncio.Queue[str] = asyncio.Queue()
        self._calm = asyncio.Event()
        self._calm.set()

    def happened(self, kind: Kind, change: str, body: Mapping[str, Any]) -> None:
        """An object was listed, added, changed or deleted: what it concerns will be looked at, if it can matter."""
        self.tally.event(kind.kind, change)
        gone = change == "DELETED"
        if kind == DEPLOYMENT:
            self._noticed(body, gone)
        if kind in (BOT, NAMESPACE):
            self.memory.saw_order(body)
        keys = self.store.drop(kind, body) if gone else self.store.put(kind, body)
        if kind == NAMESPACE and keys:
            self._calm.clear()
            self._halted.put_nowait(body["metadata"]["name"])
        for key in keys:
            self.queue.add(key)

    def _noticed(self, body: Mapping[str, Any], gone: bool) -> None:
        now = None if gone else trace(body, ("", ""))
        bot = self.memory.noticed(place(body, DEPLOYMENT.kind), now)
        if bot:
            self.queue.add((BOT.kind, *bot))

    async def work(self, one_pass: Pass) -> None:
        """One worker, for ever."""
        while True:
            key = await self.queue.take()
            # A fleet that is to stop is told first: a pass has ten requests, and an order one.
            await self._calm.wait()
            await self.one(key, one_pass)

    async def hurry(self, carry: Callable[[str], Awaitable[None]]) -> None:
        """For ever: a namespace whose halt has changed is carried to its pods before another pass begins."""
        while True:
            namespace = await self._halted.get()
            try:
                async with asyncio.timeout(HURRY_SECONDS):
                    await carry(namespace)
            except Exception:
                log.exception("%s: its halt could not be carried at once; the passes carry it", namespace)
            if self._halted.empty():
                self._calm.set()

    async def one(self, key: Key, one_pass: Pass) -> None:
        """One pass over *key*, whose end the queue knows of."""
        started = asyncio.get_running_loop().time()
        result = "error"
        try:
            outcome = await one_pass(key)
            result = outcome.result
            self.queue.done(key)
            if outcome.again_seconds is not None:
                self.queue.add_later(key, outcome.again_seconds)
        except Outdated as reason:
            result = "outdated"
            self._later(key, reason, logging.DEBUG)
        except ClusterUnavailable as reason:
            result = "unavailable"
            self._later(key, reason, logging.WARNING)
        except Refused as reason:
            result = "refused"
            self._later(key, reason, logging.ERROR)
        except Exception:
            log.exception("a pass over %s failed; it will be tried again", "/".join(key))
            self.queue.failed(key)
        finally:
            self.tally.passed(key[0], result, asyncio.get_running_loop().time() - started)

    def _later(self, key: Key, reason: Exception, level: int) -> None:
        delay = self.queue.failed(key)
        log.log(level, "%s: %s; again in %.1f s", "/".join(key), reason, delay)
