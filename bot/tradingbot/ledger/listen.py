"""Hearing of the lease row from PostgreSQL, on a connection of its own."""

import asyncio
import threading
from datetime import timedelta

import psycopg
from sqlalchemy import make_url

from tradingbot.ledger.connect import KEEPALIVES
from tradingbot.ledger.turn import Turn

CHANNEL = "tb_lease"
AGAIN_SECONDS = 0.2
LOOK_SECONDS = 0.25


class ServerWatch:
    """A thread waits for NOTIFY and wakes the loop that waits in *changed*; a lost connection is made anew."""

    def __init__(self, url: str) -> None:
        address = (
            make_url(url)
            .set(drivername="postgresql")
            .update_query_dict({name: str(value) for name, value in KEEPALIVES.items()})
        )
        self._url = address.render_as_string(hide_password=False)
        self._turn = Turn()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._ending = threading.Event()
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
                    # What happened before the connection stood has to be looked at.
                    self._wake()
                    self._hear(connection)
            except psycopg.Error:
                self._ending.wait(AGAIN_SECONDS)

    def _hear(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        while not self._ending.is_set():
            for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                self._wake()

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)
