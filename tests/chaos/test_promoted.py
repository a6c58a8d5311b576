"""A real bot whose PostgreSQL dies and whose replica, promoted behind it, answers at the same address."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import bots
import postgres
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings
from markets import DEEP_DATA, morning

KEY = "simulator-demo"
OPEN = {"name": "metronome", "parameters": {"every_ms": "300", "notional": "50", "positions": "2"}}
RISK = {"max_orders_per_minute": 10000, "max_order_notional": "1000", "max_position_notional": "5000"}


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    played = Settings(port=0, pace=Pace(Mode.FREE, 1.0), data=DEEP_DATA, start_ms=morning())
    async with running(played, time.time) as made:
        yield made


async def sent(venue: Venue) -> list[dict[str, Any]]:
    """Everything asked for at the venue, oldest first."""
    entries = (await bots.asked(f"{venue.url}/control/orders"))[1]["entries"]
    return [each for each in entries if each["action"] in ("order", "cancel", "cancelReplace")]


async def grown(venue: Venue, by: int) -> list[dict[str, Any]]:
    seen, ends = await sent(venue), time.monotonic() + 60
    while len(now := await sent(venue)) < len(seen) + by:
        assert time.monotonic() < ends, f"only {len(now) - len(seen)} of {by} more requests came"
        await asyncio.sleep(0.1)
    return now


def epochs(entries: list[dict[str, Any]]) -> list[int]:
    return [int(each["client_id"][7:11], 36) for each in entries if each["action"] == "order"]


@pytest.mark.asyncio
async def test_a_bot_does_nothing_on_a_promoted_replica_until_it_was_adopted(venue: Venue, tmp_path: Path) -> None:
    """The replica lacks its newest orders. It sends nothing; adopted, it takes stock under a far epoch, halted; resumed
    by a person it trades, and no order of it ever went back in epoch."""
    rendered = bots.settings(
        tmp_path,
        exchange={"endpoint": venue.url, "sandbox": True},
        strategy=OPEN,
        risk=RISK,
        database={"mode": "postgres"},
    )
    with postgres.server() as primary:
        primary.create("moving")
        with postgres.replica(primary) as copy:
            async with bots.Line(primary.port) as line:
                url = f"postgresql://postgres@127.0.0.1:{line.port}/moving"
                async with bots.pod(tmp_path, rendered, KEY, url) as pod:
                    await pod.until(lambda seen: seen["state"] == "trading", 60)
                    await grown(venue, 3)
                    copy.until("SELECT max(sequence) >= 3 FROM intents", "moving")
                    copy.part()
                    await grown(venue, 10)
                    os.kill(primary.pid, signal.SIGQUIT)
                    copy.promote()
                    line.lead_to(copy.port)
                    status = await pod.until(lambda seen: "LedgerMoved" in seen["database"], 60)
                    assert not status["trading_active"]
                    before = await sent(venue)
                    command = ("db", "adopt", "--ledger-id", status["ledger_id"], "--above", str(status["epoch"] or 1))
                    ends = time.monotonic() + 60
                    while (done := await pod.atb(*command))[0] == 75:
                        assert time.monotonic() < ends, done
                    assert done[0] == 0, done
                    # Only a fresh start may claim.
                    assert await asyncio.wait_for(pod.process.wait(), 60) == 0, pod.log[-2000:]
                    assert await sent(venue) == before
                async with bots.pod(tmp_path, rendered, KEY, url) as pod:
                    status = await pod.until(lambda seen: seen["state"] == "halted" and seen["epoch"], 60)
                    assert [halt["id"] for halt in status["halts"]] == ["moved-1001"]
                    assert status["epoch"] == 1002
                    assert status["adoption"]["recovered"] + status["adoption"]["cancelled"] > 0
                    assert (await pod.atb("resume", "moved-1001", "compared"))[0] == 0
                    await pod.until(lambda seen: seen["state"] == "trading", 60)
                    last = epochs(await grown(venue, 3))
                    assert (sorted(last), last[-1]) == (last, 1002)
                    await pod.stop()
