"""Bars that a bot keeps on its volume: the next process begins with them; a person can list and clear them."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import bots
from bots import Pod
from exchange_simulator.server import running
from halting import gauge, simulator
from trading import candle
from tradingbot.domain.hours import DAYS
from tradingbot.start.files import candles_folder
from tradingbot.venues.candle_files import Bound, CandleFiles

HOUR = 3600
WARM = 300
# No trader is as small as that: it keeps what deciding needs, and not twice as much.
TOO_LARGE = {"max_bars_in_memory": 2 * WARM, "soft_memory_limit_mb": 64}
MEBIBYTE = 1024 * 1024
PREFILL = "atb data prefill-cache --symbols BTCUSDT ETHUSDT --timeframes 1h --years 1"
YEAR = 365 * 24
PLACE = ("binance", "http://venue")
NOBODY: Any = None


async def manager(pod: Pod, *arguments: str) -> str:
    """What ``atb data cache-manager`` says in the pod."""
    code, said, complaint = await pod.atb("data", "cache-manager", *arguments)
    assert code == 0, complaint
    return said


async def shrunk(pod: Pod) -> None:
    async with asyncio.timeout(60):
        while not await gauge(pod, "caches_shrunk"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def listed(pod: Pod) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(await manager(pod, "info", "--json"))["entries"]
    return found


@pytest.mark.row("S0-145")
@pytest.mark.asyncio
async def test_a_restarted_bot_asks_for_new_bars_only_and_old_ones_are_cleared(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """Two processes on one volume: the second finds what the first was told; what nobody wrote for long goes."""
    engine = {"warmup_bars": WARM, "max_bars_in_memory": WARM}
    async with running(simulator(60), time.time) as venue:
        rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url}, engine=engine)
        async with bots.pod(tmp_path, {**rendered, "engine": {**engine, **TOO_LARGE}}) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            assert await gauge(pod, "cache_hits_total") == 0
            assert await gauge(pod, "cache_misses_total") > WARM
            assert await gauge(pod, "cache_symbols") == 1
            await shrunk(pod)
            assert await gauge(pod, "bars_in_memory") == WARM
            assert await pod.stop() == 0
        async with bots.pod(tmp_path, rendered) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            hits, misses = await gauge(pod, "cache_hits_total"), await gauge(pod, "cache_misses_total")
            assert hits + misses > WARM
            assert hits > 0
            assert await gauge(pod, "bars_in_memory") == WARM
            assert await gauge(pod, "market_volatility") > 0
            assert await pod.stop() == 0
    (kept,) = await listed(pod)
    assert (kept["exchange"], kept["symbol"], kept["timeframe"], kept["bars"]) == ("binance", "BTC/USDT", "1m", WARM)
    assert await manager(pod, "clear-old", "--hours", "48") == "0 entries removed\n"
    (path,) = candles_folder(tmp_path / "data").iterdir()
    os.utime(path, (time.time() - 49 * HOUR,) * 2)
    said = await manager(pod, "clear-old", "--hours", "48")
    evidence("atb data cache-manager clear-old --hours 48", said)
    assert said == "1 entries removed\n"
    assert await listed(pod) == []


@pytest.mark.row("S1-154")
@pytest.mark.row("S0-030")
@pytest.mark.row("S0-081")
@pytest.mark.asyncio
async def test_a_bot_of_a_closed_market_waits_and_its_volume_takes_no_more_than_it_may(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """Nothing is entered at an hour at which its market is closed; the past of two markets is gathered meanwhile."""
    async with running(simulator(60), time.time) as venue:
        today = datetime.fromtimestamp(venue.exchange.clock.now_ms() / 1000, UTC).weekday()
        hours = f"{DAYS[(today + 3) % 7]} 00:00-23:59"
        rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url}, trading_day={"hours": hours})
        async with bots.pod(tmp_path, rendered) as pod:
            seen = await pod.until(lambda seen: seen["state"] == "blocked" and seen["market_data"]["volatility"], 60)
            closed = await gauge(pod, "market_open")
            evidence(f"trading_day.hours {hours}: curl :9090/metrics | grep market_open", f"{closed} {seen['blocks']}")
            assert (closed, seen["market_data"]["open"]) == (0, False)
            assert seen["blocks"] == [f"the market is closed: it opens {hours} (UTC), but for holidays"]
            await prefilled(pod, evidence)
            assert await pod.stop() == 0


async def prefilled(pod: Pod, evidence: Callable[[str, str], None]) -> None:
    """The past of two markets lies beside a bot at work; one that is too large leaves the folder in its bound."""
    code, said, complaint = await pod.atb("data", *PREFILL.split()[2:], "--json")
    assert code == 0, complaint
    assert [(each["symbol"], each["bars"]) for each in json.loads(said)] == [("BTC/USDT", YEAR), ("ETH/USDT", YEAR)]
    assert await gauge(pod, "cache_symbols") == 2
    evidence(f"{PREFILL}; cache_symbols", f"{said} 2")
    changed = {**pod.rendered, "data": {"cache_mib": 1}}
    (pod.folder / "settings.json").write_text(json.dumps(changed))
    filling = asyncio.create_task(pod.atb("data", *PREFILL.split()[2:]))
    sizes = []
    while not filling.done():
        sizes.append(await gauge(pod, "cache_size_bytes"))
        await asyncio.sleep(0.05)
    code, _, complaint = await filling
    assert code == 78
    assert complaint.startswith("atb: data.cache_mib 1 does not hold so many bars")
    assert 0 < await gauge(pod, "cache_size_bytes") <= MEBIBYTE
    evidence(f"data.cache_mib 1: {PREFILL}; cache_size_bytes", f"{complaint} {sizes}")


@pytest.mark.row("S0-079")
@pytest.mark.asyncio
async def test_what_nobody_wrote_for_its_time_is_named_expired_and_can_be_purged(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """An hour is all that these bars may be believed; the others stay."""
    rendered = bots.settings(tmp_path, data={"cache_ttl": "1h"})
    pod = Pod(tmp_path, rendered, bots.mounted(tmp_path, rendered), NOBODY, 0)
    files = CandleFiles(candles_folder(tmp_path / "data"), PLACE, Bound(MEBIBYTE, timedelta(hours=1)))
    for symbol in ("BTC/USDT", "ETH/USDT"):
        files.store(symbol, "1m", [candle()])
    old = min(files.folder.iterdir())
    os.utime(old, (time.time() - 2 * HOUR,) * 2)
    said = await listed(pod)
    evidence("atb data cache-manager info, after the TTL of data.cache_ttl 1h", json.dumps(said))
    assert [(each["symbol"], each["expired"]) for each in said] == [("BTC/USDT", True), ("ETH/USDT", False)]
    assert files.load("BTC/USDT", "1m") == ()
    assert await manager(pod, "purge-expired") == "1 entries removed\n"
    assert [each["symbol"] for each in await listed(pod)] == ["ETH/USDT"]
