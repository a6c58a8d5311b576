"""The exchange simulator without rate limits, for traders that place an order every 20 ms. Runs in its own image."""

import asyncio
import time
from pathlib import Path

from exchange_simulator.dialect.limits import Limits
from exchange_simulator.server import running
from exchange_simulator.settings import Settings

NEVER = 10**12
DATA = Path("/data")


async def main() -> None:
    limits = Limits(weight=NEVER, orders_ten_seconds=NEVER, orders_day=NEVER)
    async with running(Settings(listen="0.0.0.0", data=DATA, limits=limits), time.time):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
