"""A real ``atb`` beside a simulator in this process: start, trade, halt, end."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import bots
from bots import Pod
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings

KEYS = "simulator-demo"


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    """A simulator that runs 240 times as fast: a bar every quarter of a second."""
    async with running(Settings(port=0, pace=Pace(Mode.FREE, 240.0)), time.time) as made:
        yield made


@pytest_asyncio.fixture
async def sandboxed(venue: Venue, tmp_path: Path) -> AsyncIterator[Pod]:
    """A bot that trades in the simulator as its sandbox."""
    rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url, "sandbox": True})
    async with bots.pod(tmp_path, rendered, KEYS) as made:
        yield made


@pytest.mark.asyncio
async def test_orders_reach_the_sandbox_and_the_pod_ends_cleanly(sandboxed: Pod, venue: Venue) -> None:
    """A sandbox bot trades with the venue, and SIGTERM ends it with exit 0, "Shutdown complete", nothing in flight."""
    status = await sandboxed.until(lambda seen: any(o["status"] == "filled" for o in seen["last_orders"]), 60)
    assert status["epoch"] == 1
    code, trades = await sandboxed.api("/api/trades")
    assert code == 200
    assert trades
    assert await sandboxed.stop() == 0
    assert '"Shutdown complete"' in sandboxed.log
