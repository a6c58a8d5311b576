"""Real processes that must not trade with real money: what they are kept from, and what follows from it."""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

import bots
import tradingbot.settings
from bots import Line, Pod
from exchange_simulator.server import Venue, running
from halting import KEY, gauge, sandboxed, simulator
from tradingbot.cli.program import run
from tradingbot.start import drill
from tradingbot.venues import practice

Note = Callable[[str, str], None]
ATTEMPTS = "SELECT * FROM audit_logs WHERE event_type = 'REAL_TRADE_ATTEMPT'"
# The function without which a layer lets everything through, and where it is.
WITHOUT = {
    "settings": (tradingbot.settings, "is_real_address"),
    "lines": (practice, "is_real"),
    "keys": (drill, "load_secrets"),
}
ELSEWHERE = (
    b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://api.binance.com/api/v3/order\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Detour(Line):
    """A way to the sandbox; once it leads *astray*, an order is answered with where the venue itself is."""

    astray = False

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._pumps |= {
            asyncio.create_task(self._pump(there, writer)),
            asyncio.create_task(self._asked(reader, back, writer)),
        }

    async def _asked(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.astray and data.startswith(b"POST /api/v3/order"):
                    writer.write(ELSEWHERE)
                    await writer.drain()
                    break
                back.write(data)
                await back.drain()
        writer.close()
        back.close()


@dataclass
class Site:
    pod: Pod
    venue: Venue
    way: Detour


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A bot that trades at the simulator, which it takes for the venue's sandbox."""
    folder = tmp_path_factory.mktemp("paper")
    async with running(simulator(), time.time) as venue, Detour(int(venue.url.rpartition(":")[2])) as way:
        rendered = sandboxed(folder, f"http://127.0.0.1:{way.port}")
        async with bots.pod(folder, rendered, KEY) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            yield Site(pod, venue, way)
            assert await pod.stop() == 0


async def api(pod: Pod, path: str) -> Any:
    code, told = await pod.api(path)
    assert code == 200
    return told


@pytest.mark.row("S3-013")
@pytest.mark.row("S3-021")
@pytest.mark.row("S3-065")
async def test_an_order_that_is_led_to_the_venue_itself_is_kept_from_it(site: Site, evidence: Note) -> None:
    """Its sandbox answers one order with the venue's address: it is not asked, it is counted, told, and halts."""
    pod = site.pod
    safety, listed = await api(pod, "/api/health/safety"), await api(pod, "/api/audit/real-trades/today")
    evidence("before: GET /api/health/safety; GET /api/audit/real-trades/today", f"{safety} {listed}")
    assert (safety["realTradesBlocked"], safety["paperModeConsistent"], listed) == (0, True, [])
    site.way.astray = True
    (halt,) = (await pod.until(lambda seen: seen["halts"], 60))["halts"]
    site.way.astray = False
    assert (halt["cause"], halt["kind"], halt["source"]) == ("PaperViolation", "halt", "safety")
    assert "POST api.binance.com/api/v3/order would have been asked" in halt["reason"]
    blocked = (await api(pod, "/api/health/safety"))["realTradesBlocked"]
    evidence("api GET /api/health/safety | jq .realTradesBlocked", str(blocked))
    counted = await gauge(pod, "real_trades_blocked_total")
    evidence("pql real_trades_blocked_total", str(counted))
    assert (blocked, counted) == (1, 1)
    # Written behind the trader: nobody waits for it.
    async with asyncio.timeout(30):
        while not (listed := await api(pod, "/api/audit/real-trades/today")):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    evidence("GET /api/audit/real-trades/today", json.dumps(listed))
    assert [(each["event_type"], each["subject"]) for each in listed] == [
        ("REAL_TRADE_ATTEMPT", "POST api.binance.com/api/v3/order")
    ]
    # What became of the order is asked of the sandbox, as after every answer that was lost.
    await pod.until(lambda seen: not seen["unresolved"], 60)


@pytest.mark.row("S3-070")
async def test_attempts_are_found_by_the_runbooks_statement(site: Site, evidence: Note) -> None:
    """As it is written, by the verb that can only read."""
    code, out, _ = await site.pod.atb("db", "query", "--json", ATTEMPTS)
    evidence(f'atb db query "{ATTEMPTS}"', out)
    (row,) = json.loads(out)
    assert (code, row["event_type"], json.loads(row["details"])) == (
        0,
        "REAL_TRADE_ATTEMPT",
        {"attempts": 1, "mode": "paper"},
    )


@pytest.mark.row("S3-073")
async def test_the_drill_passes_in_the_pod_and_fails_for_each_layer_that_is_gone(site: Site, evidence: Note) -> None:
    """No layer is missing; each of them taken away in turn is named, and the exit code is 1."""
    code, out, _ = await site.pod.atb("safety", "verify")
    evidence("atb safety verify; echo $?", f"{out}{code}")
    assert (code, [line.split()[:2] for line in out.splitlines()]) == (
        0,
        [["ok", "settings:"], ["ok", "lines:"], ["ok", "keys:"], ["ok", "words:"]],
    )
    for layer, (place, name) in WITHOUT.items():
        code, out = await asyncio.to_thread(drilled, site.pod, place, name)
        evidence(f"atb safety verify (without the {layer}); echo $?", f"{out}{code}")
        failed = [line.split()[1] for line in out.splitlines() if line.startswith("FAIL")]
        assert (code, failed) == (1, [f"{layer}:"])


def drilled(pod: Pod, place: Any, name: str) -> tuple[int, str]:
    """Exit code and words of the drill in the pod, in this process and with the function *name* gone from *place*."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        for variable, value in pod.environment.items():
            patch.setenv(variable, value)
        patch.setattr(place, name, lambda _: SimpleNamespace(exchange="held") if name == "load_secrets" else False)
        return run(["safety", "verify"]), said.getvalue()


@pytest.mark.row("S3-015")
async def test_a_pod_that_somebody_told_to_trade_for_real_halts(tmp_path: Path, evidence: Note) -> None:
    """The variable decides nothing; that it contradicts the settings is found within ten seconds, and shown."""
    async with bots.pod(tmp_path, bots.settings(tmp_path, mode="sim"), ALLOW_REAL="true") as pod:
        await pod.until(lambda seen: True)
        status = await pod.until(lambda seen: seen["halts"], 10)
        evidence("kubectl set env deployment/btc-blue ALLOW_REAL=true; /status | jq .halts", str(status["halts"]))
        assert [each["cause"] for each in status["halts"]] == ["PaperViolation"]
        safety = await api(pod, "/api/health/safety")
        assert safety["differences"] == ["ALLOW_REAL is 'true' and the mode is sim"]
        consistent = await gauge(pod, "paper_mode_consistent")
        evidence("pql paper_mode_consistent; pql paper_trading_mode", f"{consistent} {safety['paperTradingMode']}")
        assert (consistent, await gauge(pod, "paper_trading_mode")) == (0, 1)
        assert await pod.stop() == 0
