"""What reaches the engine, one after the other: candles, the venue's events, and turns of the timer."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import timedelta
from typing import Any

from tradingbot.domain.candle import Candle
from tradingbot.domain.order import Fill, OrderReport

Event = Candle | OrderReport | Fill | None  # None is a turn of the timer


class Inbox:
    """A queue that its pumps fill; *ended* once the candles have come to their end."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._taken = False
        self._failure: BaseException | None = None
        self.ended = False

    @property
    def is_over(self) -> bool:
        return self.ended and self._queue.empty()

    @property
    def is_idle(self) -> bool:
        """True when everything that came has been answered."""
        return self._queue.empty() and not self._taken

    async def next(self) -> Event:
        """The next event; it counts as answered when the one after it is asked for."""
        self.answered()
        event = await self._queue.get()
        if self._failure is not None:
            raise self._failure
        self._taken = True
        return event

    def answered(self) -> None:
        if self._taken:
            self._taken = False
            self._queue.task_done()

    def wake(self) -> None:
        """The timer has turned."""
        self._queue.put_nowait(None)

    def open(
        self, candles: AsyncIterator[Candle], events: AsyncIterator[OrderReport | Fill], turn: timedelta | None
    ) -> None:
        """The pumps run, once."""
        if self._tasks:
            return
        pumps: list[Coroutine[Any, Any, None]] = [self._candles(candles), self._events(events)]
        if turn is not None:
            pumps.append(self._timer(turn))
        self._tasks = [asyncio.create_task(pump) for pump in pumps]
        for task in self._tasks:
            task.add_done_callback(self._noticed)

    def _noticed(self, task: "asyncio.Task[None]") -> None:
        # A pump that failed must not leave a trader who waits for ever.
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self.wake()

    async def close(self) -> None:
        await ended(self._tasks)

    async def _candles(self, candles: AsyncIterator[Candle]) -> None:
        async for candle in candles:
            self._queue.put_nowait(candle)
            # A recording goes on only when the trader has seen the bar.
            await self._queue.join()
        self.ended = True
        self.wake()

    async def _events(self, events: AsyncIterator[OrderReport | Fill]) -> None:
        async for event in events:
            self._queue.put_nowait(event)

    async def _timer(self, turn: timedelta) -> None:
        while True:
            await asyncio.sleep(turn.total_seconds())
            if self._queue.empty():
                self.wake()


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """None of *tasks* runs any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
