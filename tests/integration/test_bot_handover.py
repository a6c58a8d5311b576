"""Two real ``atb`` processes, one ledger, one venue: the epoch goes back and forth, and the order log is the judge."""

import asyncio
import contextlib
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

import bots
import postgres
from bots import Pod
from exchange_simulator.control.faults import Fault
from exchange_simulator.dialect.limits import Limits
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings
from invariants import epoch_of, epochs_going_back, gaps_ms, sent_twice, stale_writes, two_senders
from ledgers import OWNER
from markets import DEEP_DATA
from tradingbot.ledger import Book
from tradingbot.ledger.connect import connect
from tradingbot.ledger.door import LedgerDoor
from tradingbot.ledger.prepare import Wanted, prepare

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8B"
LEDGER, FENCER, OWNING = "sw4pp1", "swap_fencer", "swap_owner"
PACE = {"every_ms": "20", "notional": "10", "positions": "3"}
# A decision every 20 ms is more than a person's venue lets anybody do.
ROOM = Limits(weight=10**9, orders_ten_seconds=10**9, orders_day=10**9)
REVISIONS = {"blue": "0123456789abcdef0123", "green": "fedcba9876543210fedc"}


@dataclass(frozen=True)
class Place:
    """Where the ledger is for each colour, and for the operator."""

    engine: str
    urls: dict[str, str]
    fencer: str

    def holder(self, colour: str) -> str:
        return colour if self.engine == "sqlite" else f"tb_{LEDGER}_{colour}"

    def database(self, colour: str) -> dict[str, Any]:
        if self.engine == "sqlite":
            return {"mode": "embedded", "path": self.urls[colour].removeprefix("sqlite:///")}
        return {"mode": "postgres"}


@dataclass
class Pair:
    """Both colours of one bot."""

    venue: Venue
    pods: dict[str, Pod]
    place: Place
    door: LedgerDoor

    async def order(self, to: str, lasts_ms: int = 15000) -> int:
        """The operator has ordered the hand-over to *to*; the epoch it will get."""
        status = await self.pods[to].status()
        successor = f"{self.place.holder(to)} {status['instance']} {status['revision']}"
        epoch = self.door.state().row.epoch
        assert self.door.order(epoch, None, successor, lasts_ms)
        return epoch + 1

    async def hand_over(self, to: str) -> dict[str, Any]:
        """The status of *to* once it trades."""
        epoch = await self.order(to)
        return await self.pods[to].until(lambda seen: seen["epoch"] == epoch and trades(seen), 30)

    def entries(self) -> list[dict[str, Any]]:
        return [entry_fields(entry) for entry in self.venue.exchange.log.entries]

    def senders(self) -> dict[int, str]:
        """Whose each epoch was, as the venue names them."""
        begun = text("SELECT epoch, instance FROM lease_history WHERE event IN ('claim', 'named', 'grant')")
        engine = connect(self.place.fencer, read_only=True)
        with engine.begin() as connection:
            rows = connection.execute(begun).all()
        engine.dispose()
        return {row.epoch: f"tradingbot/0.1.0 pod/{row.instance.partition('/')[0]}" for row in rows}


@pytest.fixture(name="place", params=["sqlite", "postgresql"])
def each_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A ledger on each engine, on a server that syncs as a person's would."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/ledger.sqlite"
        yield Place("sqlite", {"blue": url, "green": url}, url)
        return
    with postgres.server(fsync=True) as server:
        yield prepared(server)


def prepared(server: postgres.Server) -> Place:
    """The ledger as the migration leaves it, with the roles the operator makes."""
    roles = {colour: f"tb_{LEDGER}_{colour}" for colour in ("blue", "green", "task")}
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in (OWNING, FENCER, *roles.values()):
            connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"ALTER ROLE {FENCER} CREATEROLE")
        connection.execute(f"GRANT pg_signal_backend TO {FENCER}")
        connection.execute(f"CREATE DATABASE swaps OWNER {OWNING}")
    wanted = Wanted(LEDGER, FENCER, OWNER, Book("sandbox", "binance", ""), None)
    prepare(server.url("swaps", OWNING), wanted, random.Random(7).randrange)
    urls = {colour: server.url("swaps", roles[colour]) for colour in ("blue", "green")}
    return Place("postgresql", urls, server.url("swaps", FENCER))


