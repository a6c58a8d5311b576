"""Asks the bots' processes: once when a pod becomes ready, then at a slow pace; only an answer with a new meaning is news."""

import asyncio
from collections.abc import Awaitable, Callable

from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.domain.observed import Report
from tradingbot_operator.engine.engine import Engine

Ask = Callable[[str], Awaitable[Report | None]]
TICK_SECONDS = 0.5
AT_ONCE = 32


class Polling:
    """Who was asked when."""

    def __init__(self, engine: Engine, ask: Ask, every_seconds: float) -> None:
        self._engine, self._ask, self._every = engine, ask, every_seconds
        self._asked: dict[str, float] = {}
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
        self._asked = {uid: at for uid, at in self._asked.items() if uid in alive}
        due = [(bot, pod) for bot, pod in answering if now - self._asked.get(pod.uid, float("-inf")) >= self._every]
        self._asked |= {pod.uid: now for _, pod in due}
        await asyncio.gather(*(self._one(bot, pod.uid, pod.ip or "") for bot, pod in due))

    async def _one(self, bot: tuple[str, str], uid: str, ip: str) -> None:
        async with self._limit:
            report = await self._ask(ip)
        if self._engine.store.heard(uid, report):
            self._engine.queue.add((BOT.kind, *bot))
