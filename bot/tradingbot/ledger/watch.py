"""Hearing of changes of the lease row at once, without asking the ledger all the time."""

import asyncio
import importlib
import sqlite3
import time
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import make_url

from tradingbot.domain.ports import LeaseWatch
from tradingbot.ledger.turn import Turn

LOOK_SECONDS = 0.02
# Both colours wait for the next change of the row then, and nobody trades meanwhile.
ORDERED_SECONDS = 0.005
ROW = "SELECT epoch, holder, instance, revision, successor, order_until, released_at FROM lease"
SUCCESSOR = 4


def open_watch(url: str) -> LeaseWatch:
    """Who hears of changes of the lease row of the ledger at *url*; it need not be reachable yet."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return FileWatch(address.database or "")
    # By name, so that a bot with a file does not carry the server's driver.
    listening: LeaseWatch = importlib.import_module("tradingbot.ledger.listen").ServerWatch(url)
    return listening


class FileWatch:
    """Looks at intervals whether another connection has committed, and only then at the row."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._turn = Turn()
        self._connection: sqlite3.Connection | None = None
        self._version: object = None
        self._row: Any = None

    @property
    def pause(self) -> float:
        """Seconds between two looks: few while an order to hand over stands."""
        return LOOK_SECONDS if self._row is None or self._row[SUCCESSOR] is None else ORDERED_SECONDS

    async def changed(self, within: timedelta) -> bool:
        until = time.monotonic() + self._turn.left(within)
        moved = self._moved()
        while not moved and (left := until - time.monotonic()) > 0:
            # Nothing in this process knows of a commit by another one: it has to be looked for.
            await asyncio.sleep(min(self.pause, left))
            moved = self._moved()
        return self._turn.say(moved)

    def _moved(self) -> bool:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=0)
            version = self._connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return False
            row = self._connection.execute(ROW).fetchone()
        except sqlite3.Error:
            self.close()
            return False
        moved: bool = row != self._row
        self._version, self._row = version, row
        return moved

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error), closing(self._connection):
                pass
        self._connection, self._version = None, None
