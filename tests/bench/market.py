"""A simulator in a process of its own, on recordings made for a bench, and the accounts of its bots."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bots
from markets import morning

SIMULATOR = str(Path(sys.executable).with_name("exchange-simulator"))
MINUTES = 1440
FIRST_MS = 1_670_889_600_000
LOOSE = {
    "max_order_notional": "100",
    "max_orders_per_minute": 6000,
    "max_daily_loss": "9000",
    "max_daily_loss_percent": "90",
    "max_drawdown_percent": "90",
    "flash_drawdown_percent": "90",
    "max_open_positions": 500,
    "stop_loss_percent": "10",
}
# Enters on every bar that rose and leaves on every bar that fell.
EVERY_BAR = {"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "1", "slow": "2"}}


def zigzag(folder: Path, symbols: Sequence[str]) -> Path:
    """A day of each symbol in which every bar closes on the other side of the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["open_time_ms,open,high,low,close,volume"]
    for minute in range(MINUTES):
        before, after = (20000, 20040) if minute % 2 else (20040, 20000)
        rows.append(f"{FIRST_MS + minute * 60_000},{before},20045,19995,{after},100000")
    for symbol in symbols:
        (folder / f"{symbol}-1m-zigzag.csv").write_text("\n".join(rows) + "\n")
    return folder


@dataclass(frozen=True)
class Market:
    """A running simulator."""

    url: str
    pid: int

    async def control(self, path: str, body: Any = None) -> Any:
        code, answer = await bots.asked(f"{self.url}/control/{path}", body)
        assert code in (200, 201), answer
        return answer

    async def account(self, key: str, coins: Sequence[str] = ("BTC",)) -> None:
        """*key* is a key, and its own secret, of an account with enough of everything that is sold."""
        balances = {"USDT": "1000000", **dict.fromkeys(coins, "0")}
        await self.control("accounts", {"api_key": key, "secret": key, "balances": balances})


@contextlib.asynccontextmanager
async def market(folder: Path, data: Path, speed: float) -> AsyncIterator[Market]:
    """The venue on *data*, at *speed* times the pace, beginning in the quiet of a morning."""
    port = bots.free_port()
    pace = ["--speed", f"{speed:g}"] + ([] if speed == 1 else ["--start", str(morning())])
    flags = ["serve", "--port", str(port), "--listen", "127.0.0.1", "--data", str(data), *pace]
    with (folder / "simulator.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            SIMULATOR, *flags, env={"PATH": os.environ["PATH"]}, stdout=log, stderr=log
        )
    made = Market(f"http://127.0.0.1:{port}", process.pid)
    try:
        await answers(f"{made.url}/healthz")
        yield made
    finally:
        process.terminate()
        await process.wait()


async def answers(url: str, seconds: float = 60) -> None:
    """Somebody answers 200 there."""
    async with asyncio.timeout(seconds):
        while True:
            with contextlib.suppress(OSError):
                if (await bots.asked(url))[0] == 200:
                    return
            await asyncio.sleep(0.02)
