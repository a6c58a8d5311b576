"""What a real ``atb`` writes down: its lines, where they can be found later, and that no disk and no pipe stops it."""

import asyncio
import contextlib
import fcntl
import json
import os
import select
import sqlite3
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import bots
from bots import Pod
from exchange_simulator.server import Venue, running
from halting import LOOSE, gauge, simulator
from trading import OFTEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

Note = Callable[[str, str], None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Venue]:
    async with running(simulator(), time.time) as made:
        yield made


def rendered(folder: Path, venue: Venue, **changes: Any) -> dict[str, Any]:
    return bots.settings(folder, exchange={"endpoint": venue.url}, strategy=OFTEN, risk=LOOSE, **changes)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pod(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pod]:
    folder = tmp_path_factory.mktemp("logs")
    made = rendered(folder, venue, logging={"file_sink": True})
    async with bots.pod(folder, made) as running_pod:
        await running_pod.until(lambda seen: seen["state"] == "trading" and seen["last_decision"], 60)
        yield running_pod


def lines_of(text: str) -> list[dict[str, Any]]:
    """Each whole line of *text*; the last one may still be under way."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


async def found(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What *condition* gives as soon as it gives something."""
    async with asyncio.timeout(seconds):
        while not (seen := condition()):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return seen


@pytest.mark.row("S4-058")
@pytest.mark.row("S4-054")
async def test_lines_name_the_session_they_were_written_under(pod: Pod, evidence: Note) -> None:
    """run_id is trading_sessions.id; each decided bar has its line."""
    _, told, _ = await pod.atb("db", "query", "--json", "SELECT id FROM trading_sessions")
    sessions = [row["id"] for row in json.loads(told)]
    before = len([line for line in lines_of(pod.log) if line["event"] in ("Decided", "Signal")])
    bars = await gauge(pod, "tradingbot_bars")
    more = await found(lambda: [e for e in lines_of(pod.log) if e["event"] in ("Decided", "Signal")][before + 3 :])
    assert await gauge(pod, "tradingbot_bars") >= bars + 3
    ids = {line["run_id"] for line in lines_of(pod.log) if "run_id" in line}
    evidence("k logs -l bot=btc | jq .run_id | sort -u; SELECT id FROM trading_sessions", f"{ids} {sessions}")
    evidence("k logs -f -l bot=btc", json.dumps(more[-1]))
    assert sorted(ids) == sessions
    assert len({(line["symbol"], line["bar"]) for line in more}) == len(more)


