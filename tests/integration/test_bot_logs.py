"""A real ``atb`` whose log nobody takes: not the disk, not who should read its standard output."""

import asyncio
import fcntl
import os
import select
import time
from pathlib import Path
from typing import Any

import pytest

import bots
from bots import Pod
from exchange_simulator.server import running
from halting import LOOSE, gauge, simulator
from trading import OFTEN


@pytest.mark.asyncio
async def test_a_full_disk_and_a_pipe_nobody_empties_stop_no_trading(tmp_path: Path) -> None:
    """Nobody reads standard output, and the disk takes no line: bars are decided all the same, and it ends as told."""
    async with running(simulator(), time.time) as venue:
        made = bots.settings(tmp_path, exchange={"endpoint": venue.url}, strategy=OFTEN, risk=LOOSE)
        await decides_unheard(tmp_path, {**made, "logging": {"level": "debug"}})


async def decides_unheard(tmp_path: Path, made: dict[str, Any]) -> None:
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
            while await gauge(pod, "tradingbot_bars") < before + 5:  # noqa: ASYNC110 - another process
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
