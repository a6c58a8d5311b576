"""A real ``atb`` beside a simulator in this process: start, trade, halt, crash, end."""

import asyncio
import json
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

import bots
from bots import OPERATOR, TOKEN, Pod
from exchange_simulator.control.faults import Fault
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings
from markets import DEEP_DATA, morning
from trading import AT_ONCE
from tradingbot.domain.halt import is_unnumbered

# Long enough and odd enough to be found wherever it should not be.
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


def simulator(port: int = 0, speed: float = 240.0) -> Settings:
    """A venue that knows KEY; at 240 times the pace a bar takes a quarter of a second."""
    account = Account(KEY, KEY, {"USDT": Balance(free=Decimal(10000)), "BTC": Balance(free=Decimal(0))})
    pace = Pace(Mode.FREE, speed)
    return Settings(port=port, pace=pace, accounts=(account,), data=DEEP_DATA, start_ms=morning())


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    async with running(simulator(), time.time) as made:
        yield made


def sandboxed(folder: Path, url: str, **changes: Any) -> dict[str, Any]:
    """Settings of a bot that trades with the simulator as its sandbox, and writes all it can into its log."""
    return bots.settings(folder, exchange={"endpoint": url, "sandbox": True}, logging={"level": "debug"}, **changes)


@pytest.mark.asyncio
async def test_a_sandbox_bot_trades_and_ends_cleanly(venue: Venue, tmp_path: Path) -> None:
    """Orders at the venue are those in the ledger, every request names the pod, SIGTERM ends it with exit 0."""
    async with bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod:
        status = await pod.until(lambda seen: len([o for o in seen["last_orders"] if o["status"] == "filled"]) >= 2, 60)
        assert (status["epoch"], status["revision"]) == (1, "0123456789abcdef0123")
        assert (await pod.ops("/health"))[1]["status"] == "healthy"
        assert {path.name for path in (tmp_path / "data").iterdir()} == {"logs", "models", "cache", "state"}
        code, out, _ = await pod.atb("data", "test-provider", "binance", "BTCUSDT", "1m")
        assert (code, len(out.splitlines())) == (0, 7)
        assert await pod.stop() == 0
        log = pod.log
        listening = next(line for line in map(json.loads, log.splitlines()) if line["event"] == "Listening")
        began = time.time() - (time.monotonic() - pod.began)
        # A tick of the kernel's clock is 10 ms, and the process is made a little after *began*.
        assert (
            0.05
            < listening["after_seconds"]
            < datetime.fromisoformat(listening["timestamp"]).timestamp() - began + 0.05
        )
        code, out, _ = await pod.atb("db", "query", "--json", "SELECT client_id FROM intents WHERE kind = 'order'")
        assert code == 0
    placed = [entry for entry in venue.exchange.log.entries if entry.action in ("order", "cancelReplace")]
    assert {row["client_id"] for row in json.loads(out)} >= {entry.client_id for entry in placed if entry.client_id}
    assert {entry.sender for entry in placed} == {f"tradingbot/0.1.0 pod/{pod.environment['POD_UID']}"}
    assert json.loads(log.splitlines()[-1])["event"] == "Shutdown complete"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "sign", [pytest.param(signal.SIGTERM, marks=pytest.mark.row("S3-133")), signal.SIGKILL], ids=str
)
async def test_an_order_whose_answer_is_still_out_is_settled(
    sign: signal.Signals, venue: Venue, tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """Ended in the middle of an order, gently or not: the ledger learns its fate, and nothing is sent twice."""
    rendered = sandboxed(tmp_path, venue.url)
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        venue.exchange.faults.add(Fault(0, "delay_after", "POST /api/v3/order", 1, None, {"ms": 1500}))
        async with asyncio.timeout(30):
            while not accepted(venue):  # noqa: ASYNC110 - the venue shares this loop
                await asyncio.sleep(0.005)
        assert await pod.stop(sign) == (0 if sign is signal.SIGTERM else -9)
        if sign is signal.SIGTERM:
            left = await unsettled(pod)
            evidence("kill -TERM 1 while an order's answer is out; writes without an outcome", left)
            assert left == "0"
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        status = await pod.until(lambda seen: seen["state"] == "trading", 60)
        assert status["epoch"] == 2
        began = time.monotonic()
        assert await pod.stop() == 0
        evidence("kill -TERM 1 with nothing in flight", f"ended after {time.monotonic() - began:.1f} s")
        assert time.monotonic() - began < 60
        assert await unsettled(pod) == "0"
        _, out, _ = await pod.atb("db", "query", "--json", "SELECT * FROM fills")
        _, verified, _ = await pod.atb("db", "verify", "--json")
    assert json.loads(verified)["ok"] is True
    names = accepted(venue)
    assert len(names) == len(set(names))
    assert {row["client_id"] for row in json.loads(out)} <= set(names)
    account = venue.exchange.accounts[KEY].balances["BTC"]
    assert sum((net(row) for row in json.loads(out)), Decimal(0)) == account.free + account.locked


def net(row: dict[str, str]) -> Decimal:
    """What one fill leaves in BTC, less the commission taken in it."""
    quantity = Decimal(row["quantity"]) * (1 if row["side"] == "buy" else -1)
    return quantity - (Decimal(row["commission"]) if row["commission_asset"] == "BTC" else Decimal(0))


def accepted(venue: Venue) -> list[str]:
    """The client ids of the orders the venue took."""
    return [
        entry.client_id or ""
        for entry in venue.exchange.log.entries
        if entry.action in ("order", "cancelReplace") and entry.outcome == "accepted"
    ]


async def unsettled(pod: Pod) -> str:
    """How many writes the ledger does not know the fate of."""
    query = "SELECT count(*) FROM outcomes WHERE status IN ('intended', 'unknown')"
    return (await pod.atb("db", "query", "--scalar", query))[1].strip()


@pytest.mark.asyncio
async def test_no_secret_is_in_any_log_or_answer(venue: Venue, tmp_path: Path) -> None:
    """Key and tokens are in no line of the most talkative log, and in no answer of either port."""
    async with bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod:
        await pod.until(lambda seen: seen["last_orders"], 60)
        answers = [await pod.ops(path) for path in ("/health", "/status", "/metrics")]
        answers += [await pod.api(path) for path in ("/api/status", "/api/orders", "/api/trades", "/api/positions")]
        answers += [await pod.api("/fence/status", {}, OPERATOR)]
        assert await pod.stop() == 0
        told = pod.log + repr(answers)
    assert all(code == 200 for code, _ in answers)
    for secret in (KEY, TOKEN, OPERATOR):
        assert secret not in told


@pytest.mark.asyncio
async def test_both_ports_answer_within_two_seconds_and_memory_is_small(venue: Venue, tmp_path: Path) -> None:
    """Of three starts the quickest counts, for other processes share this machine; paper loads no ccxt."""
    best = 99.0
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        rendered = bots.settings(folder, exchange={"endpoint": venue.url})
        async with bots.pod(folder, rendered) as pod:
            while True:
                try:
                    answers = [await pod.ops("/readyz"), await pod.ops("/livez"), await pod.api("/health")]
                    break
                except OSError:
                    await asyncio.sleep(0.01)
            best = min(best, time.monotonic() - pod.began)
            assert [code for code, _ in answers[:2]] == [200, 200]
            if best < 2.0:
                await pod.until(lambda seen: seen["state"] == "trading", 60)
                assert pod.resident_mb() < 105
                return
    raise AssertionError(f"the quickest of three starts took {best:.2f} s")


async def halted(pod: Pod, count: int) -> list[dict[str, Any]]:
    """The halts as soon as there are *count*, oldest first, each under the name that the ledger gave it."""
    return list(
        (await pod.until(lambda seen: seen["state"] == "halted" and len(seen["halts"]) == latched(seen) == count, 30))[
            "halts"
        ]
    )


def latched(seen: dict[str, Any]) -> int:
    """How many halts the ledger has: before, one that is known by its words only has no number."""
    return sum(not is_unnumbered(halt["id"]) for halt in seen["halts"])


@pytest.mark.asyncio
async def test_halts_come_from_everywhere_and_outlive_the_process(venue: Venue, tmp_path: Path) -> None:
    """HTTP, atb, the flag file and the pod's annotation each halt once; kill -9 clears none, resume one at a time."""
    rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url})
    async with bots.pod(tmp_path, rendered) as pod:
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        assert (await pod.api("/api/halt", b'{"reason": "by http"}'))[0] == 201
        assert (await pod.atb("halt", "reduce: by atb"))[0] == 0
        (tmp_path / "data/state/halt").write_text("by flag")
        await halted(pod, 3)
        (tmp_path / "podinfo/annotations").write_text('tradingbot.io/halt="by annotation"\n')
        before = await halted(pod, 4)
        assert {(halt["source"], halt["kind"], halt["reason"]) for halt in before} == {
            ("http", "halt", "by http"),
            ("http", "reduce", "by atb"),
            ("flag", "halt", "by flag"),
            ("annotation", "halt", "by annotation"),
        }
        assert (await pod.ops("/readyz"))[0] == (await pod.ops("/livez"))[0] == (await pod.ops("/health"))[0] == 200
        await pod.stop(signal.SIGKILL)
    async with bots.pod(tmp_path, rendered) as pod:
        # Written again by the kubelet of a new pod; the same words are the same halt.
        (tmp_path / "podinfo/annotations").write_text('tradingbot.io/halt="by annotation"\n')
        after = await halted(pod, 4)
        assert sorted(halt["id"] for halt in after) == sorted(halt["id"] for halt in before)
        for left, halt in enumerate(reversed(after)):
            assert halt["id"] in {each["id"] for each in (await pod.status())["halts"]}
            code, out, _ = await pod.atb("resume", halt["id"], "checked")
            assert (code, out.startswith(f"resumed {halt['id']}")) == (0, True)
            assert len((await pod.status())["halts"]) == 3 - left
        await pod.until(lambda seen: seen["state"] == "trading")
        assert (await pod.atb("resume", after[0]["id"], "again"))[0] == 1
        assert await pod.stop() == 0


