"""Whether the venue still takes our key: a refusal is asked about a few times, and then believed."""

import asyncio
from collections.abc import Awaitable, Callable

from tradingbot.domain.errors import Misconfigured
from tradingbot.venues.dialect import Rights

PAUSES = (0.5, 1.0, 2.0)


class KeyDoubt:
    """*refused* tells why the key is no good, once that is believed; while it is *doubted* nothing else is asked."""

    def __init__(self) -> None:
        self.refused = ""
        self._asking: asyncio.Task[None] | None = None

    @property
    def doubted(self) -> bool:
        return self._asking is not None and not self._asking.done()

    def doubt(self, why: str, asks: Callable[[], Awaitable[bool]], forget: Callable[[], None]) -> None:
        """The venue is asked again, three times at most; *asks* tells whether it refused the key once more."""
        if not (self.refused or self.doubted):
            self._asking = asyncio.create_task(self._ask(why, asks, forget))

    async def _ask(self, why: str, asks: Callable[[], Awaitable[bool]], forget: Callable[[], None]) -> None:
        for pause in PAUSES:
            await asyncio.sleep(pause)
            if not await asks():
                return
        self.refused = why
        forget()

    async def close(self) -> None:
        if self._asking:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)


def permitted(rights: Rights) -> None:
    """Raises Misconfigured unless the key may trade and may take nothing away."""
    cure = "make a key at the exchange that may read and trade, and nothing else"
    if rights.may_withdraw:
        raise Misconfigured(f"UnsafeKeyPermissions: the exchange key may withdraw ({rights.withdraw}): {cure}")
    if not rights.may_trade:
        raise Misconfigured(f"UnsafeKeyPermissions: the exchange key may not trade ({rights.trade}): {cure}")
