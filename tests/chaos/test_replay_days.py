"""All crashes and all hand-overs of the replayed day of tests/integration/test_bot_replay.py, counted in the book."""

import asyncio

import pytest

from chaos.chaosbook import note
from chaos.test_crash_points import loaded
from exchange import Calls
from killing import check, run

REPLAY = loaded("test_bot_replay")


@pytest.fixture(scope="module")
def calm() -> tuple[object, list[str]]:
    day, calls = REPLAY.Day(), Calls()
    assert run(day, calls)
    return day, calls.made


@pytest.mark.slow
def test_no_crash_of_the_day_changes_an_order(calm):
    """Forty runs, each with a crash before every fortieth call from another one on."""
    tried, failed = 0, []
    for offset in range(REPLAY.APART):
        day, crashes = REPLAY.Day(), 0
        while not run(day, REPLAY.Again(REPLAY.APART if crashes else offset, spared=("send",))):
            crashes += 1
        check(day)
        tried += crashes
        if REPLAY.trades(day.exchange) != REPLAY.trades(calm[0].exchange):
            failed.append(offset)
    facts = {"writes": len(calm[1]), "points": tried, "failed": len(failed)}
    note("crash_points", {"replay of 500 bars: crashes": facts})
    assert (tried > 1500, failed) == (True, [])


@pytest.mark.slow
def test_no_hand_over_of_the_day_changes_an_order():
    """Forty runs, in each of which the colours take turns at every fortieth commit from another one on."""
    still, _ = asyncio.run(REPLAY.swapped(REPLAY.NEVER))
    orders = REPLAY.trades(still.market.exchange)
    tried, failed = 0, []
    for offset in range(REPLAY.APART):
        day, swaps = asyncio.run(REPLAY.swapped(offset))
        tried += swaps
        if REPLAY.faults(day) or REPLAY.trades(day.market.exchange) != orders:
            failed.append(offset)
    facts = {"writes": len(orders), "points": tried, "failed": len(failed)}
    note("crash_points", {"replay of 500 bars: hand-overs": facts})
    assert (tried > 1200, failed) == (True, [])
