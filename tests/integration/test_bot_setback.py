"""A volume that was put back to an older state: ledger and high-water mark agree, and only the venue knows better."""

import shutil
import signal
import time
from pathlib import Path

import pytest

import bots
from exchange_simulator.server import running
from halting import KEY, minutes_later, sandboxed, simulator
from trading import AT_ONCE

NEVER = {**AT_ONCE, "parameters": {"period": "20", "lower": "0.1", "upper": "100"}}


@pytest.mark.asyncio
async def test_a_bot_on_an_older_volume_sends_nothing_until_its_ledger_was_raised(tmp_path: Path) -> None:
    """The stop at the venue is of an epoch that would be given anew: halted, with the cure; after it, far above."""
    state, before = tmp_path / "data/state", tmp_path / "snapshot"
    async with running(simulator(), time.time) as venue:
        patient = sandboxed(tmp_path, venue.url, strategy=NEVER)
        async with bots.pod(tmp_path, patient, KEY) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            assert await pod.stop() == 0
        shutil.copytree(state, before)
        rendered = sandboxed(tmp_path, venue.url, strategy=AT_ONCE)
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            seen = await pod.until(lambda seen: seen["positions"] and seen["open_orders"] == 1, 60)
            (held,) = seen["positions"]
            await pod.stop(signal.SIGKILL)
        shutil.rmtree(state)
        shutil.copytree(before, state)
        sent = len(venue.exchange.log.entries)
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            told = await pod.until(lambda seen: any("set-back" in each["id"] for each in seen["halts"]), 60)
            (halt,) = (each for each in told["halts"] if each["id"] == "set-back-2")
            cure = f"run atb db adopt --ledger-id {told['ledger_id']} --above 2, and start the bot anew"
            assert cure in halt["reason"]
            assert (told["highest_epoch"], told["trading_active"]) == (2, False)
            await minutes_later(venue, 4)
            assert len(venue.exchange.log.entries) == sent
            code, _, said = await pod.atb("db", "adopt", "--ledger-id", told["ledger_id"], "--above", "2")
            assert code == 0, said
            await pod.stop()
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            told = await pod.until(lambda seen: seen["epoch"] == 1003 and seen["state"] == "halted", 60)
            # What the older ledger did not know is in it, and the stop was not taken for a stranger's.
            (again,) = told["positions"]
            assert [again[name] for name in ("quantity", "covered")] == [held[name] for name in ("quantity", "covered")]
            for each in told["halts"]:
                await pod.api("/api/resume", {"id": each["id"], "reason": "compared with the account"})
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            assert await pod.stop() == 0
