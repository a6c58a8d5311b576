"""The open doors: one for each bot, kept between passes, and made anew when its address changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tradingbot_operator.domain.address import Address
from tradingbot_operator.ledger.postgres import PostgresDoor
from tradingbot_operator.ledger.session import Session

FRESH_SECONDS = 10.0
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    door: PostgresDoor
    address: Address
    looked_at: float


class Doors:
    """Doors to ledgers on PostgreSQL. *clock* counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._opened: dict[Key, Opened] = {}

    def known(self, bot: Key, ledger_id: str) -> PostgresDoor | None:
        """The door, if it need not be looked for anew: while it is connected its address is good."""
        opened = self._opened.get(bot)
        if opened is None or opened.door.ledger_id != ledger_id:
            return None
        recent = self._clock() - opened.looked_at < FRESH_SECONDS
        return opened.door if recent or opened.door.session.connected else None

    async def open(self, bot: Key, ledger_id: str, address: Address) -> PostgresDoor:
        """The door to that ledger at that address; another one of this bot is closed."""
        opened = self._opened.get(bot)
        door = opened.door if opened else None
        if opened is None or opened.address != address or opened.door.ledger_id != ledger_id:
            await self.forget(bot)
            door = None
        door = door or PostgresDoor(Session(address), ledger_id)
        self._opened[bot] = Opened(door, address, self._clock())
        return door

    async def forget(self, bot: Key) -> None:
        """The bot is gone, or its ledger is elsewhere: nothing is left open."""
        opened = self._opened.pop(bot, None)
        if opened is not None:
            await opened.door.close()

    async def close(self) -> None:
        for bot in tuple(self._opened):
            await self.forget(bot)