def entry_fields(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__}


def trades(status: dict[str, Any]) -> bool:
    return bool(status["state"] == "trading" and status["adoption"]["result"] == "adopted")


def simulator() -> Settings:
    account = Account(KEY, KEY, {"USDT": Balance(free=Decimal(10000)), "BTC": Balance(free=Decimal(0))})
    return Settings(port=0, pace=Pace(Mode.WALL), accounts=(account,), limits=ROOM, data=DEEP_DATA)


@contextlib.asynccontextmanager
async def pair(folder: Path, place: Place, **parameters: str) -> AsyncIterator[Pair]:
    """Blue trades and green stands by."""
    async with contextlib.AsyncExitStack() as stack:
        venue = await stack.enter_async_context(running(simulator(), time.time))
        pods = {}
        for colour, state in (("blue", "trading"), ("green", "standby")):
            (folder / colour).mkdir()
            rendered = bots.settings(
                folder / colour,
                exchange={"endpoint": venue.url, "sandbox": True},
                strategy={"name": "metronome", "timeframe": "1m", "parameters": {**PACE, **parameters}},
                risk={"max_orders_per_minute": 10000},
                database=place.database(colour),
            )
            variables = {"TRADINGBOT_COLOUR": colour, "TRADINGBOT_REVISION": REVISIONS[colour]}
            url = place.urls[colour] if place.engine == "postgresql" else None
            pods[colour] = await stack.enter_async_context(bots.pod(folder / colour, rendered, KEY, url, **variables))
            await pods[colour].until(lambda seen, state=state: seen["state"] == state, 60)
        door = LedgerDoor(place.fencer)
        stack.callback(door.close)
        yield Pair(venue, pods, place, door)


def judged(both: Pair) -> list[int]:
    """The gaps, after I1, I2 and I3 held."""
    entries = both.entries()
    assert epochs_going_back(entries) == []
    assert stale_writes(entries, both.senders()) == []
    assert two_senders(entries) == []
    assert sent_twice(entries) == []
    return gaps_ms(entries)


async def written(both: Pair, epoch: int) -> None:
    """The venue has accepted an entry of *epoch*."""
    ends = time.monotonic() + 30
    while not any(e["action"] == "order" and epoch_of(e["client_id"]) == epoch for e in both.entries()):
        assert time.monotonic() < ends, f"nothing of epoch {epoch} came"
        await asyncio.sleep(0.01)


async def swapped(both: Pair, times: int) -> list[float]:
    """The epoch went back and forth *times*; how long each adoption took."""
    took = []
    for number in range(times):
        to, other = ("green", "blue") if number % 2 == 0 else ("blue", "green")
        status = await both.hand_over(to)
        took.append(float(status["adoption"]["milliseconds"]))
        await written(both, status["epoch"])
        left = await both.pods[other].status()
        assert (left["state"], left["epoch"]) == ("standby", None)
    return took


@pytest.mark.asyncio
async def test_the_epoch_goes_back_and_forth_and_one_process_sends_at_a_time(place: Place, tmp_path: Path) -> None:
    """Ten swaps, each of an empty book: I1, I2 and I3 from the order log."""
    async with pair(tmp_path, place, style="passing") as both:
        took = await swapped(both, 10)
        gaps = judged(both)
        print(place.engine, "bare: gaps ms", sorted(gaps), "adoption ms", sorted(took))
        assert len(gaps) == 10
        assert {entry["action"] for entry, after in pairwise(both.entries()) if entry["sender"] != after["sender"]} == {
            "cancel"
        }


