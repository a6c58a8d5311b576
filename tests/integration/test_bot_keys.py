"""Exchange keys of a real trader: what they may do, what becomes of a refused one, and where they never are."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bots
from exchange_simulator.control.faults import Fault
from exchange_simulator.server import Venue, running
from halting import KEY, TRADES, bought, buys, gauge, minutes_later, sandboxed, simulator

Note = Callable[[str, str], None]
MANY = 100


def attempts(venue: Venue) -> int:
    """How often the refused key was tried."""
    (fault,) = venue.exchange.faults.active
    return MANY - (fault.count or 0)


@pytest.mark.asyncio
@pytest.mark.row("S0-149")
@pytest.mark.row("S1-077")
async def test_a_key_the_venue_no_longer_takes_halts_the_bot_and_is_forgotten(tmp_path: Path, evidence: Note) -> None:
    """A few questions make sure, then the bot is halted KeyRevoked, holds no key and asks nothing any more."""
    async with (
        running(simulator(), time.time) as venue,
        bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod,
    ):
        await bought(venue, 0)
        assert await gauge(pod, "keys_loaded") == 1
        venue.exchange.faults.add(Fault(0, "auth_refused", count=MANY))
        status = await pod.until(lambda seen: seen["halts"], 60)
        (halt,) = status["halts"]
        evidence("GET :9090/status .halts (key refused with -2015)", json.dumps(halt))
        assert (halt["cause"], halt["kind"]) == ("KeyRevoked", "halt")
        assert await gauge(pod, "keys_loaded") == 0
        tried, seen = attempts(venue), len(buys(venue))
        await minutes_later(venue)
        evidence("requests with the refused key", str(tried))
        assert attempts(venue) == tried <= 12
        assert len(buys(venue)) == seen
        assert (await pod.ops("/livez"))[0] == 200
        assert await pod.stop() in (0, 1)


@pytest.mark.asyncio
async def test_a_refusal_that_passes_is_none(tmp_path: Path) -> None:
    """One refused request and a good answer after it: the bot trades on with its key."""
    async with (
        running(simulator(), time.time) as venue,
        bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod,
    ):
        await bought(venue, 0)
        venue.exchange.faults.add(Fault(0, "auth_refused", "POST /api/v3/order", count=1))
        await bought(venue, len(buys(venue)) + 2)
        assert await gauge(pod, "keys_loaded") == 1
        assert (await pod.status())["halts"] == []
        assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S4-040")
@pytest.mark.parametrize(
    ("permissions", "word"),
    [(TRADES | {"withdraw"}, "may withdraw"), (frozenset({"read"}), "may not trade")],
    ids=["withdraw", "read-only"],
)
async def test_a_key_that_may_do_too_much_or_too_little_starts_nothing(
    permissions: frozenset[str], word: str, tmp_path: Path, evidence: Note
) -> None:
    """The process ends with 78 and a sentence that names field and cure; the venue has seen no order."""
    async with (
        running(simulator(permissions=permissions), time.time) as venue,
        bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod,
    ):
        code = await asyncio.wait_for(pod.process.wait(), 60)
        told = json.loads(next(line for line in pod.log.splitlines() if "UnsafeKeyPermissions" in line))["event"]
        evidence("atb paper", f"exit {code}: {told}")
        assert (code, buys(venue)) == (78, [])
        assert told.startswith("UnsafeKeyPermissions: ")
        assert word in told


@pytest.mark.asyncio
@pytest.mark.row("S4-004")
async def test_an_empty_key_is_named(tmp_path: Path, evidence: Note) -> None:
    """A mounted key of no letters is as good as none: the start is refused and names it."""
    folder = tmp_path
    environment = bots.mounted(folder, sandboxed(folder, "http://127.0.0.1:9"), KEY)
    (folder / "secrets/exchange/apiKey").write_text("\n")
    done = await asyncio.create_subprocess_exec(
        bots.ATB, "check", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await done.communicate()
    said = (out + err).decode()
    evidence("atb check (empty apiKey)", said)
    assert done.returncode == 78
    assert "apiKey" in said
    assert KEY not in said
