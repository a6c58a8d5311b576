"""A real trader whose venue fails at one thing: what it asks again, what it leaves alone, what it does all the same."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bots
from bots import Pod
from exchange_simulator.control.faults import Fault
from exchange_simulator.server import Venue, running
from halting import KEY, sandboxed, simulator
from trading import AT_ONCE

Note = Callable[[str, str], None]
QUICK = {"failures": 2, "recovery_timeout": "3s"}
ACCOUNT = "binance/account"
OFTEN = {"check_interval": "5s"}


def account(status: dict[str, Any]) -> dict[str, Any]:
    return next((each for each in status["circuit_breakers"] if each["name"] == ACCOUNT), {"state": None})


async def gone(venue: Venue) -> None:
    async with asyncio.timeout(30):
        while venue.exchange.faults.active:  # noqa: ASYNC110 - the venue shares this loop
            await asyncio.sleep(0.02)


@pytest.mark.asyncio
@pytest.mark.row("S1-086")
@pytest.mark.row("S1-087")
@pytest.mark.row("S1-088")
async def test_an_account_that_cannot_be_read_keeps_nobody_from_closing(tmp_path: Path, evidence: Note) -> None:
    """Entries wait and say why, a position is closed all the same, and when its time has come the breaker closes."""
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(tmp_path, venue.url, strategy=AT_ONCE, engine=OFTEN, circuit_breaker=QUICK)
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            await pod.until(lambda seen: seen["positions"], 60)
            venue.exchange.faults.add(Fault(0, "status", "GET /api/v3/account", parameters={"status": 500}))
            status = await pod.until(lambda seen: account(seen)["state"] == "open" and seen["state"] == "blocked")
            found = account(status)
            evidence("curl :9090/status | jq .circuit_breakers", json.dumps(status["circuit_breakers"]))
            assert found["last_error"].startswith("privateGetAccount: 500")
            assert (found["trips"], found["opened_at"] is None) == (1, False)
            assert status["trading_active"] is False
            assert status["blocks"] == [f"{ACCOUNT} failed 2 times, last: {found['last_error']}"]
            await pod.api("/api/emergency/close-all-positions", {"reason": "the account cannot be read"})
            await pod.until(lambda seen: seen["flat"] and all(each["dust"] for each in seen["positions"]), 60)
            venue.exchange.faults.remove(None)
            await pod.until(lambda seen: account(seen)["state"] == "closed")
            said = [line for line in map(json.loads, pod.log.splitlines()) if line.get("breaker") == ACCOUNT]
            moves = [(line["was"], line["state"]) for line in said]
            evidence("kubectl logs | jq 'select(.breaker)' (recovery_timeout 3s)", str(moves))
            assert (moves[0], moves[-1]) == (("closed", "open"), ("half_open", "closed"))
            assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S4-088")
@pytest.mark.row("S3-079")
@pytest.mark.row("S1-070")
async def test_a_read_is_asked_three_times_and_what_failed_says_how(tmp_path: Path, evidence: Note) -> None:
    """Two lost answers are nobody's business; a limit is, and is a word of the log; a reset closes what it opened."""
    async with running(simulator(), time.time) as venue:
        rule = {"failures": 1, "recovery_timeout": "1h"}
        rendered = sandboxed(tmp_path, venue.url, engine=OFTEN, circuit_breaker=rule)
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            limit = {"status": 429, "retry_after": 1}
            venue.exchange.faults.add(Fault(0, "status", "GET /api/v3/account", 1, parameters=limit))
            await pod.until(lambda seen: account(seen)["state"] == "open")
            venue.exchange.faults.add(Fault(0, "lost_answer", "GET /api/v3/openOrders", 2, parameters={"how": "drop"}))
            await gone(venue)
            await pod.until(lambda seen: seen["exchange"] == "ok")
            kinds = failures(pod)
            evidence("kubectl logs | jq 'select(.error_kind)' (429, then 2 of 3 dropped)", json.dumps(kinds))
            assert kinds[0] == "rate_limit"
            assert "network" not in kinds
            assert {each["state"] for each in (await pod.status())["circuit_breakers"]} == {"open", "closed"}
            code, out, _ = await pod.atb("breaker", "list")
            assert (code, out.splitlines()[2].split()[:2]) == (0, [ACCOUNT, "open"])
            code, out, _ = await pod.atb("breaker", "reset", "--name", ACCOUNT)
            assert (code, out) == (0, f"closed: {ACCOUNT}\n")
            await pod.until(lambda seen: seen["state"] == "trading")
            _, text = await pod.ops("/metrics")
            shown = [line for line in text.splitlines() if f'breaker="{ACCOUNT}"' in line and 'state="closed"' in line]
            query = "SELECT subject, details FROM audit_logs WHERE subject = 'POST /api/circuit-breakers/reset'"
            async with asyncio.timeout(30):
                while not (told := (await pod.atb("db", "query", "--json", query))[1]).strip().endswith("}\n]"):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.1)
            evidence(
                f"atb breaker reset --name {ACCOUNT}; pql circuit_breaker_state; audit_logs", f"{out} {shown} {told}"
            )
            assert [line.rpartition(" ")[2] for line in shown] == ["1.0"]
            assert json.loads(json.loads(told)[0]["details"])["status"] == 200
            assert await pod.stop() == 0


def failures(pod: Pod) -> list[str]:
    """How each read that failed says it did, in order."""
    lines = map(json.loads, pod.log.splitlines())
    return [line["error_kind"] for line in lines if "error_kind" in line]