@contextlib.contextmanager
def ledger_locked(pod: Pod) -> Iterator[None]:
    """Somebody else writes to the ledger and does not end: what the trader does next is an error of its log."""
    held = sqlite3.connect(pod.folder / "data/state/ledger.sqlite", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        held.execute("ROLLBACK")
        held.close()


def errors_of(pod: Pod) -> list[dict[str, Any]]:
    return [line for line in lines_of(pod.log) if line["level"] == "ERROR"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def failed(pod: Pod) -> Pod:
    """The bot after its ledger was away for a moment."""
    with ledger_locked(pod):
        await found(lambda: errors_of(pod))
    await pod.until(lambda seen: seen["state"] == "trading")
    return pod


@pytest.mark.row("S1-009")
async def test_lines_are_in_the_files_that_runbooks_open(failed: Pod, evidence: Note) -> None:
    """app.log has what standard output has, in that order; errors.log has those of ERROR and graver."""
    app, errors = failed.folder / "data/logs/app.log", failed.folder / "data/logs/error_logs/errors.log"
    told = lines_of(failed.log)
    filed = await found(lambda: len(seen := lines_of(app.read_text())) >= len(told) and seen)
    evidence("cat logs/app.log | wc -l; cat logs/error_logs/errors.log", f"{len(filed)}\n{errors.read_text()}")
    assert filed[: len(told)] == told
    grave = [line for line in filed if line["level"] in ("ERROR", "CRITICAL")]
    assert grave[0]["event"] == "Ledger unavailable"
    assert lines_of(errors.read_text())[: len(grave)] == grave


async def asked(pod: Pod, evidence: Note, *flags: str) -> list[dict[str, Any]]:
    """What ``atb logs`` prints in the pod."""
    code, out, err = await pod.atb("logs", *flags)
    evidence(f"atb logs {' '.join(flags)}", out or err)
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


async def test_lines_can_be_asked_for_by_level_part_and_age(failed: Pod, evidence: Note) -> None:
    """The last errors of the engine, those of the last ten minutes, so many lines."""
    errors = await asked(failed, evidence, "--errors", "--component", "LiveTradingEngine", "--tail", "100")
    assert {line["level"] for line in errors} == {"ERROR"}
    assert {line["component"] for line in errors} == {"LiveTradingEngine"}
    assert await asked(failed, evidence, "--errors", "--since", "10m") == errors
    assert len(await asked(failed, evidence, "--lines", "10")) == 10


async def debug_lines(pod: Pod) -> float:
    _, text = await pod.ops("/metrics")
    counted = [row for row in text.splitlines() if row.startswith("log_messages_total{") and 'level="DEBUG"' in row]
    return float(counted[0].rpartition(" ")[2])


@pytest.mark.row("S0-197")
async def test_the_level_changes_without_another_process(pod: Pod, evidence: Note) -> None:
    """Patched to debug by HTTP or by annotation, debug lines come; the process is the same."""
    assert await debug_lines(pod) == 0
    process = (await pod.status())["instance"]
    address = f"http://{pod.rendered['listen']['http']}/api/config/log-level"
    request = urllib.request.Request(address, b'{"level": "DEBUG"}', {"Authorization": f"Bearer {bots.TOKEN}"})
    request.method = "PUT"
    answer = json.loads((await asyncio.to_thread(urllib.request.urlopen, request, timeout=10)).read())
    evidence('curl -X PUT :8000/api/config/log-level -d \'{"level": "DEBUG"}\'', json.dumps(answer))
    async with asyncio.timeout(30):
        while not await debug_lines(pod):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    debug = await found(lambda: [line for line in lines_of(pod.log) if line["level"] == "DEBUG"])
    evidence("k logs -l bot=btc | jq 'select(.level==\"DEBUG\")'; pql log_messages_total", json.dumps(debug[0]))
    (pod.folder / "podinfo/annotations").write_text('tradingbot.io/log-level="warning"\n')
    async with asyncio.timeout(30):
        while (await pod.api("/api/config/log-level"))[1] != {"level": "WARNING"}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (pod.folder / "podinfo/annotations").write_text("")
    async with asyncio.timeout(30):
        while (await pod.atb("log-level"))[1] != "INFO\n":
            pass
    assert (await pod.status())["instance"] == process


async def test_a_full_disk_and_a_pipe_nobody_empties_stop_no_trading(venue: Venue, tmp_path: Path) -> None:
    """Nobody reads standard output, and the disk takes no line: bars are decided all the same, and it ends as told."""
    made = rendered(tmp_path, venue, logging={"level": "debug"})
    environment = bots.mounted(tmp_path, made)
    (tmp_path / "data/logs").mkdir()
    (tmp_path / "data/logs/app.log").symlink_to("/dev/full")
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(bots.ATB, "paper", env=environment, stdout=writer, stderr=writer)
    pod = Pod(tmp_path, made, environment, process, began)
    (tmp_path / "log").touch()
    try:
        await pod.until(lambda seen: seen["state"] == "trading", 60)
        before = await gauge(pod, "tradingbot_bars")
        await pod.until(lambda seen: seen["last_decision"], 60)
        async with asyncio.timeout(60):
            while await gauge(pod, "tradingbot_bars") < before + 10:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        _, text = await pod.ops("/metrics")
        lost = next(row for row in text.splitlines() if "log_lines_lost_total{" in row and 'outlet="files"' in row)
        assert float(lost.rpartition(" ")[2]) > 10
        # Nothing was read: not one line more would fit.
        assert select.select([], [writer], [], 0)[1] == []
        assert await pod.stop() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(reader)
        os.close(writer)