@pytest.mark.asyncio
async def test_a_bot_whose_venue_is_away_serves_can_be_halted_and_trades_when_it_comes(tmp_path: Path) -> None:
    """It listens, is alive, ready and unhealthy; a halt made then holds; when the venue comes it runs."""
    port = bots.free_port()
    rendered = bots.settings(tmp_path, exchange={"endpoint": f"http://127.0.0.1:{port}"})
    async with bots.pod(tmp_path, rendered) as pod:
        status = await pod.until(lambda seen: True)
        assert status["state"] == "starting"
        assert (await pod.ops("/livez"))[0] == (await pod.ops("/readyz"))[0] == 200
        code, health = await pod.ops("/health")
        assert (code, health["status"]) == (503, "unhealthy")
        assert (await pod.api("/api/trades"))[0] == 503
        assert (await pod.api("/api/halt", {"reason": "before the venue"}))[0] == 201
        async with running(simulator(port), time.time):
            (halt,) = await halted(pod, 1)
            assert (halt["reason"], halt["source"]) == ("before the venue", "http")
            assert (await pod.api("/api/resume", {"id": halt["id"], "reason": "checked"}))[0] == 200
            await pod.until(lambda seen: seen["state"] == "trading")
            assert await pod.stop() == 0


def at_the_venue(venue: Venue) -> list[tuple[str, str]]:
    """Every order that was accepted, with its side."""
    return [(each.client_id, each.side) for each in venue.exchange.log.entries if each.action == "order"]


