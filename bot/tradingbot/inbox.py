"""What reaches the process, one after the other: candles, the venue's events, the lease row, and turns of timers."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from tradingbot.domain.candle import Candle
from tradingbot.domain.order import Fill, OrderReport
from tradingbot.domain.ports import LeaseWatch

ROW_WITHIN = timedelta(seconds=1)


class Turn(StrEnum):
    """What comes without content; one of a kind waits at a time."""

    TIMER = "timer"
    ROW = "row"  # the lease row may have changed
    TICK = "tick"  # a strategy that decides on a timer is due


Event = Candle | OrderReport | Fill | Turn


class Waiting(asyncio.Queue[Event]):
    """In the order they came, but news of the lease row before all: for a successor every event before it is time."""

    def _put(self, item: Event) -> None:
        if item is Turn.ROW:
            self._queue.appendleft(item)  # type: ignore[attr-defined]
        else:
            super()._put(item)


class Inbox:
    """A queue that its pumps fill; *ended* once the candles have come to their end."""

    def __init__(self) -> None:
        self._queue = Waiting()
        self._tasks: list[asyncio.Task[None]] = []
        self._account: list[asyncio.Task[None]] = []
        self._waiting: set[Turn] = set()
        self._taken = False
        self._failure: BaseException | None = None
        self.ended = False

    @property
    def is_over(self) -> bool:
        return self.ended and self._queue.empty()

    @property
    def is_empty(self) -> bool:
        """True when nothing else has come."""
        return self._queue.empty()

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
        if isinstance(event, Turn):
            self._waiting.discard(event)
        return event

    def answered(self) -> None:
        if self._taken:
            self._taken = False
            self._queue.task_done()

    def wake(self, turn: Turn = Turn.TIMER) -> None:
        """*turn* has come; a second one before it was taken is the same one."""
        if turn not in self._waiting:
            self._waiting.add(turn)
            self._queue.put_nowait(turn)

    def open(self, candles: AsyncIterator[Candle], turn: timedelta | None, watch: LeaseWatch) -> None:
        """Market data, the timer and the lease row come, once for the life of the process."""
        if self._tasks:
            return
        pumps: list[Coroutine[Any, Any, None]] = [self._candles(candles), self._rows(watch)]
        if turn is not None:
            pumps.append(self._timer(turn))
        self._tasks = [self._pump(pump) for pump in pumps]

    def listen(self, events: AsyncIterator[OrderReport | Fill], tick: timedelta | None) -> None:
        """The account's own events come, and every *tick* a strategy's turn, until *unlisten*."""
        pumps: list[Coroutine[Any, Any, None]] = [self._events(events)]
        if tick is not None:
            # Its first turn does not wait for the venue to have opened the stream.
            pumps.insert(0, self._ticks(tick))
        self._account = [self._pump(pump) for pump in pumps]

    async def unlisten(self) -> None:
        """Nothing private reaches this process any more."""
        await ended(self._account)
        self._account = []

    def _pump(self, pump: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(pump)
        task.add_done_callback(self._noticed)
        return task

    def _noticed(self, task: "asyncio.Task[None]") -> None:
        # A pump that failed must not leave a trader who waits for ever.
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self.wake()

    async def close(self) -> None:
        await ended([*self._account, *self._tasks])

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
            # Also behind other events: ticks may come in step with the timer for ever.
            self.wake()

    async def _rows(self, watch: LeaseWatch) -> None:
        while True:
            if await watch.changed(ROW_WITHIN):
                self.wake(Turn.ROW)

    async def _ticks(self, every: timedelta) -> None:
        """Ticks keep their beat; one that comes while the last is not answered is left out."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self.wake(Turn.TICK)
            due = max(due + every.total_seconds(), loop.time())
            await asyncio.sleep(due - loop.time())


async def ended(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """None of *tasks* runs any more."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        # wait_for loses a cancellation that comes together with its result: asked again until it is heard.
        _, running = await asyncio.wait(running, timeout=0.1)
