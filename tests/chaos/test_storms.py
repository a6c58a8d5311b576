"""Long storms: minutes of faults on every kind of request, seed after seed."""

import asyncio

import pytest

from storm import storm

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(100, 110))
def test_a_long_storm_leaves_every_order_settled_and_every_position_covered(seed: int) -> None:
    """Half a minute at six hundred times the market's pace: I4, I5 and I9 hold when it is over."""
    at = asyncio.run(storm(30.0, seed))
    assert at.ledger.released
