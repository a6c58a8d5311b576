"""From a closed candle's bytes to an order's: a real ``atb live`` on PostgreSQL at the simulator, traced inside.

The clock starts when the bytes of the frame that closes a bar have been read from the socket, and stops when the first
bytes of the order have been given to the kernel. What the bot waited in between for answers of the venue (before an
exit it asks how its stop stands) is the network's and the venue's, and left out; it is told beside it.
"""

import json
import pathlib
import statistics
from dataclasses import dataclass
from typing import Any

from market import EVERY_BAR, LOOSE, market, zigzag

import bots
import postgres

TRACE = pathlib.Path(__file__).with_name("trace")
# Two bars a second: everything that follows an order has ended before the next bar closes.
SPEED = 120.0
FIRST = 10


@dataclass(frozen=True)
class Way:
    """One order: milliseconds from the candle, those waited for answers of the venue, and those of the processor."""

    kind: str
    whole: float
    waited: float
    busy: float

    @property
    def own(self) -> float:
        return self.whole - self.waited


def ways(notes: list[list[Any]]) -> list[Way]:
    """The first order after each candle that led to one."""
    found: list[Way] = []
    candle, waited, began = None, 0, 0
    for at, what, detail, busy in sorted(notes, key=lambda row: row[0]):
        if what == "candle":
            candle, waited, began = at, 0, busy
        elif what == "read" and candle is not None:
            waited += min(detail, at - candle)
        elif what == "order" and candle is not None:
            found.append(Way(detail, (at - candle) / 1e6, waited / 1e6, (busy - began) / 1e6))
            candle = None
    return found


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


async def measured(folder: pathlib.Path, orders: int) -> dict[str, float]:
    """The ways of *orders* orders; the first ones warm up."""
    data = zigzag(folder / "recordings", ["BTCUSDT"])
    with postgres.server(fsync=True) as server:
        server.create("live")
        async with market(folder, data, SPEED) as venue:
            await venue.account("wire")
            rendered = bots.settings(
                folder / "bot",
                mode="live",
                exchange={"endpoint": venue.url},
                strategy=EVERY_BAR,
                risk=LOOSE,
                database={"mode": "postgres"},
            )
            trace = folder / "trace.json"
            named = {"PYTHONPATH": str(TRACE), "TRACE": str(trace)}
            async with bots.pod(folder / "bot", rendered, "wire", server.url("live"), **named) as pod:
                await pod.until(lambda seen: seen["state"] == "trading", 60)
                await pod.until(lambda seen: intents(seen) >= orders + FIRST, 60 + orders)
                assert await pod.stop() == 0
    notes = json.loads(trace.read_text())
    found = ways(notes)[FIRST:]
    inserts = [row[2] / 1e6 for row in notes if row[1] == "decide"][FIRST:]
    busy = {"tick_to_wire_cpu_p50_ms": statistics.median(way.busy for way in found)}
    told = figures("tick_to_wire", [way.own for way in found]) | busy | parts(found)
    return told | figures("fenced_insert", inserts)


def intents(seen: dict[str, Any]) -> int:
    """How many orders were sent, by the number in the newest id; about two of three answer a bar at once."""
    newest = seen["last_orders"][0]["client_id"] if seen["last_orders"] else "0"
    return int(newest[-7:], 36) * 2 // 3


def figures(name: str, values: list[float]) -> dict[str, float]:
    return {
        f"{name}_p50_ms": statistics.median(values),
        f"{name}_p99_ms": quantile(values, 0.99),
        f"{name}_count": len(values),
    }


def parts(found: list[Way]) -> dict[str, float]:
    """What enters and what leaves, each alone, with what was waited for."""
    shown: dict[str, float] = {}
    for name, path in (("entry", "POST /api/v3/order"), ("exit", "POST /api/v3/order/cancelReplace")):
        mine = [way for way in found if way.kind == path]
        if mine:
            shown[f"tick_to_wire_{name}_p50_ms"] = statistics.median(way.own for way in mine)
            shown[f"tick_to_wire_{name}_waited_p50_ms"] = statistics.median(way.waited for way in mine)
    return shown
