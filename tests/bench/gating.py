"""Ten bots behind one address that want to place twice the orders its budget has, and a real rate gate before them."""

import asyncio
import contextlib
import json
import os
import pathlib
import time
from collections.abc import AsyncIterator
from typing import Any

from market import LOOSE, Market, answers, market
from wire import TRACE, quantile

import bots
from markets import DEEP_DATA

BOTS = 10
# A hundred orders in ten seconds are the budget (tradingbot/domain/provider.py): ten bots want two a second each, and
# take each one back again.
BUDGET_PER_S = 10
EVERY_MS = 250
BEATS = {"name": "metronome", "timeframe": "1m", "parameters": {"every_ms": str(EVERY_MS), "positions": "1"}}
TOO_MANY = {-1003, -1015}


@contextlib.asynccontextmanager
async def gate(folder: pathlib.Path) -> AsyncIterator[str]:
    """A gate of its own, at the address that is yielded."""
    port = bots.free_port()
    (folder / "token").write_text("only-in-this-bench")
    flags = ["rate-gate", "--listen", f"127.0.0.1:{port}", "--token-file", str(folder / "token")]
    with (folder / "gate.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            bots.ATB, *flags, env={"PATH": os.environ["PATH"]}, stdout=log, stderr=log
        )
    try:
        await answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def measured(folder: pathlib.Path, seconds: int) -> dict[str, float]:
    """What was refused, and how long cancels and stops waited for room, while all bots traded for *seconds*."""
    async with market(folder, DEEP_DATA, 1) as venue, gate(folder) as url, contextlib.AsyncExitStack() as running:
        pods = [await running.enter_async_context(await one(folder / f"bot-{n}", venue, url)) for n in range(BOTS)]
        await asyncio.gather(*(pod.until(lambda seen: seen["state"] == "trading", 300) for pod in pods))
        since = time.perf_counter_ns()
        await asyncio.sleep(seconds)
        until = time.perf_counter_ns()
        assert await asyncio.gather(*(pod.stop() for pod in pods)) == [0] * BOTS
        refused = await refusals(venue, url)
        spoken = sum("429" in line and "binance" in line for pod in pods for line in pod.log.splitlines())
    notes = [row for pod in pods for row in json.loads((pod.folder / "trace.json").read_text())]
    rooms = [detail for at, what, detail, _ in notes if what == "room" and since <= at <= until]
    return {"gate_429_count": refused + spoken, **waits(rooms, (until - since) / 1e9)}


async def one(folder: pathlib.Path, venue: Market, url: str) -> contextlib.AbstractAsyncContextManager[bots.Pod]:
    """A bot with an account of its own."""
    await venue.account(folder.name)
    rendered = bots.settings(
        folder,
        exchange={"endpoint": venue.url, "sandbox": True},
        strategy=BEATS,
        risk=LOOSE,
        operator={"url": None, "rate_gate": url},
    )
    return bots.pod(folder, rendered, folder.name, PYTHONPATH=str(TRACE), TRACE=str(folder / "trace.json"))


async def refusals(venue: Market, url: str) -> int:
    """How often the venue said that it was too much, by its own log and by what the gate was told."""
    _, told = await bots.asked(f"{url}/status")
    entries = (await venue.control("orders"))["entries"]
    backoffs = next(each["backoffs"] for each in told["providers"] if each["name"] == "binance")
    return int(backoffs) + sum(entry["code"] in TOO_MANY for entry in entries)


def waits(rooms: list[list[Any]], seconds: float) -> dict[str, float]:
    """*rooms* are nanoseconds waited and the kind; how much was asked for is told as a share of the budget."""
    urgent = [nanoseconds / 1e6 for nanoseconds, kind in rooms if kind == "urgent"]
    entries = sum(kind == "entry" for _, kind in rooms)
    return {
        "gate_cancel_wait_p50_ms": quantile(urgent, 0.5),
        "gate_cancel_wait_p99_ms": quantile(urgent, 0.99),
        "gate_cancel_count": len(urgent),
        "gate_asked_ratio": entries / seconds / BUDGET_PER_S,
    }
