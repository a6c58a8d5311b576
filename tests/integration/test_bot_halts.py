"""Every way to stop a real trader, measured by the venue's order log; what outlives it, and the one way back."""

import asyncio
import contextlib
import json
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import bots
from bots import Pod
from exchange_simulator.server import Venue, running
from halting import KEY, Watch, bars_later, bought, buys, gauge, sandboxed, simulator

Note = Callable[[str, str], None]
Trigger = Callable[[Pod], Awaitable[Any]]


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    async with running(simulator(), time.time) as made:
        yield made


async def flag(pod: Pod, name: str) -> None:
    await asyncio.to_thread((pod.folder / "data/state" / name).touch)


async def annotation(pod: Pod, text: str) -> None:
    await asyncio.to_thread((pod.folder / "podinfo/annotations").write_text, text)


TRIGGERS: dict[str, Trigger] = {
    "touch /data/state/kill_switch.flag": lambda pod: flag(pod, "kill_switch.flag"),
    "touch /data/state/halt": lambda pod: flag(pod, "halt"),
    "kubectl annotate pod tradingbot.io/halt=t": lambda pod: annotation(pod, 'tradingbot.io/halt="t"\n'),
    "POST /api/emergency/stop-all-trading": lambda pod: pod.api("/api/emergency/stop-all-trading", {}),
    "POST /api/halt": lambda pod: pod.api("/api/halt", {"reason": "t"}),
    "atb halt t": lambda pod: pod.atb("halt", "t"),
}


async def latched(path: str, count: int) -> None:
    """The ledger has so many halts: what acts already may not be written yet."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
                if book.execute("SELECT count(*) FROM halts").fetchone() == (count,):
                    return
            await asyncio.sleep(0.02)


async def resumed(pod: Pod) -> None:
    """No halt stands any more."""
    for halt in (await pod.status())["halts"]:
        assert (await pod.atb("resume", halt["id"], "the test goes on"))[0] == 0
    await pod.until(lambda seen: seen["state"] == "trading")


@pytest.mark.asyncio
@pytest.mark.row("S4-075")
@pytest.mark.row("S4-126")
async def test_each_trigger_ends_new_orders_within_two_seconds(venue: Venue, tmp_path: Path, evidence: Note) -> None:
    """Nothing but the pod's own files and ports is needed; for as long as it halts the venue sees no buy."""
    async with bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod:
        for name, trigger in TRIGGERS.items():
            await bought(venue, len(buys(venue)))
            watch = Watch()
            await trigger(pod)
            await pod.until(lambda seen: seen["state"] == "halted" and seen["halts"])
            took = watch.seconds
            seen = len(buys(venue))
            await bars_later(pod)
            late = len(buys(venue)) - seen
            evidence(name, f"halted after {took:.2f} s, {late} buys afterwards")
            assert took < 2, name
            assert late == 0, name
            await annotation(pod, "")
            await resumed(pod)
        assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S1-034")
@pytest.mark.row("S1-083")
@pytest.mark.row("S1-151")
async def test_a_halted_bot_is_degraded_and_ready_and_says_why(venue: Venue, tmp_path: Path, evidence: Note) -> None:
    """Halted is no reason to restart it or to take it out of its Service; log and status have the reason."""
    async with bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod:
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        assert (await pod.status())["trading"] == {"halted": False, "active": True}
        assert (await pod.api("/api/halt", {"reason": "spread looks wrong"}))[0] == 201
        seen = await pod.until(lambda seen: seen["state"] == "halted")
        evidence("GET :9090/status .trading", json.dumps(seen["trading"]))
        assert seen["trading"]["halted"] is True
        code, health = await pod.ops("/health")
        evidence("GET :9090/health", json.dumps(health))
        assert (code, health["status"], health["haltReason"]) == (200, "degraded", "spread looks wrong")
        assert (await pod.ops("/readyz"))[0] == (await pod.ops("/livez"))[0] == 200
        told = [line for line in map(json.loads, pod.log.splitlines()) if line["event"] == "Trading halted"]
        evidence("grep 'Trading halted'", json.dumps(told[0]))
        assert told[0]["reason"] == "spread looks wrong"
        assert pod.process.returncode is None
        assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S1-180")
