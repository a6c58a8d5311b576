"""Asks the bots' processes: soon after a change, then at a slow pace; only an answer with a new meaning is news."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.domain.observed import Pod, Report
from tradingbot_operator.engine.engine import Engine

Ask = Callable[[str], Awaitable[Report | None]]
TICK_SECONDS = 0.5
SOON_SECONDS = 2.0
SETTLING_SECONDS = 20.0
AT_ONCE = 32
# What says so will say something else before long: nobody is to read for half a minute that a bot does not trade.
PASSING = ("starting", "blocked", "stopping")


@dataclass(frozen=True, slots=True)
class Asked:
    """When a pod was last asked, as what it was known then, and since when it is so."""

    at: float
    known: Pod
    since: float


class Polling:
    """Who was asked when. A pod that changed, does not answer, or waits for something is asked again soon."""

    def __init__(self, engine: Engine, ask: Ask, every_seconds: float) -> None:
        self._engine, self._ask, self._every = engine, ask, every_seconds
        self._asked: dict[str, Asked] = {}
        self._passing: set[str] = set()
        self._limit = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self.round(loop.time())
            await asyncio.sleep(TICK_SECONDS)

    async def round(self, now: float) -> None:
        """Every pod that is due has been asked once."""
        answering = self._engine.store.answering()
        alive = {pod.uid for _, pod in answering}
        self._asked = {uid: asked for uid, asked in self._asked.items() if uid in alive}
        self._passing &= alive
        due = [(bot, pod) for bot, pod in answering if self._is_due(pod, now)]
        await asyncio.gather(*(self._one(bot, pod) for bot, pod in due))

    def _is_due(self, pod: Pod, now: float) -> bool:
        asked = self._asked.get(pod.uid)
        if asked is None or asked.known != pod:
            self._asked[pod.uid] = Asked(now, pod, now)
            return True
        settling = now - asked.since < SETTLING_SECONDS or pod.uid in self._passing
        if now - asked.at < (min(SOON_SECONDS, self._every) if settling else self._every):
            return False
        self._asked[pod.uid] = Asked(now, pod, asked.since)
        return True

    async def _one(self, bot: tuple[str, str], pod: Pod) -> None:
        async with self._limit:
            report = await self._ask(pod.ip or "")
        if report is None or report.state in PASSING:
            self._passing.add(pod.uid)
        else:
            self._passing.discard(pod.uid)
        if self._engine.store.heard(pod.uid, report):
            self._engine.queue.add((BOT.kind, *bot))