@pytest.mark.row("S0-078")
@pytest.mark.row("S0-056")
@pytest.mark.asyncio
async def test_a_restart_keeps_position_cash_and_stop_and_orders_nothing_twice(
    venue: Venue, tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """What is held before it is held afterwards, to the last digit; the venue has seen no other order."""
    rendered = sandboxed(tmp_path, venue.url, strategy=AT_ONCE, risk={"stop_loss_percent": "60"})
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        await pod.until(lambda seen: seen["positions"] and seen["open_orders"], 60)
        assert (await pod.api("/api/halt", {"reason": "restart", "kind": "reduce"}))[0] == 201
        before = await pod.until(lambda seen: seen["open_orders"] == 1, 30)
        assert await pod.stop() == 0
    orders = at_the_venue(venue)
    async with bots.pod(tmp_path, rendered, KEY) as pod:
        after = await pod.until(lambda seen: seen["epoch"] == before["epoch"] + 1 and seen["open_orders"] == 1, 60)
        assert await pod.stop() == 0
    kept = [(each["symbol"], each["quantity"], each["average_price"]) for each in before["positions"]]
    evidence("atb status before and after the restart", f"{kept} cash {before['cash']}; {after['positions']}")
    assert [(each["symbol"], each["quantity"], each["average_price"]) for each in after["positions"]] == kept
    assert after["cash"] == before["cash"]
    said = [line for line in map(json.loads, pod.log.splitlines()) if line["event"] == "resumed"]
    evidence("kubectl logs -l bot=btc | grep resumed", str(said[-1]))
    assert (Decimal(said[-1]["balance"]), said[-1]["positions"]) == (Decimal(before["cash"]), 1)
    evidence("GET /control/orders", str(at_the_venue(venue)))
    assert [each for each in at_the_venue(venue) if each[1] == "BUY"] == [each for each in orders if each[1] == "BUY"]


@pytest.mark.row("S4-002")
@pytest.mark.asyncio
async def test_the_doctor_passes_a_bot_at_work_and_names_what_is_not_well(
    venue: Venue, tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """Exit 0 with a line for each check; 1 with the check that failed and its cure; nothing is changed by asking."""
    async with bots.pod(tmp_path, sandboxed(tmp_path, venue.url), KEY) as pod:
        await pod.until(lambda seen: seen["state"] == "trading")
        code, out, _ = await pod.atb("doctor", "--verbose")
        evidence("atb doctor --verbose", out)
        named = [line[6:].partition(":")[0] for line in out.splitlines()[:-1]]
        assert (code, out.splitlines()[-1]) == (0, "10 checks, 0 failed")
        before = ["settings", "start", "token", "volume", "dns", "venue", "clock"]
        assert named == [*before, "ledger", "trader", "kill switch"]
        assert (await pod.status())["halts"] == []
        venue.exchange.faults.add(Fault(0, "maintenance"))
        code, out, _ = await pod.atb("doctor")
        evidence("atb doctor, the venue closed", out)
        assert code == 1
        assert out.splitlines()[0].startswith("FAIL  venue: ")
        assert "see exchange.endpoint" in out


@pytest.mark.asyncio
@pytest.mark.row("S3-080")
async def test_the_doctor_tells_that_the_name_of_the_venue_is_not_known(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """A pod without a name server, or with a wrong name: what a person would look up with nslookup."""
    rendered = bots.settings(tmp_path, exchange={"endpoint": "http://no-such-name.invalid:8080"})
    environment = bots.mounted(tmp_path, rendered)
    made = await asyncio.create_subprocess_exec(
        bots.ATB, "doctor", "--json", "--before-start", env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await made.communicate()
    checks = json.loads(out)["checks"]
    evidence("atb doctor --json | jq -r .checks.dns", json.dumps(checks["dns"]))
    assert (made.returncode, checks["dns"]["status"], checks["start"]["status"]) == (1, "fail", "ok")
    assert checks["dns"]["cure"] == "see the pod's dnsConfig and the cluster's name service"


@pytest.mark.asyncio
async def test_sigterm_before_anything_was_reached_ends_with_0(tmp_path: Path) -> None:
    """A pod that is deleted while it waits for its venue does not hang for its grace time."""
    rendered = bots.settings(tmp_path, exchange={"endpoint": f"http://127.0.0.1:{bots.free_port()}"})
    async with bots.pod(tmp_path, rendered) as pod:
        await pod.until(lambda seen: True)
        began = time.monotonic()
        assert await pod.stop() == 0
        assert time.monotonic() - began < 15
        assert '"Shutdown complete"' in pod.log


@pytest.mark.asyncio
async def test_one_trader_a_pod_and_one_a_ledger(venue: Venue, tmp_path: Path) -> None:
    """A second atb in the pod is refused; another pod on the same ledger stands by, and takes over at the end."""
    rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url})
    async with bots.pod(tmp_path, rendered) as pod:
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        code, _, err = await pod.atb("paper")
        assert code == 78
        assert f"paths.data {tmp_path}/data already has a trader in this pod (process {pod.process.pid})" in err
        other = tmp_path / "other"
        other.mkdir()
        shared = {**bots.settings(other, exchange={"endpoint": venue.url}), "database": rendered["database"]}
        async with bots.pod(other, shared) as second:
            second_status = await second.until(lambda seen: seen["state"] == "standby", 60)
            assert (second_status["epoch"], second_status["trading_active"]) == (None, False)
            assert (await second.ops("/readyz"))[0] == 200
            instance = (await pod.status())["instance"]
            assert (await pod.api("/fence/claim", {"instance": instance}, OPERATOR))[0] == 200
            code, row = await second.api("/fence/status", {}, OPERATOR)
            assert (code, row["instance"], row["epoch"]) == (200, instance, 1)
            assert await pod.stop() == 0
            taken = await second.until(lambda seen: seen["state"] == "trading", 60)
            assert taken["epoch"] == 2


@pytest.mark.asyncio
async def test_retire_by_the_operator_ends_the_trader_and_releases_the_row(venue: Venue, tmp_path: Path) -> None:
    """POST /fence/retire settles, releases and ends the process with 0; people's token may not do it."""
    async with bots.pod(tmp_path, bots.settings(tmp_path, exchange={"endpoint": venue.url})) as pod:
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        assert (await pod.api("/fence/retire", {"epoch": "1"}, TOKEN))[0] == 401
        assert (await pod.api("/fence/retire", {"epoch": "1"}, OPERATOR))[0] == 202
        assert await asyncio.wait_for(pod.process.wait(), 30) == 0
        code, out, _ = await pod.atb("db", "query", "--scalar", "SELECT released_at IS NOT NULL FROM lease")
        assert (code, out) == (0, "1\n")


@pytest.mark.asyncio
async def test_a_dry_run_decides_and_sends_nothing(venue: Venue, tmp_path: Path) -> None:
    """Decisions are in the ledger, the venue's order log stays empty."""
    async with bots.pod(tmp_path, bots.settings(tmp_path, mode="dry-run", exchange={"endpoint": venue.url})) as pod:
        await pod.until(lambda seen: any(order["status"] == "refused" for order in seen["last_orders"]), 60)
        assert await pod.stop() == 0
    assert [entry for entry in venue.exchange.log.entries if entry.action != "trigger"] == []


BAD = [
    ({"mode": "live"}, 'database.mode "embedded" cannot fence a live bot: write "postgres"'),
    (
        {"strategy": {"name": "astrology"}},
        'strategy.name: "astrology" is not known; choose one of ml_basic, rsi, sma_cross',
    ),
    ({"strategy": {"parameters": {"fast": "9", "slow": "3"}}}, "strategy.parameters"),
    ({"exchange": {"name": "mtgox"}}, 'exchange.name "mtgox" is not spoken here: write binance or coinbase or'),
    (
        {"exchange": {"sandbox": True, "endpoint": "http://127.0.0.1:9"}},
        "set exchange.credentialsSecretRef to a Secret",
    ),
    (
        {"paths": {"data": "/proc/1/data"}},
        "paths.data /proc/1/data cannot be written (No such file or directory): mount",
    ),
    (
        {"mode": "sim", "exchange": {"symbols": ["DOGE/USDT"]}},
        'exchange.symbols "DOGE/USDT" has no recording: put DOGEUSDT-1m-*.csv into',
    ),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("changes", "sentence"), BAD, ids=[str(index) for index in range(len(BAD))])
async def test_what_a_person_must_change_ends_with_78_and_a_sentence(
    changes: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    """No traceback, whichever part finds the mistake."""
    async with bots.pod(tmp_path, bots.settings(tmp_path, **changes)) as pod:
        assert await asyncio.wait_for(pod.process.wait(), 60) == 78
        assert sentence in pod.log.replace('\\"', '"')
        assert "Traceback" not in pod.log


@pytest.mark.asyncio
async def test_an_older_ledger_copied_back_is_not_traded_on(venue: Venue, tmp_path: Path) -> None:
    """The state volume remembers how far the ledger had come: the bot stands by, halted, and says why."""
    rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url})
    ledger, older = tmp_path / "data/state/ledger.sqlite", tmp_path / "older.sqlite"
    for copied in (True, False):
        async with bots.pod(tmp_path, rendered) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            assert await pod.stop() == 0
        if copied:
            shutil.copy(ledger, older)
    shutil.copy(older, ledger)
    async with bots.pod(tmp_path, rendered) as pod:
        status = await pod.until(lambda seen: seen["state"] == "standby", 60)
        assert status["blocks"][0].startswith("the ledger stands at epoch 2, ")
        assert [halt["source"] for halt in status["halts"]] == ["ledger"]
        assert (status["trading_active"], status["epoch"]) == (False, None)
        assert await pod.stop() == 0


@pytest.mark.asyncio
async def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    """What listens there already is left alone."""
    rendered = bots.settings(tmp_path)
    async with bots.pod(tmp_path, rendered) as first:
        await first.until(lambda seen: True)
        other = tmp_path / "other"
        other.mkdir()
        taken = {**bots.settings(other), "listen": rendered["listen"]}
        async with bots.pod(other, taken) as second:
            assert await asyncio.wait_for(second.process.wait(), 30) == 78
            assert f"listen {rendered['listen']['http']} cannot be had (Address already in use)" in second.log
        assert (await first.ops("/ping"))[0] == 200


@pytest.mark.asyncio
async def test_a_recording_is_traded_to_its_end_and_can_be_looked_at_afterwards(tmp_path: Path) -> None:
    """sim needs no network; when the recording is over the result is served, the pod is alive, and atb verifies it.

    Two strategies have traded a market each, and each has decided every bar of its own and none of the other's.
    """
    other = {"name": "rsi", "symbols": ["ETH/USDT"], "parameters": {"period": "4", "lower": "45", "upper": "50"}}
    rendered = bots.settings(tmp_path, mode="sim", strategies=[other])
    rendered["exchange"]["symbols"] = ["BTC/USDT", "ETH/USDT"]
    (tmp_path / "data/cache").mkdir(parents=True)
    recording = next((Path(__file__).parents[2] / "simulator/data").glob("BTCUSDT-1m-*.csv"))
    lines = recording.read_text().splitlines()[:400]
    for market in ("BTCUSDT", "ETHUSDT"):
        (tmp_path / f"data/cache/{market}-1m-test.csv").write_text("\n".join(lines) + "\n")
    async with bots.pod(tmp_path, rendered) as pod:
        status = await pod.until(lambda seen: seen["state"] == "standby", 60)
        assert any(order["status"] == "filled" for order in status["last_orders"])
        assert (await pod.ops("/livez"))[0] == 200
        told = (await pod.api("/api/strategies"))[1]["strategies"]
        assert [(each["name"], each["symbols"]) for each in told] == [
            ("sma_cross", ["BTC/USDT"]),
            ("rsi", ["ETH/USDT"]),
        ]
        assert all(each["trades"] for each in told), told
        brought = Decimal((await pod.api("/api/metrics/performance"))[1]["total_pnl"])
        assert sum((Decimal(each["pnl"]) for each in told), Decimal(0)) == brought
        query = "SELECT strategy, symbol, count(*) AS bars FROM decisions GROUP BY strategy, symbol ORDER BY symbol"
        _, out, _ = await pod.atb("db", "query", "--json", query)
        bars = json.loads(out)[0]["bars"]
        assert bars > 100
        assert json.loads(out) == [
            {"strategy": "sma_cross", "symbol": "BTC/USDT", "bars": bars},
            {"strategy": "rsi", "symbol": "ETH/USDT", "bars": bars},
        ]
        code, out, _ = await pod.atb("db", "verify", "--json")
        assert (code, json.loads(out)["ok"]) == (0, True)
        code, out, _ = await pod.atb("trades", "--limit", "3")
        assert (code, len(out.splitlines())) == (0, 4)
        code, _, err = await pod.atb("db", "query", "DELETE FROM fills")
        assert (code, err.count("\n")) == (78, 1)
        assert await pod.stop() == 0


@pytest.mark.asyncio
async def test_a_check_is_quick_and_loads_neither_commands_nor_venues(tmp_path: Path) -> None:
    """A Job that checks a candidate holds nobody up: the check alone is loaded, and it answers."""
    environment = bots.mounted(tmp_path, bots.settings(tmp_path))
    program = (
        "import sys\nfrom tradingbot.cli import main\ntry:\n    main(['check'])\nexcept SystemExit as end:\n"
        "    print(end.code, *sorted({'typer', 'ccxt', 'sqlalchemy', 'aiohttp', 'uvicorn'} & sys.modules.keys()))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode() == "settings are usable\n0\n"


@pytest.mark.asyncio
async def test_the_replay_sample_runs_on_an_empty_volume_and_serves_its_result(tmp_path: Path) -> None:
    """The recording comes with the bot; its day is traded to the end, and the ledger is whole."""
    async with bots.pod(tmp_path, sample(tmp_path, "sim-replay")) as pod:
        status = await pod.until(lambda seen: seen["state"] == "standby", 120)
        assert len([order for order in status["last_orders"] if order["status"] == "filled"]) > 2
        assert status["last_decision"]["bar"].startswith("2022-12-13T23:")
        code, out, _ = await pod.atb("db", "verify", "--json")
        assert (code, json.loads(out)["ok"]) == (0, True)
        assert await pod.stop() == 0


@pytest.mark.asyncio
async def test_the_model_sample_decides_and_trades_on_the_simulator(venue: Venue, tmp_path: Path) -> None:
    """The model comes with the bot, is loaded by the sample's hash, and wants something within a day."""
    rendered = sample(tmp_path, "ml-basic")
    rendered["exchange"]["endpoint"] = venue.url
    async with bots.pod(tmp_path, rendered) as pod:
        assert (await pod.atb("check"))[:2] == (0, "settings are usable\n")
        await pod.until(lambda seen: (seen["last_decision"] or {}).get("action") == "hold", 60)
        await pod.until(lambda seen: any(order["status"] == "filled" for order in seen["last_orders"]), 120)
        assert await pod.stop() == 0


def sample(folder: Path, name: str) -> dict[str, Any]:
    """The settings of a sample manifest, as far as it says them."""
    spec = yaml.safe_load((Path(__file__).parents[2] / f"manifests/samples/{name}.yaml").read_text())["spec"]
    return bots.settings(folder, **{key: spec[key] for key in ("mode", "exchange", "strategy")})