@pytest.mark.row("S3-063")
@pytest.mark.row("S1-181")
async def test_an_emergency_stop_outlives_a_killed_process(venue: Venue, tmp_path: Path, evidence: Note) -> None:
    """The metric, the status and the ledger have it; a new process comes up halted and stays so."""
    rendered = sandboxed(tmp_path, venue.url)
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        await bought(venue, 0)
        code, made = await pod.api("/api/emergency/stop-all-trading", {"reason": "Emergency stop"})
        evidence("POST /api/emergency/stop-all-trading", json.dumps(made))
        assert (code, made["kind"], made["reason"]) == (201, "halt", "Emergency stop")
        await pod.until(lambda seen: [halt["reason"] for halt in seen["halts"]] == ["Emergency stop"])
        assert await gauge(pod, "trading_halted") == 1
        query = "SELECT reason FROM halts WHERE resumed_at IS NULL"
        _, latched, _ = await pod.atb("db", "query", "--scalar", query)
        evidence(f'atb db query --scalar "{query}"', latched)
        assert latched.strip() == "Emergency stop"
        await pod.stop(signal.SIGKILL)
    seen = len(buys(venue))
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        status = await pod.until(lambda seen: seen["state"] == "halted", 60)
        evidence("GET :9090/status after kill -9 and a new start", json.dumps(status["halts"]))
        await bars_later(pod)
        assert await gauge(pod, "trading_halted") == 1
        assert len(buys(venue)) == seen
        assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S2-033")
async def test_disabled_trading_lets_exits_go_on_and_survives_a_restart(
    venue: Venue, tmp_path: Path, evidence: Note
) -> None:
    """With a position held no entry follows, the strategy's exit does, and a restart changes nothing."""
    rendered = sandboxed(tmp_path, venue.url)
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        await pod.until(lambda seen: seen["positions"] and seen["positions"][0]["covered"] != "0", 60)
        code, made = await pod.api("/api/trading/disable", {"reason": "by hand"})
        evidence("POST /api/trading/disable", json.dumps(made))
        assert (code, made["kind"]) == (201, "reduce")
        seen = len(buys(venue))
        await pod.until(lambda status: not status["positions"] or float(status["positions"][0]["quantity"]) < 1e-4, 60)
        sold = [entry for entry in venue.exchange.log.entries if entry.side == "SELL" and entry.action == "fill"]
        assert sold
        await pod.stop(signal.SIGKILL)
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        status = await pod.until(lambda status: status["state"] == "halted", 60)
        await bars_later(pod)
        evidence("buys after the call, over a restart", str(len(buys(venue)) - seen))
        assert [halt["reason"] for halt in status["halts"]] == ["by hand"]
        assert len(buys(venue)) == seen
        assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S1-085")
@pytest.mark.row("S4-079")
async def test_only_a_resume_with_id_and_reason_lets_trading_go_on(
    venue: Venue, tmp_path: Path, evidence: Note
) -> None:
    """Neither a restart nor removing the flag file clears a halt; another cause that stands keeps it halted."""
    rendered = sandboxed(tmp_path, venue.url)
    flag_file = tmp_path / "data/state/kill_switch.flag"
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        await flag(pod, "kill_switch.flag")
        await annotation(pod, 'tradingbot.io/halt="the resource says so too"\n')
        await pod.until(lambda seen: len(seen["halts"]) == 2)
        await latched(rendered["database"]["path"], 2)
        await asyncio.to_thread(flag_file.unlink, True)
        await pod.stop(signal.SIGKILL)
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        await annotation(pod, 'tradingbot.io/halt="the resource says so too"\n')
        status = await pod.until(lambda seen: len(seen["halts"]) == 2 and seen["state"] == "halted", 60)
        halts = {halt["source"]: halt["id"] for halt in status["halts"]}
        refused, _, said = await pod.atb("resume", halts["flag"], " ")
        evidence("atb resume ID ' '", said)
        assert refused == 2
        assert (await pod.atb("resume", "h00000000", "checked"))[0] == 1
        assert (await pod.atb("resume", halts["flag"], "checked"))[0] == 0
        left = await pod.status()
        evidence("after the flag's halt was resumed", json.dumps(left["halts"]))
        assert (left["state"], [halt["source"] for halt in left["halts"]]) == ("halted", ["annotation"])
        assert (await pod.atb("resume", halts["annotation"], "checked"))[0] == 0
        await pod.until(lambda seen: seen["state"] == "trading")
        assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S3-039")
async def test_five_calls_are_five_more_in_the_summary(venue: Venue, tmp_path: Path, evidence: Note) -> None:
    """Callers are told apart by the fingerprint of their token."""
    async with bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod:
        await pod.until(lambda seen: True)
        before = (await pod.api("/api/security/api-usage/summary"))[1]
        for _ in range(5):
            assert (await pod.api("/api/positions"))[0] == 200
        after = (await pod.api("/api/security/api-usage/summary"))[1]
        evidence("GET /api/security/api-usage/summary", json.dumps(after))
        (caller,) = after["callers"]
        assert caller["calls"]["GET /api/positions"] == 5
        assert after["total"] - before["total"] == 6
        assert bots.TOKEN not in json.dumps(after)
        assert await pod.stop() == 0