@pytest.mark.asyncio
async def test_a_loaded_trader_hands_over_orders_position_and_stop(place: Place, tmp_path: Path) -> None:
    """Ten swaps over a way of 20 ms, with five resting orders and a position: the taker adopts all of it."""
    async with pair(tmp_path, place, positions="5", holds="100") as both:
        both.venue.exchange.faults.add(Fault(0, "delay_before", parameters={"ms": 20}))
        await both.pods["blue"].until(lambda seen: seen["open_orders"] >= 6, 30)
        took = await swapped(both, 10)
        gaps = judged(both)
        print(place.engine, "loaded: gaps ms", sorted(gaps), "adoption ms", sorted(took))
        assert len(gaps) == 10
        status = await both.pods["blue"].status()
        (held,) = status["positions"]
        # The commission was taken in the coin bought; less than a step can have no stop.
        assert abs(Decimal(held["quantity"]) - Decimal(held["covered"])) < Decimal("0.00001")


# A stopped writer keeps the file's lock: an embedded trader is killed, not fenced.
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
@pytest.mark.asyncio
async def test_a_frozen_trader_is_replaced_and_sends_nothing_when_it_thaws(place: Place, tmp_path: Path) -> None:
    """Stopped for longer than its requests live; the epoch is granted meanwhile, and comes back by order later."""
    async with pair(tmp_path, place, holds="100") as both:
        blue, green = both.pods["blue"], both.pods["green"]
        await blue.until(lambda seen: seen["positions"] and seen["positions"][0]["stop_price"], 30)
        named = await green.status()
        blue.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        await fenced(both, named)
        await green.until(lambda seen: seen["epoch"] == 2 and trades(seen), 20)
        print("frozen takeover ms", round((time.monotonic() - began) * 1000))
        await written(both, 2)
        blue.process.send_signal(signal.SIGCONT)
        await blue.until(lambda seen: seen["state"] == "standby" and seen["epoch"] is None, 20)
        await asyncio.sleep(0.5)
        await both.hand_over("blue")
        await written(both, 3)
        judged(both)


async def fenced(both: Pair, to: dict[str, Any]) -> None:
    """Blue is shut out and the epoch given to *to*, as the operator does it."""
    role = both.place.holder("blue")
    with psycopg.connect(both.place.fencer, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (role,)
        ).fetchall()
    await asyncio.sleep(3)
    row = both.door.state().row
    green = (both.place.holder("green"), to["instance"], to["revision"])
    assert both.door.grant(row.epoch, row.epoch + 1, green)


@pytest.mark.asyncio
async def test_one_halt_on_both_pods_is_one_halt_and_one_resume_ends_it(place: Place, tmp_path: Path) -> None:
    """Two processes read the same words; both show one id. The same words after the resume are the next halt."""
    by_hand = 'tradingbot.io/halt="odd"\n'
    carried = f'{by_hand}tradingbot.io/halt-id="h1a2b3c"\n'
    said = {by_hand: "pod-990cb8eb-1", f'{by_hand[:-2]} again"\n': "pod-613a355b-1", carried: "h1a2b3c"}
    async with pair(tmp_path, place) as both:
        for words, name in (*said.items(), (by_hand, "pod-990cb8eb-2")):
            for pod in both.pods.values():
                (pod.folder / "podinfo/annotations").write_text(words)
            for pod in both.pods.values():
                await pod.until(lambda seen, p=pod, n=name: shown(seen) == [n] and has_read(p, n), 60)
            code, _ = await both.pods["green"].api("/api/resume", {"id": name, "reason": "looked at it"})
            assert code == 200
            for pod in both.pods.values():
                await pod.until(lambda seen: not seen["halts"], 60)


def shown(status: dict[str, Any]) -> list[str]:
    return [halt["id"] for halt in status["halts"]]


def has_read(pod: Pod, name: str) -> bool:
    """The process has read the words itself: it may show the halt before, for the other one has latched it."""
    records = (pod.folder / "data/state/halts").glob("*.json")
    return any(json.loads(record.read_text())["halt_id"] == name for record in records)
