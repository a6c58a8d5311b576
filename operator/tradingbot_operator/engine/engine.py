"""The loop: events into the store and the queue, keys out of the queue into a pass, and what went wrong back with a delay."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.domain.kinds import Kind
from tradingbot_operator.domain.outcome import Outcome
from tradingbot_operator.engine.queue import Key, Queue
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally

log = logging.getLogger(__name__)
Pass = Callable[[Key], Awaitable[Outcome]]


class Engine:
    """Decides when a bot is looked at, never what is done about it."""

    def __init__(self, queue: Queue, store: Store, tally: Tally, one_pass: Pass) -> None:
        self.queue, self.store, self.tally = queue, store, tally
        self._pass = one_pass

    def happened(self, kind: Kind, change: str, body: Mapping[str, Any]) -> None:
        """An object was listed, added, changed or deleted: the bot it concerns will be looked at, if it can matter."""
        self.tally.event(kind.kind, change)
        key = self.store.drop(kind, body) if change == "DELETED" else self.store.put(kind, body)
        if key:
            self.queue.add(key)

    async def work(self) -> None:
        """One worker, for ever."""
        while True:
            key = await self.queue.take()
            await self._one(key)

    async def _one(self, key: Key) -> None:
        started = asyncio.get_running_loop().time()
        result = "error"
        try:
            outcome = await self._pass(key)
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
        except Exception:
            log.exception("a pass over %s failed; it will be tried again", "/".join(key))
            self.queue.failed(key)
        finally:
            self.tally.passed(key[0], result, asyncio.get_running_loop().time() - started)

    def _later(self, key: Key, reason: Exception, level: int) -> None:
        delay = self.queue.failed(key)
        log.log(level, "%s: %s; again in %.1f s", "/".join(key), reason, delay)
