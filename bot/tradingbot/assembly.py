"""From settings to a running engine: the adapters of the mode, the ledger, the strategy, the limits."""

import asyncio
from dataclasses import dataclass

from tradingbot.api.desk import Desk
from tradingbot.credentials import Secrets
from tradingbot.domain.lease import Instance
from tradingbot.domain.snapshot import Metrics
from tradingbot.halts.latch import Latch
from tradingbot.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process gives to the trader."""

    settings: Settings
    secrets: Secrets
    instance: Instance
    latch: Latch
    desk: Desk
    metrics: Metrics


async def run(parts: Parts) -> str:
    await asyncio.Event().wait()
    return "x"
