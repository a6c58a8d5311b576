"""Somebody else trades on the account of a real trader: it says so, and stops where it is asked to."""

import time
from pathlib import Path

import pytest

import bots
from exchange_simulator.server import running
from halting import KEY, bars_later, buys, gauge, minutes_later, sandboxed, simulator
from trading import AT_ONCE

CHEAP = {"api_key": KEY, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "9000"}


@pytest.mark.asyncio
async def test_a_persons_order_halts_where_that_is_asked_for_and_a_resume_holds(tmp_path: Path) -> None:
    """Named in status and counted; nothing is bought; once resumed, the same order does not halt again."""
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(
            tmp_path, venue.url, strategy=AT_ONCE, engine={"check_interval": "5s"}, reconcile={"foreign_orders": "halt"}
        )
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            placed = await bots.asked(f"{venue.url}/control/foreign", CHEAP)
            assert placed[0] == 200
            status = await pod.until(lambda seen: seen["halts"] and seen["outside"], 60)
            (halt,) = status["halts"]
            assert (halt["cause"], halt["kind"], halt["source"]) == ("ForeignActivity", "halt", "foreign")
            assert status["outside"] == ["an order of somebody else: buy 0.01 BTC/USDT"]
            assert await gauge(pod, "tradingbot_foreign_activity") == 1
            seen = len(buys(venue))
            await minutes_later(venue, 8)
            assert len(buys(venue)) == seen
            assert (await pod.api("/api/resume", {"id": halt["id"], "reason": "it is mine"}))[0] == 200
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            # The account is looked at every five seconds, which are twenty bars here.
            await bars_later(pod)
            assert (await pod.status())["halts"] == []
            assert await pod.stop() == 0
