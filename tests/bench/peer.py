"""freqtrade 2026.9 in dry run at the same simulator: from a virtual environment of its own, a process, never imported.

Ready is its own word for it, the first heartbeat with state RUNNING. Memory and end are taken as those of ours are.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import statistics
import sys
import time
from typing import Any

from market import market
from meters import Process
from starting import IDLE_SECONDS

import bots
from markets import DEEP_DATA

VERSION = "2026.9"
PLACE = pathlib.Path(__file__).parents[2] / "build" / "bench" / "freqtrade"
UV = str(pathlib.Path(sys.executable).with_name("uv"))
READY = "state='RUNNING'"
STRATEGY = """
from freqtrade.strategy import IStrategy
import talib.abstract as ta


class Cross(IStrategy):
    timeframe, minimal_roi, stoploss, startup_candle_count = "1m", {"0": 10}, -0.1, 8

    def populate_indicators(self, frame, metadata):
        frame["fast"], frame["slow"] = ta.SMA(frame, timeperiod=3), ta.SMA(frame, timeperiod=8)
        return frame

    def populate_entry_trend(self, frame, metadata):
        frame.loc[frame["fast"] > frame["slow"], "enter_long"] = 1
        return frame

    def populate_exit_trend(self, frame, metadata):
        frame.loc[frame["fast"] < frame["slow"], "exit_long"] = 1
        return frame
"""


async def installed() -> pathlib.Path:
    """Its program; AssertionError with the last line of what the installer said when it cannot be had."""
    program = PLACE / "bin" / "freqtrade"
    if not program.exists():
        for command in (
            ("venv", "-q", str(PLACE)),
            ("pip", "install", "-q", "-p", str(PLACE), f"freqtrade=={VERSION}"),
        ):
            run = await asyncio.create_subprocess_exec(UV, *command, stderr=asyncio.subprocess.PIPE)
            _, said = await run.communicate()
            assert run.returncode == 0, f"freqtrade {VERSION} cannot be installed: {said.decode().strip()[-200:]}"
    return program


def settings(url: str, port: int) -> dict[str, Any]:
    """A dry run of one pair with a server that answers, as ours has."""
    api = dict.fromkeys(("public", "private", "v1"), f"{url}/api/v3") | {"sapi": f"{url}/sapi/v1"}
    options = {"fetchMargins": False, "fetchCurrencies": False, "fetchMarkets": {"types": ["spot"]}}
    side = {"price_side": "same", "use_order_book": False}
    return {
        "initial_state": "running",
        "dry_run": True,
        "dry_run_wallet": 10000,
        "stake_currency": "USDT",
        "stake_amount": 100,
        "max_open_trades": 1,
        "trading_mode": "spot",
        "timeframe": "1m",
        "entry_pricing": side,
        "exit_pricing": side,
        "exchange": {
            "name": "binance",
            "pair_whitelist": ["BTC/USDT"],
            "enable_ws": False,
            "ccxt_config": {"urls": {"api": api}, "options": options},
            "ccxt_async_config": {"urls": {"api": api}, "options": options},
        },
        "pairlists": [{"method": "StaticPairList"}],
        "api_server": {
            "enabled": True,
            "listen_ip_address": "127.0.0.1",
            "listen_port": port,
            "username": "bench",
            "password": "bench",
            "jwt_secret_key": "only-in-this-bench-0123456789abcdef",
        },
        "bot_name": "bench",
        "internals": {"heartbeat_interval": 1},
    }


async def measured(folder: pathlib.Path, runs: int) -> dict[str, float]:
    """Medians of *runs* starts, the first of which warms up and is not counted when there are more."""
    program = await installed()
    async with market(folder, DEEP_DATA, 1) as venue:
        found = [await one(program, folder / f"peer-{number}", venue.url) for number in range(runs)]
    counted = found[1:] or found
    ready, resident, ended = (statistics.median(values) for values in zip(*counted, strict=True))
    return {
        "peer_freqtrade_ready_p50_s": ready,
        "peer_freqtrade_idle_rss_mb": resident,
        "peer_freqtrade_sigterm_to_exit_p50_s": ended,
    }


async def one(program: pathlib.Path, folder: pathlib.Path, url: str) -> tuple[float, float, float]:
    prepare(folder, url)
    log = folder / "log"
    with log.open("wb") as out:
        since = time.monotonic()
        flags = ["trade", "--config", str(folder / "config.json"), "--userdir", str(folder), "--strategy", "Cross"]
        process = await asyncio.create_subprocess_exec(
            str(program),
            *flags,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdout=out,
            stderr=out,
        )
    try:
        async with asyncio.timeout(180):
            while READY not in log.read_text():
                assert process.returncode is None, log.read_text()[-1000:]
                await asyncio.sleep(0.02)
        ready = time.monotonic() - since
        await asyncio.sleep(IDLE_SECONDS)
        resident, since = Process(process.pid).resident_mb(), time.monotonic()
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 120)
        return ready, resident, time.monotonic() - since
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def prepare(folder: pathlib.Path, url: str) -> None:
    (folder / "strategies").mkdir(parents=True)
    (folder / "strategies" / "cross.py").write_text(STRATEGY)
    (folder / "config.json").write_text(json.dumps(settings(url, bots.free_port())))
