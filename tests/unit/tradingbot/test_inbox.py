"""What reaches the process, and that nothing keeps it from ending."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from tradingbot.domain.candle import Candle
from tradingbot.inbox import Inbox, Turn, ended


def test_a_task_that_misses_its_cancellation_is_ended_all_the_same():
    """A wait that ends together with its cancellation swallows it; the next one is heard."""

    async def story() -> bool:
        woken = asyncio.Event()

        async def pump() -> None:
            while True:
                await asyncio.wait_for(woken.wait(), 60)
                woken.clear()

        task = asyncio.create_task(pump())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        woken.set()
        await asyncio.wait_for(ended([task]), 5)
        return task.cancelled()

    assert asyncio.run(story())


def test_one_turn_of_a_kind_waits_at_a_time():
    """A second one before the first was taken is the same one; another kind is not."""

    async def story() -> list[object]:
        inbox = Inbox()
        for turn in (Turn.ROW, Turn.ROW, Turn.TIMER):
            inbox.wake(turn)
        seen = [await inbox.next(), await inbox.next()]
        inbox.wake(Turn.ROW)
        return [*seen, await inbox.next()]

    assert asyncio.run(story()) == [Turn.ROW, Turn.TIMER, Turn.ROW]


def test_news_of_the_lease_row_comes_before_everything_that_waits():
    """An order to hand over is not kept behind ticks and candles: every one of them is time without a trader."""

    async def story() -> list[object]:
        inbox = Inbox()
        for turn in (Turn.TICK, Turn.TIMER, Turn.ROW):
            inbox.wake(turn)
        return [await inbox.next() for _ in range(3)]

    assert asyncio.run(story()) == [Turn.ROW, Turn.TICK, Turn.TIMER]


def test_the_timer_has_its_turn_though_something_always_waits():
    """Ticks that come in step with it would else keep halts of others, and what is unsettled, from being looked at."""

    class Quiet:
        async def changed(self, within: timedelta) -> bool:
            await asyncio.sleep(within.total_seconds())
            return False

    async def silence() -> AsyncIterator[Candle]:
        await asyncio.Event().wait()
        yield

    async def story() -> Turn:
        inbox = Inbox()
        inbox.open(silence(), timedelta(milliseconds=5), Quiet())
        event = None
        async with asyncio.timeout(5):
            while event is not Turn.TIMER:
                inbox.wake(Turn.TICK)
                await asyncio.sleep(0)
                event = await inbox.next()
                inbox.wake(Turn.TICK)
        await inbox.close()
        return event

    assert asyncio.run(story()) is Turn.TIMER
