"""A day of the venue at a hundred times the pace, with a fault every few minutes of it, and what it leaves behind."""

import asyncio
import json
import pathlib
import signal
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from typing import Any

import psycopg
from market import LOOSE, Market, market

import bots
import invariants
import postgres
from markets import DEEP_DATA
from trading import OFTEN

PACE = 100.0
# As the venue or the way to it fails; each is over well before the next. Seconds are of the wall.
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop_socket", "stream": "all", "seconds": 2},
    {"kind": "status", "status": 503, "seconds": 3},
    {"kind": "lost_answer", "how": "drop", "route": "POST /api/v3/order", "count": 1},
    {"kind": "duplicate_event", "count": 5},
    {"kind": "drop_socket", "stream": "market", "seconds": 1},
    {"kind": "reorder_events", "count": 5},
    {"kind": "delay_after", "ms": 300, "count": 5},
    {"kind": "lost_answer", "how": "drop", "route": "POST /api/v3/order/cancelReplace", "count": 1},
    {"kind": "drop_socket", "stream": "user", "seconds": 5},
)
# Of the wall: about every twelve minutes of the venue.
FAULT_EVERY_SECONDS = 7.0
LOOKS, LOOK_SECONDS = 5, 2.0


@dataclass(frozen=True)
class Look:
    """The least of some looks: memory, objects, tasks."""

    resident_mb: float
    objects: int
    tasks: int


async def measured(folder: pathlib.Path, seconds: int) -> dict[str, float]:
    """What has grown from a quarter of *seconds* to their end, and what ledger and venue disagree on."""
    with postgres.server() as server:
        server.create("long")
        async with market(folder, DEEP_DATA, PACE) as venue:
            await venue.account("longlife")
            rendered = bots.settings(
                folder / "bot",
                exchange={"endpoint": venue.url, "sandbox": True},
                strategy=OFTEN,
                risk=LOOSE,
                database={"mode": "postgres"},
            )
            async with bots.pod(folder / "bot", rendered, "longlife", server.url("long")) as pod:
                await pod.until(lambda seen: seen["state"] == "trading", 60)
                faults = asyncio.create_task(troubled(venue))
                await asyncio.sleep(seconds / 4)
                early = await looked(pod)
                await asyncio.sleep(seconds * 3 / 4)
                faults.cancel()
                await venue.control("faults", {"kind": "drop_socket", "stream": "all"})
                late = await looked(pod)
                await pod.until(lambda seen: not seen["unresolved"], 60)
                assert await pod.stop() == 0
            wrong = await mismatches(venue, server.url("long"))
            trades = len((await venue.control("accounts/longlife"))["trades"])
    for each in wrong:
        print(f"longlife: {each}", flush=True)
    return {
        "longlife_rss_growth_mb": late.resident_mb - early.resident_mb,
        "longlife_objects_growth_count": late.objects - early.objects,
        "longlife_objects_count": late.objects,
        "longlife_tasks_growth_count": late.tasks - early.tasks,
        "longlife_ledger_mismatch_count": len(wrong),
        "longlife_trades_count": trades,
    }


async def troubled(venue: Market) -> None:
    """One fault after the other, until cancelled."""
    for fault in cycle(FAULTS):
        await asyncio.sleep(FAULT_EVERY_SECONDS)
        await venue.control("faults", fault)


async def looked(pod: bots.Pod) -> Look:
    """Dumps that the bot writes when it is signalled; what is only waiting to be collected is not in the least."""
    found = []
    for _ in range(LOOKS):
        before = set(pod.folder.glob("data/dumps/*.json"))
        pod.process.send_signal(signal.SIGUSR2)
        async with asyncio.timeout(60):
            while not (new := set(pod.folder.glob("data/dumps/*.json")) - before):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        await asyncio.sleep(LOOK_SECONDS)
        told = json.loads(new.pop().read_text())
        found.append(Look(told["rss_bytes"] / 2**20, told["objects"], sum(told["tasks"].values())))
    return Look(*(min(values) for values in zip(*((e.resident_mb, e.objects, e.tasks) for e in found), strict=True)))


async def mismatches(venue: Market, url: str) -> list[str]:
    """One sentence for each thing that ledger and venue do not say alike."""
    books = await venue.control("accounts/longlife")
    with psycopg.connect(url) as server:
        fills = dict(server.execute("SELECT trade_id, quantity FROM fills").fetchall())
        rows = server.execute("SELECT client_id, status FROM outcomes").fetchall()
    trades = {str(trade["id"]): Decimal(trade["qty"]) for trade in books["trades"]}
    wrong = [f"trade {name} is not in the ledger" for name in trades.keys() - fills.keys()]
    wrong += [f"trade {name} is not at the venue" for name in fills.keys() - trades.keys()]
    wrong += [
        f"trade {name} is {fills[name]} and {trades[name]}"
        for name in fills.keys() & trades.keys()
        if fills[name] != trades[name]
    ]
    placed = [order["clientOrderId"] for order in books["orders"]]
    wrong += [f"order {name} has no intent" for name in invariants.orders_without_intent(placed, dict(rows))]
    standing = [order["clientOrderId"] for order in books["open_orders"]]
    wrong += [f"intent {name} has not ended" for name in invariants.unended_intents(dict(rows), standing)]
    held = invariants.held(books["trades"], "BTC")
    stops = [Decimal(order["origQty"]) for order in books["open_orders"]]
    if stops and invariants.uncovered(held, stops, invariants.STEP):
        wrong.append(f"{held} are held under stops for {sum(stops)}")
    return wrong
