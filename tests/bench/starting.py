"""How long a bot takes to serve and to end, what it holds while idle, and what two hundred symbols cost it."""

import asyncio
import pathlib
import signal
import statistics
import time
from itertools import product
from string import ascii_uppercase

from market import LOOSE, Market, answers, market, zigzag
from meters import Process

import bots
import postgres
from exchange_simulator.settings import DATA

IDLE_SECONDS = 5
MINUTES_A_SECOND = 60.0


async def started(folder: pathlib.Path, runs: int) -> dict[str, float]:
    """Medians of *runs* bots that trade at the venue with keys, one after the other."""
    ready, resident, ended = [], [], []
    async with market(folder, DATA, 1) as venue:
        for number in range(runs):
            one = await one_start(folder / f"bot-{number}", venue)
            ready.append(one[0])
            resident.append(one[1])
            ended.append(one[2])
    return {
        "ready_p50_s": statistics.median(ready),
        "idle_rss_mb": statistics.median(resident),
        "sigterm_to_exit_p50_s": statistics.median(ended),
    }


async def one_start(folder: pathlib.Path, venue: Market) -> tuple[float, float, float]:
    await venue.account(folder.name)
    rendered = bots.settings(folder, exchange={"endpoint": venue.url, "sandbox": True}, risk=LOOSE)
    async with bots.pod(folder, rendered, folder.name) as pod:
        await answers(f"http://{rendered['listen']['ops']}/readyz")
        ready = time.monotonic() - pod.began
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        await asyncio.sleep(IDLE_SECONDS)
        resident, since = pod.resident_mb(), time.monotonic()
        assert await pod.stop(signal.SIGTERM) == 0
        return ready, resident, time.monotonic() - since


def names(count: int) -> list[str]:
    """So many coins that nobody has heard of."""
    return ["".join(letters) for letters in product("XYZ", ascii_uppercase, ascii_uppercase)][:count]


async def symbols(folder: pathlib.Path, count: int, seconds: float) -> dict[str, float]:
    """Cores that a bot of *count* symbols uses while each closes a bar a second, and every one is decided."""
    coins = names(count)
    data = zigzag(folder / "recordings", [f"{coin}USDT" for coin in coins])
    with postgres.server(fsync=True) as server:
        server.create("many")
        async with market(folder, data, MINUTES_A_SECOND) as venue:
            rendered = bots.settings(
                folder / "bot",
                exchange={"endpoint": venue.url, "symbols": [f"{coin}/USDT" for coin in coins]},
                strategy={"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "10", "slow": "50"}},
                risk=LOOSE,
                database={"mode": "postgres"},
            )
            async with bots.pod(folder / "bot", rendered, url=server.url("many")) as pod:
                await pod.until(lambda seen: seen["state"] == "trading", 120)
                first = await decided(pod)
                await bars(pod, first + 2 * count)
                process, since, seen = Process(pod.process.pid), time.monotonic(), await decided(pod)
                used = process.cpu_s()
                await asyncio.sleep(seconds)
                used, lasted, more = process.cpu_s() - used, time.monotonic() - since, await decided(pod) - seen
                assert await pod.stop() == 0
    return {
        f"symbols_{count}_cpu_cores": used / lasted,
        f"symbols_{count}_bars_per_s": more / lasted,
        f"symbols_{count}_cpu_ms_per_bar": 1000 * used / more,
    }


async def decided(pod: bots.Pod) -> float:
    """How many bars the bot has decided."""
    _, text = await pod.ops("/metrics")
    lines = (line for line in str(text).splitlines() if line.startswith("tradingbot_bars"))
    return sum(float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#"))


async def bars(pod: bots.Pod, count: float, within: float = 120) -> None:
    async with asyncio.timeout(within):
        while await decided(pod) < count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
