"""A real trader that is wrong, fast, out of time or told to close: what it does, by the venue's order log."""

import asyncio
import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

import bots
from exchange_simulator.control.faults import Fault
from exchange_simulator.domain.entry import Entry
from exchange_simulator.server import running
from halting import KEY, LOOSE, SPEED, bars_later, bought, buys, gauge, sandboxed, simulator
from trading import AT_ONCE

Note = Callable[[str, str], None]


BOUGHT, DROPPED = "signals_total", "signals_dropped_total"
MARKETS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]


@pytest.mark.asyncio
@pytest.mark.row("S0-152")
@pytest.mark.row("S0-154")
async def test_a_strategy_that_asks_for_too_many_orders_is_halted(tmp_path: Path, evidence: Note) -> None:
    """Three wishes at each bar, two orders a minute allowed: entries end at the limit, for good."""
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(tmp_path, venue.url, strategy=AT_ONCE, risk={"max_orders_per_minute": 2})
        rendered["exchange"]["symbols"] = MARKETS
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            status = await pod.until(lambda seen: seen["halts"], 60)
            (halt,) = status["halts"]
            evidence("GET :9090/status .halts (max_orders_per_minute 2)", json.dumps(halt))
            assert (halt["cause"], halt["kind"]) == ("Runaway", "reduce")
            seen = len(buys(venue))
            assert seen <= 2
            await bars_later(pod)
            assert len(buys(venue)) == seen
            code, out, _ = await pod.atb("signals", "--last", "50", "--json")
            told = [signal for signal in json.loads(out) if signal["action"] == "enter"]
            refused = [signal for signal in told if signal["refusal"] == "TooManyOrders"]
            evidence("kx atb signals --last 50 --json", json.dumps(told[-3:]))
            assert (code, len(refused) >= 1) == (0, True)
            assert all(signal["reason"] and signal["price"] and signal["inputs"] for signal in told)
            assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S1-183")
@pytest.mark.row("S3-082")
async def test_three_positions_are_closed_and_each_trade_says_why(tmp_path: Path, evidence: Note) -> None:
    """The call is answered at once; then every market is flat and every sell carries the reason.

    They were wished at one bar, and entered two seconds apart because somebody asked for that.
    """
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(tmp_path, venue.url, strategy=AT_ONCE)
        rendered["exchange"]["symbols"] = MARKETS
        (tmp_path / "data/state").mkdir(parents=True)
        (tmp_path / "data/state/halt").write_text("not before it is paced")
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            (halt,) = (await pod.until(lambda seen: seen["state"] == "halted", 60))["halts"]
            said = await pod.api("/api/config/rate-limit", {"delay": 2000})
            evidence('api POST /api/config/rate-limit {"delay": 2000}', str(said))
            shown = (await pod.status())["rate_limit"]
            assert (said[0], said[1]["rate_limit"]["delay_ms"], shown["delay_ms"]) == (200, 2000, 2000)
            await pod.api("/api/resume", {"id": halt["id"], "reason": "it is paced"})
            await pod.until(lambda seen: len(seen["positions"]) == 3 and seen["open_orders"] == 3, 60)
            gaps = apart(buys(venue))
            evidence("GET /control/orders: seconds between the buys", str(gaps))
            # A request is on its way for some time; without the delay all three come within a quarter of a second.
            assert len(gaps) == 2
            assert min(gaps) > 1.5
            code, made = await pod.api("/api/emergency/close-all-positions", {"reason": "Emergency closure"})
            evidence("POST /api/emergency/close-all-positions", json.dumps(made))
            assert (code, made["kind"]) == (201, "flatten")
            await pod.until(lambda seen: seen["open_orders"] == 0 and all(small(each) for each in seen["positions"]))
            query = "SELECT symbol, reason FROM intents WHERE purpose = 'exit' ORDER BY symbol"
            _, out, _ = await pod.atb("db", "query", "--json", query)
            evidence(f'atb db query "{query}"', out)
            assert json.loads(out) == [{"symbol": symbol, "reason": "Emergency closure"} for symbol in MARKETS]
            assert await pod.stop() == 0


def apart(entries: list[Entry]) -> list[float]:
    """Seconds of ours between each of *entries* and the next."""
    return [round((later.arrived_ms - before.arrived_ms) / 1000 / SPEED, 2) for before, later in pairwise(entries)]


def small(position: dict[str, str]) -> bool:
    return float(position["quantity"]) * float(position["mark"]) < 10


