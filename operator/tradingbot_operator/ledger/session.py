"""One login to a ledger: connected when needed, cut off when it does not answer, and silent about passwords."""

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

from tradingbot_operator.domain.address import Address
from tradingbot_operator.domain.lease import LedgerAway
from tradingbot_operator.domain.names import COMPONENT

CONNECT_SECONDS = 2
STATEMENT_MS = 2000
# Longer than a bot may idle in a transaction, so that the server throws out first one that stands still in it.
LOCK_MS = 1500
ANSWER_SECONDS = 4.0
IDLE_SECONDS = 300.0
ALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 4000,
}
LIMITS = f"SET statement_timeout = {STATEMENT_MS}; SET lock_timeout = {LOCK_MS}"
Connected = AsyncConnection[tuple[Any, ...]]


class Session:
    """The one connection to a ledger with one login; it ends when nobody uses it, and comes back when it is needed."""

    def __init__(self, address: Address, idle_seconds: float = IDLE_SECONDS) -> None:
        self._address, self._idle = address, idle_seconds
        self._connection: Connected | None = None
        self._one = asyncio.Lock()
        self._ending: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def use(self, seconds: float = ANSWER_SECONDS) -> AsyncIterator[Connected]:
        """The connection, for one caller at a time and for *seconds*; what goes wrong in the block is LedgerAway."""
        async with self._one:
            with self._translated():
                connection = await self._open()
                try:
                    with cut_after(connection, seconds):
                        yield connection
                finally:
                    # An open transaction would keep its locks; only a new connection is sure to have none.
                    if connection.info.transaction_status is not TransactionStatus.IDLE:
                        self._drop()
            self._end_later()

    @property
    def connected(self) -> bool:
        """Whether the server has let this login in, and has not closed the connection since."""
        return self._connection is not None and is_open(self._connection)

    async def _open(self) -> Connected:
        if self._connection is None or not is_open(self._connection):
            self._drop()
            self._connection = await connect(self._address)
        return self._connection

    def _end_later(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.get_running_loop().call_later(self._idle, self._end)

    def _end(self) -> None:
        if not self._one.locked():
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.pgconn.finish()
        self._connection = None

    async def close(self) -> None:
        """No connection is left, and none comes back until it is used again."""
        if self._ending is not None:
            self._ending.cancel()
        async with self._one:
            self._drop()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise LedgerAway(sentence(error, self._address)) from None


async def connect(address: Address) -> Connected:
    """A connection whose every statement ends soon."""
    async with asyncio.timeout(CONNECT_SECONDS + 1):
        connection: Connected = await AsyncConnection.connect(
            address.url,
            autocommit=True,
            # A pooler in between may give each statement to another server process.
            prepare_threshold=None,
            connect_timeout=CONNECT_SECONDS,
            application_name=COMPONENT,
            **ALIVE,
        )
        await connection.execute(LIMITS)
    return connection


def is_open(connection: Connected) -> bool:
    """Whether it can be asked: to a connection at rest a server sends its farewell, and nothing else that matters."""
    if connection.closed:
        return False
    # Not select(), which knows no file descriptor above 1023: with a thousand bots there are more.
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    return not waiting.poll(0)


@contextlib.contextmanager
def cut_after(connection: Connected, seconds: float) -> Iterator[None]:
    """A server that stands still keeps no timeout of its own: the socket is shut, and the statement fails at once."""
    cut = asyncio.get_running_loop().call_later(seconds, _shut, connection.pgconn.socket)
    try:
        yield
    finally:
        cut.cancel()


def _shut(number: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def sentence(error: Exception, address: Address) -> str:
    """What the server or the network says, in one line, and never a password."""
    words = getattr(getattr(error, "diag", None), "message_primary", None) or str(error) or "it does not answer in time"
    # An address that cannot be read is quoted by the library, with all that is in it.
    if isinstance(error, psycopg.ProgrammingError) and not getattr(error, "sqlstate", None):
        words = "the address cannot be used"
    line = " ".join(words.split())
    shown = line.replace(address.password, "...") if address.password else line
    return f"the ledger cannot be used as role '{address.role}': {shown[:300]}"
