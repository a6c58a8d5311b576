"""A real ``atb`` on a real PostgreSQL that stops answering: nobody is restarted, everybody can be asked and halted."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

import bots
import postgres
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings
from halting import KEY, bought, buys, minutes_later, sandboxed, simulator
from markets import DEEP_DATA, morning
from trading import OFTEN


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as made:
        yield made


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    played = Settings(port=0, pace=Pace(Mode.FREE, 60.0), data=DEEP_DATA, start_ms=morning())
    async with running(played, time.time) as made:
        yield made


@pytest.mark.asyncio
async def test_a_database_that_hangs_stops_neither_probes_nor_halts(
    server: postgres.Server, venue: Venue, tmp_path: Path
) -> None:
    """While the database stands still every probe answers at once, a halt is taken within 5 s, and it outlives all."""
    server.create("hangs")
    rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url}, database={"mode": "postgres"})
    async with bots.Line(server.port) as line:
        url = f"postgresql://postgres@127.0.0.1:{line.port}/hangs"
        async with bots.pod(tmp_path, rendered, url=url) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            line.stand()
            halting = asyncio.create_task(pod.atb("halt", "flatten: the database is odd"))
            slowest, ends = 0.0, time.monotonic() + 6
            while time.monotonic() < ends:
                began = time.monotonic()
                codes = [(await pod.ops(path))[0] for path in ("/livez", "/readyz", "/status", "/metrics")]
                slowest = max(slowest, time.monotonic() - began)
                assert codes == [200, 200, 200, 200]
            assert slowest < 1
            code, out, _ = await halting
            assert (code, out.startswith("halted (flatten)")) == (0, True)
            (halt,) = (await pod.status())["halts"]
            assert halt["reason"] == "the database is odd"
            line.flow()
            status = await pod.until(lambda seen: seen["state"] == "halted" and seen["epoch"] is not None, 60)
            assert [each["id"] for each in status["halts"]] == [halt["id"]]
            code, out, _ = await pod.atb("db", "query", "--scalar", "SELECT id FROM halts")
            assert (code, out) == (0, f"{halt['id']}\n")
            assert await pod.stop() == 0


@pytest.mark.asyncio
async def test_a_bot_whose_database_is_away_waits_for_it(server: postgres.Server, venue: Venue, tmp_path: Path) -> None:
    """It serves, says what it waits for, can be halted, and begins halted when the database comes."""
    server.create("late")
    rendered = bots.settings(tmp_path, exchange={"endpoint": venue.url}, database={"mode": "postgres"})
    port = bots.free_port()
    async with bots.pod(tmp_path, rendered, url=f"postgresql://postgres@127.0.0.1:{port}/late") as pod:
        await pod.until(lambda seen: seen["state"] == "starting")
        health: dict[str, str] = {"database": "unknown"}
        while health["database"] == "unknown":
            code, health = await pod.ops("/health")
            assert code == 503
        assert (await pod.ops("/livez"))[0] == (await pod.ops("/readyz"))[0] == 200
        code, _, err = await pod.atb("db", "verify")
        assert (code, err.startswith("atb: ")) == (69, True)
        assert (await pod.atb("halt", "not before I say so"))[0] == 0
        forwarding = await asyncio.start_server(lambda r, w: _forward(r, w, server.port), "127.0.0.1", port)
        async with forwarding:
            status = await pod.until(lambda seen: seen["state"] == "halted", 60)
            assert [halt["reason"] for halt in status["halts"]] == ["not before I say so"]
            assert await pod.stop() == 0


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    there, back = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)


@dataclass
class Restart:
    """What was seen of a bot while its database went and came again, with other settings."""

    away: dict[str, Any]
    codes: dict[str, int]
    bought_meanwhile: int
    said: list[str]
    verified: str
    seconds: float
    shown: dict[str, str]
    restarts: int


SETTINGS = {"max_connections": "200", "shared_buffers": "24MB"}


@pytest.fixture(scope="module")
def restart(tmp_path_factory: pytest.TempPathFactory) -> Restart:
    with postgres.place() as programs:
        return asyncio.run(restarted(tmp_path_factory.mktemp("restart"), programs))


async def restarted(folder: Path, programs: postgres.Programs) -> Restart:
    async with contextlib.AsyncExitStack() as stack:
        venue = await stack.enter_async_context(running(simulator(), time.time))
        line = await stack.enter_async_context(bots.Line(0))
        with postgres.running(programs) as server:
            server.create("restarts")
            line.lead_to(server.port)
            rendered = sandboxed(folder, venue.url, strategy=OFTEN, database={"mode": "postgres"})
            url = f"postgresql://postgres@127.0.0.1:{line.port}/restarts"
            pod = await stack.enter_async_context(bots.pod(folder, rendered, KEY, url))
            await bought(venue, 0)
            said = [(await pod.atb("db", "set", name, value))[1] for name, value in SETTINGS.items()]
        away = await pod.until(lambda seen: seen["database"] != "ok", 60)
        codes = {path: (await pod.ops(path))[0] for path in ("/livez", "/readyz", "/health")}
        before = len(buys(venue))
        # Before, it has entered within so many bars.
        await minutes_later(venue, 16)
        meanwhile = len(buys(venue)) - before
        with postgres.running(programs) as server:
            line.lead_to(server.port)
            began = time.monotonic()
            code, verified = -1, ""
            while code and time.monotonic() - began < 60:
                code, verified, _ = await pod.atb("db", "verify")
            seconds = time.monotonic() - began
            assert code == 0, verified
            with psycopg.connect(server.url("restarts")) as connection:
                shown = {name: (connection.execute(f"SHOW {name}").fetchone() or ("",))[0] for name in SETTINGS}
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            listening = sum('"Listening"' in each for each in pod.log.splitlines())
            assert await pod.stop() == 0
    return Restart(away, codes, meanwhile, said, verified, seconds, shown, listening - 1)


@pytest.mark.row("S0-010")
def test_without_its_database_a_bot_enters_nothing_and_goes_on_by_itself(
    restart: Restart, evidence: Callable[[str, str], None]
) -> None:
    """The venue sees no entry; it is told, the process is ready and alive all the same, and trades when it is back."""
    evidence("the database is gone: GET :9090/status", json.dumps({"database": restart.away["database"]}))
    evidence("sim: entries meanwhile; GET :9090/livez /readyz /health", f"{restart.bought_meanwhile}; {restart.codes}")
    assert restart.bought_meanwhile == 0
    assert (restart.away["state"], restart.away["trading_active"]) == ("blocked", False)
    assert restart.codes == {"/livez": 200, "/readyz": 200, "/health": 503}
    assert restart.restarts == 0


@pytest.mark.row("S0-055")
@pytest.mark.row("S2-018")
@pytest.mark.row("S3-163")
def test_a_database_is_restarted_with_what_was_changed(restart: Restart, evidence: Callable[[str, str], None]) -> None:
    """The command says that it waits for the restart; after that the server shows it, and the ledger is whole."""
    evidence("atb db set max_connections 200; atb db set shared_buffers 24MB", "".join(restart.said))
    assert restart.said == [
        "max_connections is 200 with the server's next restart; it was 60\n",
        "shared_buffers is 24MB with the server's next restart; it was 16MB\n",
    ]
    evidence("restart PostgreSQL; atb db verify; echo $?", f"{restart.verified} 0 after {restart.seconds:.1f} s")
    assert restart.seconds < 60
    evidence("SHOW max_connections; SHOW shared_buffers", json.dumps(restart.shown))
    assert restart.shown == SETTINGS