@pytest.mark.asyncio
@pytest.mark.row("S4-092")
async def test_a_clock_that_is_off_by_more_than_a_second_lets_nothing_in(tmp_path: Path, evidence: Note) -> None:
    """The venue's time moves by 1.2 s: within a minute the bot is blocked and says by how much."""
    async with (
        running(simulator(1), time.time) as venue,
        bots.pod(tmp_path, sandboxed(tmp_path, venue.url, strategy=AT_ONCE), KEY) as pod,
    ):
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        began = time.monotonic()
        venue.exchange.faults.add(Fault(0, "clock_skew", parameters={"ms": 1200}))
        status = await pod.until(lambda seen: seen["state"] == "blocked", 70)
        evidence("GET :9090/status .blocks", f"{status['blocks']} after {time.monotonic() - began:.0f} s")
        assert time.monotonic() - began < 62
        assert "the venue's clock is 1.2 s from ours" in status["blocks"]
        assert status["trading_active"] is False
        venue.exchange.faults.remove(None)
        assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S4-076")
@pytest.mark.row("S4-008")
async def test_a_gentle_end_frees_the_lease_and_no_key_is_ever_written(tmp_path: Path, evidence: Note) -> None:
    """Exit code 0 after the last line, a released row, and the key in no line, file or answer."""
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(tmp_path, venue.url, logging={"level": "debug"})
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            await bought(venue, 0)
            assert await gauge(pod, "keys_loaded") == 1
            answers = [await pod.ops(path) for path in ("/health", "/status", "/metrics")]
            code = await pod.stop()
            last = json.loads(pod.log.splitlines()[-1])["event"]
            _, released, _ = await pod.atb("db", "query", "--scalar", "SELECT released_at IS NOT NULL FROM lease")
            evidence("kill -TERM; SELECT released_at IS NOT NULL FROM lease", f"exit {code}, {last!r}, {released}")
            assert (code, last, released.strip()) == (0, "Shutdown complete", "1")
            told = pod.log + repr(answers) + json.dumps(rendered)
    assert KEY not in told
    written = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    evidence("grep -r KEY data log settings", str(written))
    assert written == []


@pytest.mark.asyncio
@pytest.mark.row("S4-044")
@pytest.mark.row("S4-123")
async def test_a_dry_run_decides_and_sends_nothing(tmp_path: Path, evidence: Note) -> None:
    """The ledger has its orders as refused by nobody but the dry run; the venue has none."""
    async with running(simulator(), time.time) as venue:
        rendered = bots.settings(
            tmp_path,
            mode="dry-run",
            exchange={"endpoint": venue.url},
            strategy=AT_ONCE,
            risk={"max_orders_per_minute": 60},
        )
        async with bots.pod(tmp_path, rendered) as pod:
            await pod.until(lambda seen: seen["last_orders"], 60)
            query = "SELECT DISTINCT status, message FROM outcomes"
            _, out, _ = await pod.atb("db", "query", "--json", query)
            _, mode, _ = await pod.atb("db", "query", "--scalar", "SELECT mode FROM ledger")
            evidence(f'atb db query "{query}"', out)
            assert mode.strip() == "dry-run"
            rows = json.loads(out)
            assert rows
            assert {(row["status"], row["message"].split()[0]) for row in rows} == {("refused", "DryRun")}
            assert await pod.stop() == 0
        evidence("GET /control/orders", str(len(venue.exchange.log.entries)))
        assert venue.exchange.log.entries == []


@pytest.mark.asyncio
@pytest.mark.row("S4-093")
async def test_a_burst_of_wishes_is_cut_to_two_a_second(tmp_path: Path, evidence: Note) -> None:
    """Fifty wishes to enter come in a second; two of each second are looked at, and the rest are counted."""
    burst = {"name": "metronome", "parameters": {"every_ms": "20", "positions": "500"}}
    risk = {**LOOSE, "max_orders_per_minute": 6000}
    async with running(simulator(1), time.time) as venue:
        place, engine = {"endpoint": venue.url}, {"max_signals_per_sec": "2.0"}
        rendered = bots.settings(tmp_path, exchange=place, strategy=burst, risk=risk, engine=engine)
        async with bots.pod(tmp_path, rendered) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            before, began = await gauge(pod, BOUGHT), time.monotonic()
            async with asyncio.timeout(60):
                while await gauge(pod, BOUGHT) < before + 6:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.02)
            counted, dropped = await gauge(pod, BOUGHT) - before, await gauge(pod, DROPPED)
            seconds = time.monotonic() - began
            evidence("signals_total, signals_dropped_total (max_signals_per_sec 2.0)", f"{counted} {dropped} {seconds}")
            assert counted <= 2 * seconds + 2
            assert dropped > 6
