"""One decision of a strategy that decides on a timer."""

from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor


async def tick(floor: Floor, desk: Desk, symbol: str) -> bool:  # noqa: ARG001
    """True when something may have changed the position."""
    return False
