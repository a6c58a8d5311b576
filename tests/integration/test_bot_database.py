"""A real ``atb`` on a real PostgreSQL that stops answering: nobody is restarted, everybody can be asked and halted."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

import bots
import postgres
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings
from markets import DEEP_DATA, morning


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
