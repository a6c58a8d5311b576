"""Two real ``atb`` processes, one ledger, one venue: the epoch goes back and forth, and the order log is the judge."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import bots
from bots import OPERATOR, Pod
from exchange_simulator.dialect.limits import Limits
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue, running
from exchange_simulator.settings import Settings
from invariants import epochs_going_back, gaps_ms, sent_twice, stale_writes, two_senders

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8B"
PACE = {"every_ms": "20", "notional": "10", "positions": "3"}
# A decision every 20 ms is more than a person's venue lets anybody do.
ROOM = Limits(weight=10**9, orders_ten_seconds=10**9, orders_day=10**9)
REVISIONS = {"blue": "0123456789abcdef0123", "green": "fedcba9876543210fedc"}


@dataclass
class Pair:
    """Both colours of one bot."""

    venue: Venue
    pods: dict[str, Pod]
    ledger: str

    async def row(self) -> dict[str, Any]:
        return await self.fence("status", {})

    async def fence(self, function: str, body: dict[str, Any]) -> dict[str, Any]:
        pod = next(iter(self.pods.values()))
        code, answer = await pod.api(f"/fence/{function}", body, token=OPERATOR)
        assert code == 200, answer
        return answer

    async def hand_over(self, to: str) -> dict[str, Any]:
        """The status of *to* once it trades, after the order that an operator would give."""
        row, status = await self.row(), await self.pods[to].status()
        successor = f"{to} {status['instance']} {status['revision']}"
        order = {"epoch": row["epoch"], "expected": None, "successor": successor, "lasts_ms": 5000}
        assert (await self.fence("order", order))["done"]
        return await self.pods[to].until(lambda seen: seen["epoch"] == row["epoch"] + 1 and trades(seen), 10)

    def entries(self) -> list[dict[str, Any]]:
        return [entry_fields(entry) for entry in self.venue.exchange.log.entries]

    def senders(self) -> dict[int, str]:
        """Whose each epoch was, as the venue names them."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as connection:
            rows = connection.execute("SELECT epoch, instance FROM lease_history WHERE event IN ('claim', 'named')")
            return {epoch: f"tradingbot/0.1.0 pod/{instance.partition('/')[0]}" for epoch, instance in rows}


def entry_fields(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__}


def trades(status: dict[str, Any]) -> bool:
    return bool(status["state"] == "trading" and status["adoption"]["result"] == "adopted")


def simulator() -> Settings:
    account = Account(KEY, KEY, {"USDT": Balance(free=Decimal(10000)), "BTC": Balance(free=Decimal(0))})
    return Settings(port=0, pace=Pace(Mode.WALL), accounts=(account,), limits=ROOM)


@contextlib.asynccontextmanager
async def pair(folder: Path, **parameters: str) -> AsyncIterator[Pair]:
    """Blue trades, green stands by, on one embedded ledger."""
    ledger = f"{folder}/ledger.sqlite"
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
                database={"mode": "embedded", "path": ledger},
            )
            variables = {"TRADINGBOT_COLOUR": colour, "TRADINGBOT_REVISION": REVISIONS[colour]}
            pods[colour] = await stack.enter_async_context(bots.pod(folder / colour, rendered, KEY, **variables))
            await pods[colour].until(lambda seen, state=state: seen["state"] == state, 60)
        yield Pair(venue, pods, ledger)


def judged(both: Pair) -> list[int]:
    """The gaps, after I1, I2 and I3 held."""
    entries = both.entries()
    assert epochs_going_back(entries) == []
    assert stale_writes(entries, both.senders()) == []
    assert two_senders(entries) == []
    assert sent_twice(entries) == []
    return gaps_ms(entries)


@pytest.mark.asyncio
async def test_the_epoch_goes_back_and_forth_and_one_process_sends_at_a_time(tmp_path: Path) -> None:
    """Ten swaps on an embedded ledger: I1, I2, I3 from the order log, and a gap far below what a restart takes."""
    async with pair(tmp_path) as both:
        adopted = []
        for number in range(10):
            to = ("green", "blue")[number % 2]
            status = await both.hand_over(to)
            adopted.append(float(status["adoption"]["milliseconds"]))
            await asyncio.sleep(0.3)
            other = await both.pods["blue" if to == "green" else "green"].status()
            assert (other["state"], other["epoch"]) == ("standby", None)
        gaps = judged(both)
        print("gaps ms", sorted(gaps), "adoption ms", sorted(adopted))
        assert len(gaps) == 10
        assert max(gaps) <= 2000
