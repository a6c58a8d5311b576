"""What follows from a key the venue no longer takes: the bot halts and holds no key any more."""

import asyncio
import secrets as randomness

from tradingbot.domain.halt import HaltKind
from tradingbot.domain.ports import Venue
from tradingbot.start.across import there
from tradingbot.start.around import Around

LOOK_SECONDS = 0.25


async def watch_key(around: Around, venue: Venue) -> None:
    """Ends once the venue has refused the key and the bot is halted for it."""
    while not venue.key_refused:  # noqa: ASYNC110 - the venue tells nobody
        await asyncio.sleep(LOOK_SECONDS)
    around.desk.keys_loaded = 0
    reason = f"KeyRevoked: the venue refuses the key ({venue.key_refused}): give the bot a new one"
    halt_id = f"key-revoked-{randomness.token_hex(4)}"
    await there(around.front, around.latch.halt(reason, HaltKind.HALT, "venue", halt_id))
