"""A real bot at each of the other venues, whose stubs answer as their REST does: what it buys, it covers."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import bots
from exchange_simulator.server import running
from exchange_simulator.settings import Settings
from halting import LOOSE
from markets import DEEP_DATA
from stubs.book import Book, Standing
from venuerig import STUBS, SYMBOLS, D, served

pytestmark = pytest.mark.asyncio
Note = Callable[[str, str], None]
# Long enough for a signature of any of them.
KEY = base64.b64encode(bytes(range(64))).decode()
HOLDS = {"name": "metronome", "parameters": {"every_ms": "200", "notional": "5", "positions": "1", "holds": "10"}}


def at(folder: Path, name: str, url: str, **changes: Any) -> dict[str, Any]:
    """Settings of a bot that holds a little and keeps one order resting."""
    (folder / "secrets/exchange").mkdir(parents=True, exist_ok=True)
    (folder / "secrets/exchange/password").write_text("stub-word")
    place = {"name": name, "symbols": [SYMBOLS[name]], "endpoint": url, **changes.pop("exchange", {})}
    return bots.settings(folder, exchange=place, **changes)


def waiting(book: Book) -> list[Standing]:
    return [each for each in book.open() if each.waits]


async def atb(folder: Path, settings: dict[str, Any], *words: str) -> tuple[int, str, str]:
    """What ``atb`` says in a pod with *settings*."""
    done = await asyncio.create_subprocess_exec(
        bots.ATB,
        *words,
        env=bots.mounted(folder, settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await done.communicate()
    return int(done.returncode or 0), out.decode(), err.decode()


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "the condition did not come true"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("name", STUBS)
async def test_a_bot_holds_under_its_stop_and_the_next_process_knows_it(name: str, tmp_path: Path) -> None:
    """The stop covers what was bought and outlives SIGTERM; the next process finds all by our id and buys no more."""
    book = Book(key=KEY)
    async with served(STUBS[name](book)) as url:
        settings = at(tmp_path, name, url, exchange={"sandbox": True}, strategy=HOLDS, risk=LOOSE)
        async with bots.pod(tmp_path, settings, KEY) as pod:
            await until(lambda: waiting(book) and [each for each in book.orders.values() if each.status == "cancelled"])
            assert await pod.stop() == 0
        bought = sum(trade.size for trade in book.trades)
        assert [stop.size for stop in waiting(book)] == [bought]
        placed = len(book.orders)
        async with bots.pod(tmp_path, settings, KEY) as pod:
            await until(lambda: len(book.orders) > placed)
            seen = await pod.until(lambda status: status["positions"] and not status["unresolved"])
            assert D(seen["positions"][0]["quantity"]) == bought
            assert await pod.stop() == 0
    assert sum(trade.size for trade in book.trades) == bought
    assert [stop.size for stop in waiting(book)] == [bought]
    assert len({each.client_id for each in book.orders.values()}) == len(book.orders)
    assert {len(each.client_id) for each in book.orders.values()} == {18}


@pytest.mark.row("S0-007")
@pytest.mark.row("S0-027")
async def test_coinbase_gives_candles(tmp_path: Path, evidence: Note) -> None:
    """The market is named as the venue does; the newest bar is of this hour; nobody there is no success."""
    command = ("data", "test-provider", "coinbase", "BTC-USD", "1h")
    async with served(STUBS["coinbase"](Book())) as url:
        code, out, _ = await atb(tmp_path, at(tmp_path, "coinbase", url), *command)
    evidence("atb data test-provider coinbase BTC-USD 1h", out)
    assert (code, out.startswith("coinbase answered in ")) == (0, True), out
    lines = out.splitlines()[2:]
    assert len(lines) >= 2
    newest = datetime.fromisoformat(lines[-1].split()[0])
    assert timedelta(0) <= datetime.now(UTC) - newest < timedelta(hours=2)
    code, _, said = await atb(tmp_path, at(tmp_path, "coinbase", url), *command)
    evidence("stub off: atb data test-provider coinbase BTC-USD 1h", f"{code} {said}")
    assert code == 69


@pytest.mark.row("S3-078")
async def test_binance_and_kucoin_are_pinged(tmp_path: Path, evidence: Note) -> None:
    """Each by its own public route, with how long it took."""
    book = Book()
    async with served(STUBS["kucoin"](book)) as url, running(Settings(port=0, data=DEEP_DATA), time.time) as venue:
        for name, there in (("kucoin", url), ("binance", venue.url)):
            code, out, _ = await atb(tmp_path, at(tmp_path, name, there), "exchange", "ping", name)
            evidence(f"atb exchange ping {name}", out)
            assert (code, out.startswith(f"{name} answered in ")) == (0, True), out
    assert [seen.path for seen in book.seen] == ["/api/v1/timestamp"]
    code, _, said = await atb(tmp_path, at(tmp_path, "kucoin", url), "exchange", "ping", "kucoin")
    evidence("stub off: atb exchange ping kucoin", f"{code} {said}")
    assert code == 69


@pytest.mark.row("S3-024")
async def test_the_market_data_of_kucoin_are_told(tmp_path: Path, evidence: Note) -> None:
    """A bot on paper says whether its data come, and asks nothing that needs a key."""
    book = Book()
    async with served(STUBS["kucoin"](book)) as url, bots.pod(tmp_path, at(tmp_path, "kucoin", url)) as pod:
        await pod.until(lambda status: status["state"] == "trading")
        code, told = await pod.api("/api/market-data/kucoin/status")
        evidence("GET /api/market-data/kucoin/status", json.dumps(told))
        assert (code, told["connected"], told["symbols"]) == (200, True, ["BTC/USDT"])
        assert await pod.stop() == 0
    assert not [seen for seen in book.seen if "KC-API-KEY" in seen.headers]


async def test_the_way_to_a_venue_is_walked_and_its_first_bad_step_named(tmp_path: Path) -> None:
    """A key with the right to withdraw is told with its cure, after what was well, and nothing else is asked."""
    async with served(STUBS["kraken"](Book(key=KEY, rights=("trade", "withdraw")))) as url:
        settings = at(tmp_path, "kraken", url, exchange={"sandbox": True})
        bots.mounted(tmp_path, settings, KEY)
        code, out, said = await atb(tmp_path, settings, "test-provider", "--steps")
    assert (code, out) == (78, "")
    lines = said.splitlines()
    assert [line.partition(":")[0] for line in lines[:5]] == [
        "ok    name",
        "ok    line",
        "ok    clock",
        "ok    key",
        "FAIL  rights",
    ]
    assert lines[-1].startswith("atb: kraken: step rights fails: UnsafeKeyPermissions: the exchange key may withdraw")
