"""Whether the ledger is still what was written: examined at intervals, beside the trader."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from zlib import crc32

import structlog

from tradingbot.domain.errors import LedgerUnavailable, UnknownState
from tradingbot.domain.halt import HaltKind
from tradingbot.ledger import Finding
from tradingbot.start.across import there
from tradingbot.start.around import Around

# What is wrong for a moment only, while another process takes over, is no corruption.
AGAIN_SECONDS = 30.0
Look = Callable[[], Sequence[Finding]]
log = structlog.stdlib.get_logger(__name__)


async def watch_integrity(around: Around, look: Look, every: timedelta) -> None:
    """Until cancelled: what two looks in a row have found wrong halts the bot, under one name however often."""
    while True:
        await asyncio.sleep(every.total_seconds())
        found = await _found(look)
        if found:
            await asyncio.sleep(AGAIN_SECONDS)
            found &= await _found(look)
        for check, message in sorted(found):
            reason = f"DataCorruption: {check}: {message}; restore the ledger, or mend it and resume"
            halt_id = f"corrupt-{crc32(f'{check} {message}'.encode()):08x}"
            await there(around.front, around.latch.halt(reason, HaltKind.HALT, "integrity", halt_id))


async def _found(look: Look) -> frozenset[tuple[str, str]]:
    """What is wrong; nothing when nobody could look."""
    try:
        found = frozenset((each.check, each.message) for each in await asyncio.to_thread(look))
    except LedgerUnavailable as away:
        log.warning("The ledger could not be examined", error=str(away))
        return frozenset()
    except UnknownState as unreadable:
        return frozenset({("rows", str(unreadable))})
    log.info("Ledger examined", wrong=[f"{check}: {message}" for check, message in sorted(found)])
    return found
