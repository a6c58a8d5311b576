"""Bars that a bot keeps on its volume: the next process begins with them; a person can list and clear them."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bots
from bots import Pod
from exchange_simulator.server import running
from halting import gauge, simulator
from tradingbot.start.files import candles_folder

HOUR = 3600
WARM = 300


async def manager(pod: Pod, *arguments: str) -> str:
    """What ``atb data cache-manager`` says in the pod."""
    code, said, complaint = await pod.atb("data", "cache-manager", *arguments)
    assert code == 0, complaint
    return said


@pytest.mark.row("S0-145")
@pytest.mark.asyncio
async def test_a_restarted_bot_asks_for_new_bars_only_and_old_ones_are_cleared(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """Two processes on one volume: the second finds what the first was told; what nobody wrote for long goes."""
    engine = {"warmup_bars": WARM, "max_bars_in_memory": WARM}
    async with running(simulator(60), time.time) as venue:
        rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url}, engine=engine)
        async with bots.pod(tmp_path, rendered) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            assert await gauge(pod, "cache_hits_total") == 0
            assert await gauge(pod, "cache_misses_total") > WARM
            assert await gauge(pod, "cache_symbols") == 1
            assert await pod.stop() == 0
        async with bots.pod(tmp_path, rendered) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            hits, misses = await gauge(pod, "cache_hits_total"), await gauge(pod, "cache_misses_total")
            assert hits + misses > WARM
            assert hits > 0
            assert await gauge(pod, "bars_in_memory") == WARM
            assert await gauge(pod, "market_volatility") > 0
            assert await pod.stop() == 0
    (kept,) = json.loads(await manager(pod, "info", "--json"))["entries"]
    assert (kept["exchange"], kept["symbol"], kept["timeframe"], kept["bars"]) == ("binance", "BTC/USDT", "1m", WARM)
    assert await manager(pod, "clear-old", "--hours", "48") == "0 entries removed\n"
    (path,) = candles_folder(tmp_path / "data").iterdir()
    os.utime(path, (time.time() - 49 * HOUR,) * 2)
    said = await manager(pod, "clear-old", "--hours", "48")
    evidence("atb data cache-manager clear-old --hours 48", said)
    assert said == "1 entries removed\n"
    assert json.loads(await manager(pod, "info", "--json"))["entries"] == []
