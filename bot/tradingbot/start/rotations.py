"""That the bearer token was rotated: told to the audit log, by fingerprints."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tradingbot.api.usage import fingerprint
from tradingbot.domain.audit import Event, event
from tradingbot.start.credentials import TokenFile


@dataclass(slots=True)
class Rotations:
    """Tells when the file holds other tokens than at the last look."""

    file: TokenFile
    tell: Callable[[Event], None]
    known: tuple[str, ...] | None = None

    async def look(self) -> None:
        tokens = await asyncio.to_thread(self.file.tokens)
        if not tokens:
            # A file that cannot be read, or is being written, is no rotation.
            return
        found = tuple(fingerprint(f"Bearer {token.get_secret_value()}") for token in tokens)
        if self.known is not None and found != self.known:
            self.tell(event("TOKEN_ROTATED", "secret", "api token", tokens=found, before=self.known))
        self.known = found
