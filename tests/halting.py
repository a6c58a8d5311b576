"""For tests of halts: a venue in this process, a bot that trades at it often, and what the venue's order log says."""

import asyncio
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import bots
from bots import Pod
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.entry import Entry
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import Venue
from exchange_simulator.settings import Settings
from markets import DEEP_DATA, morning
from trading import OFTEN

# Long enough and odd enough to be found wherever it should not be.
KEY = "q7Zt2LxVn4Rk9WmB1yHc8PsD5fGj3TaU6eEoXiQvNwKzMbCrYhLdFpSgJuAt0O2e"
SPEED = 240.0
# The strategy of these stories enters within 16 bars and leaves within 21 (tests/trading.py).
LONGEST_WAIT_BARS = 24
TRADES = frozenset({"read", "spot"})
LOOSE = {
    "max_orders_per_minute": 600,
    "max_daily_loss": "9000",
    "max_daily_loss_percent": "90",
    "max_drawdown_percent": "90",
    "flash_drawdown_percent": "90",
}


def simulator(speed: float = SPEED, data: Path = DEEP_DATA, **changes: Any) -> Settings:
    """A venue that knows KEY, at *speed* times the pace."""
    coins = {coin: Balance(free=amount) for coin, amount in changes.pop("coins", {}).items()}
    account = Account(KEY, KEY, {"USDT": Balance(free=Decimal(10000)), **coins}, changes.pop("permissions", TRADES))
    pace, start = (Pace(Mode.WALL), None) if speed == 1 else (Pace(Mode.FREE, speed), morning())
    return Settings(port=0, pace=pace, accounts=(account,), data=data, start_ms=start, **changes)


def sandboxed(folder: Path, url: str, **changes: Any) -> dict[str, Any]:
    """Settings of a bot that trades often at the simulator, with limits that stop nothing."""
    risk = {**LOOSE, **changes.pop("risk", {})}
    return bots.settings(
        folder, exchange={"endpoint": url, "sandbox": True}, **{"strategy": OFTEN, **changes}, risk=risk
    )


def buys(venue: Venue) -> list[Entry]:
    """Every buy that reached the venue, whatever became of it."""
    return [entry for entry in venue.exchange.log.entries if entry.action == "order" and entry.side == "BUY"]


async def bars_later(pod: Pod, count: int = LONGEST_WAIT_BARS) -> None:
    """The bot has decided *count* more bars."""
    metric = "tradingbot_bars"
    first = await gauge(pod, metric)
    async with asyncio.timeout(60):
        while await gauge(pod, metric) < first + count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def minutes_later(venue: Venue, count: int = LONGEST_WAIT_BARS) -> None:
    """So many bars have closed at the venue, whatever the bot made of them."""
    ends = venue.exchange.clock.now_ms() + count * 60_000
    async with asyncio.timeout(60):
        while venue.exchange.clock.now_ms() < ends:  # noqa: ASYNC110 - the venue shares this loop
            await asyncio.sleep(0.05)


async def held(pod: Pod) -> None:
    """It holds a position under its stop, and is halted so that it keeps both."""
    async with asyncio.timeout(90):
        while True:
            await pod.until(lambda seen: seen["state"] == "trading" and is_covered(seen), 60)
            _, halt = await pod.api("/api/halt", {"reason": "to be looked at"})
            seen = await pod.until(lambda seen: seen["state"] == "halted" and not seen["unresolved"])
            if is_covered(seen):
                return
            await pod.api("/api/resume", {"id": halt["id"], "reason": "it was sold meanwhile"})


def is_covered(seen: dict[str, Any]) -> bool:
    """More than dust is held, and a stop stands for it."""
    return any(Decimal(each["covered"]) for each in seen["positions"])


async def gauge(pod: Pod, name: str) -> float:
    """The value of the metric *name* without labels of its own."""
    _, text = await pod.ops("/metrics")
    lines = (line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))
    return float(next(lines).rpartition(" ")[2])


async def bought(venue: Venue, more_than: int, seconds: float = 60) -> None:
    """The venue has seen more than *more_than* buys."""
    async with asyncio.timeout(seconds):
        while len(buys(venue)) <= more_than:  # noqa: ASYNC110 - the venue shares this loop
            await asyncio.sleep(0.01)


@dataclass
class Watch:
    """A stop watch."""

    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began
