"""What the process lends to the trader; apart from ``assembly``, so that the ports listen before it is loaded."""

import asyncio
from dataclasses import dataclass, field

from tradingbot.api.desk import Desk
from tradingbot.attempts import Attempts
from tradingbot.domain.lease import Instance
from tradingbot.domain.snapshot import Metrics
from tradingbot.halts.latch import Latch
from tradingbot.settings import Settings
from tradingbot.start.credentials import Secrets


@dataclass(frozen=True, slots=True)
class Around:
    """*front* is the loop of the ports and the latch; the trader runs in another one."""

    front: asyncio.AbstractEventLoop
    settings: Settings
    secrets: Secrets
    instance: Instance
    latch: Latch
    desk: Desk
    metrics: Metrics
    attempts: Attempts = field(default_factory=Attempts)
