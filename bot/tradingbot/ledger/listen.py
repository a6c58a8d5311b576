"""Hearing of the lease row from PostgreSQL, on a connection of its own."""

import asyncio
import threading
from datetime import timedelta

import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from tradingbot.ledger.connect import KEEPALIVES
from tradingbot.ledger.turn import Turn

CHANNEL = "tb_lease"
AGAIN_SECONDS = 0.2
LOOK_SECONDS = 0.25
log = structlog.stdlib.get_logger(__name__)


class ServerWatch:
    """A thread waits for NOTIFY and wakes the loop that waits in *changed*; a lost connection is made anew."""

    def __init__(self, url: str) -> None:
        # As it came: written anew by another library, a space among its options would come back as a plus.
        self._url = make_conninfo(url.replace("postgresql+psycopg://", "postgresql://", 1), **KEEPALIVES)
        self._turn = Turn()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._ending = threading.Event()
        self._deaf = False
        self._thread = threading.Thread(target=self._listen, name="lease-watch", daemon=True)

    async def changed(self, within: timedelta) -> bool:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread.start()
        try:
            await asyncio.wait_for(self._woken.wait(), self._turn.left(within))
        except TimeoutError:
            return self._turn.say(changed=False)
        self._woken.clear()
        return self._turn.say(changed=True)

    def close(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(1)

    def _listen(self) -> None:
        while not self._ending.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._deaf = False
                    # What happened before the connection stood has to be looked at.
                    self._wake()
                    self._hear(connection)
            except psycopg.Error as error:
                # A hand-over without it is as safe, and up to a second slower.
                if not self._deaf:
                    log.warning("The lease cannot be listened to", error=str(error).strip())
                self._deaf = True
                self._ending.wait(AGAIN_SECONDS)

    def _hear(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        while not self._ending.is_set():
            for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                self._wake()

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)
