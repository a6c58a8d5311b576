"""A trader in a short storm; `make chaos` has the long ones."""

import asyncio
from decimal import Decimal

import pytest

from lockstep import Running
from storm import storm
from tradingbot.domain.halt import HaltKind

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_leaves_every_order_settled_and_every_position_covered(seed):
    """Hundreds of venue minutes of faults on every kind of request; no order doubled, none lost, no coin uncovered."""
    at = asyncio.run(storm(8.0, seed))
    assert at.ledger.released


def test_flatten_after_a_storm_leaves_nothing():
    """Flat is: no order of ours at the venue, and a rest that is dust."""

    async def flat(at: Running) -> None:
        await at.engine.halt("enough", HaltKind.FLATTEN, "test")
        async with asyncio.timeout(20):
            while any(  # noqa: ASYNC110 - a snapshot tells nobody
                each.position.quantity > Decimal("0.0005") for each in at.engine.snapshot().positions
            ) or any(
                at.ledger.records[name].status in ("open", "partial", "intended", "unknown")
                for name in at.ledger.records
            ):
                await asyncio.sleep(0.05)

    at = asyncio.run(storm(4.0, 9, flat))
    assert all(each.covered == 0 for each in at.engine.snapshot().positions)
