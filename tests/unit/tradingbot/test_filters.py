"""The venue's steps and bounds are read again once a day, behind the trader, and replace what was known."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from trading import BTC, START, CountingMetrics, instrument
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.filters import Filters
from tradingbot.venues.replay import ReplayClock

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
FINE, COARSE = instrument(), replace(instrument(), price_step=Decimal(5))


@dataclass
class Listing:
    """A fake feed that tells what it lists, counts the questions, and may be away."""

    listed: Any = FINE
    asked: int = 0
    away: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def instruments(self, symbols):
        self.asked += 1
        if self.asked > 1:
            await self.gate.wait()
        if self.away is not None:
            raise self.away
        return dict.fromkeys(symbols, self.listed)


def story(act) -> CountingMetrics:
    """*act* with filters that were read at START."""
    metrics = CountingMetrics()

    async def told() -> None:
        feed, clock = Listing(), ReplayClock(START)
        parts: Any = SimpleNamespace(feed=feed, clock=clock, metrics=metrics, settings=SimpleNamespace(symbols=(BTC,)))
        filters = Filters(parts)
        filters.look()
        assert feed.asked == 0
        known = await filters.read()
        assert (known, filters.read_at) == ({BTC: FINE}, START)
        await act(feed, clock, filters, known)
        await filters.close()

    asyncio.run(told())
    return metrics


async def idle() -> None:
    """Whatever can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_day_later_they_are_read_again_where_they_are_used():
    """Nobody waits for it, and it is asked once."""

    async def act(feed, clock, filters, known) -> None:
        clock.move_to(START + DAY - SECOND)
        filters.look()
        await idle()
        assert feed.asked == 1
        clock.move_to(START + DAY)
        feed.listed = COARSE
        filters.look()
        filters.look()
        await idle()
        clock.move_to(START + 2 * DAY)
        filters.look()
        await idle()
        assert (feed.asked, known[BTC]) == (2, FINE)
        feed.gate.set()
        await idle()
        assert (feed.asked, known[BTC], filters.read_at) == (2, COARSE, START + 2 * DAY)

    assert story(act).said == []


@pytest.mark.parametrize("away", [VenueUnavailable("away"), Misconfigured("BTC/USDT is not listed")])
def test_what_was_not_told_is_asked_an_hour_later_and_known_until_then(away: Exception):
    """It is counted; the age goes on."""

    async def act(feed, clock, filters, known) -> None:
        feed.gate.set()
        feed.away = away
        clock.move_to(START + DAY)
        filters.look()
        await idle()
        filters.look()
        await idle()
        assert (feed.asked, known[BTC], filters.read_at) == (2, FINE, START)
        clock.move_to(START + DAY + HOUR)
        feed.away = None
        filters.look()
        await idle()
        assert (feed.asked, filters.read_at) == (3, START + DAY + HOUR)

    assert story(act).said == [("failure", "filters")]


def test_who_ends_meanwhile_leaves_no_question_behind():
    """The question that is out is let go."""

    async def act(feed, clock, filters, known) -> None:
        clock.move_to(START + DAY)
        filters.look()
        await idle()
        assert feed.asked == 2

    assert story(act).said == []
