"""Connections that are safe to keep a book over, and the one place where errors of the database get our names."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tradingbot.domain.book import meant
from tradingbot.domain.errors import Fenced, LedgerUnavailable, Misconfigured, ShutOut
from tradingbot.ledger.server import require_home

FENCE_BROKEN = "TB001"
# A terminated session (a plain restart sends it too), and logins that the server refuses, which carry no code.
ENDED_FROM_OUTSIDE = frozenset({"57P01", "28000", "28P01"})
REFUSED_LOGIN = ("not permitted to log in", "authentication failed", "terminating connection due to administrator")

# A frozen process must not hold the lease row: the server ends its transaction (protocol 1).
POSTGRESQL_SETTINGS = {
    "timezone": "UTC",
    "synchronous_commit": "on",
    "lock_timeout": "2s",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "1s",
}
# Who only reads holds no lock that a trader waits for, and may think between two questions.
PATIENCE = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "5min",
}
KEEPALIVES = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
BUSY_SECONDS = 2
# An engine's option: the isolation under which each statement is a transaction of its own.
ALONE = "alone"


def connect(url: str, *, read_only: bool = False, trading: bool = False) -> Engine:
    """An engine on *url* with one kept connection; a read-only one cannot write whatever it is told.

    One for *trading* never reaches a copy of the ledger on another server: each connection looks where it is.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address.database or "", read_only)
    if address.get_backend_name() in {"postgresql", "postgres"}:
        settings = POSTGRESQL_SETTINGS | (PATIENCE if read_only else {})
        asked = str(address.query.get("options", ""))
        options = " ".join([asked, *(f"-c {name}={value}" for name, value in settings.items())]).strip()
        engine = create_engine(
            address.set(drivername="postgresql+psycopg"),
            # What is only read comes from people: a statement that is prepared first cannot be two.
            connect_args={**KEEPALIVES, "options": options, "prepare_threshold": 0 if read_only else 5},
            pool_size=1,
            max_overflow=0,
            pool_timeout=5,
            # A trader uses its connection every second and notices by itself; a reader may come back after hours.
            pool_pre_ping=read_only,
            # Where every statement sees what is committed, a transaction around reads only costs two more trips. A
            # person's is kept: once it has read, it cannot be turned into one that writes.
            execution_options={} if read_only else {ALONE: "AUTOCOMMIT"},
        )
        if trading:
            event.listen(engine, "connect", require_home)
        return _in_book(engine, meant(asked))
    raise Misconfigured(
        f"database url begins with {address.drivername}; use sqlite:///PATH or postgresql://HOST/DATABASE"
    )


def _in_book(engine: Engine, schema: str | None) -> Engine:
    """Tables are looked for in *schema* first; where there is none, in the one the ledger was made in."""
    if schema is None:
        return engine

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # The path of the database or the role stays behind it, whatever that is.
        connection.execute(
            "SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), false)", (schema,)
        ).close()
        connection.commit()

    return engine


def _sqlite(path: str, read_only: bool) -> Engine:
    if not read_only:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///file:{path}?mode={'rw' if read_only else 'rwc'}&uri=true",
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        pool_size=1,
        max_overflow=0,
        pool_timeout=5,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        pragmas = ["foreign_keys = ON", "synchronous = FULL", f"busy_timeout = {BUSY_SECONDS * 1000}"]
        pragmas.append("query_only = ON" if read_only else "journal_mode = WAL")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = read_only or connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


@dataclass(frozen=True, slots=True)
class Shared:
    """A transaction that several calls are made in."""

    engine: Engine
    connection: Connection
    writes: bool


SHARED: ContextVar[Shared | None] = ContextVar("shared", default=None)


@contextmanager
def together(engine: Engine, *, writes: bool) -> Iterator[None]:
    """Every call of this ledger inside the block is part of one transaction; nothing may be awaited in it."""
    shared = SHARED.get()
    if shared is not None and shared.engine is engine:
        if writes and not shared.writes:
            raise RuntimeError("a write inside a transaction that only reads")
        yield
        return
    with translated(), engine.begin() if writes else _reads(engine) as connection:
        token = SHARED.set(Shared(engine, connection, writes))
        try:
            yield
        finally:
            SHARED.reset(token)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that is durable when the block has ended without an error, and else never was."""
    shared = SHARED.get()
    if shared is not None and shared.engine is engine:
        if not shared.writes:
            raise RuntimeError("a write inside a transaction that only reads")
        yield shared.connection
        return
    with translated(), engine.begin() as connection:
        yield connection


@contextmanager
def asking(engine: Engine) -> Iterator[Connection]:
    """Each statement is durable when it has ended; a file's are one transaction."""
    shared = SHARED.get()
    if shared is not None or ALONE not in engine.get_execution_options():
        with writing(engine) as connection:
            yield connection
        return
    with translated(), _reads(engine) as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Reads that hold no lock against a writer; those of a file, or of a person, are of one moment."""
    shared = SHARED.get()
    if shared is not None and shared.engine is engine:
        yield shared.connection
        return
    with translated(), _reads(engine) as connection:
        yield connection


@contextmanager
def _reads(engine: Engine) -> Iterator[Connection]:
    alone = engine.get_execution_options().get(ALONE)
    with engine.connect() as connection:
        connection.execution_options(**({"isolation_level": alone} if alone else {"reading": True}))
        with connection.begin():
            yield connection


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the database leave under the name of what the caller does next; a bug stays a bug."""
    try:
        yield
    except PoolTimeout as error:
        raise LedgerUnavailable(str(error)) from error
    except DBAPIError as error:
        message = str(error.orig).strip().partition("\n")[0]
        if is_fence(error):
            raise Fenced(message) from error
        lost = isinstance(error, OperationalError | InterfaceError | InternalError) or type(error) is DatabaseError
        if is_shut_out(error):
            raise ShutOut(message) from error
        if lost or error.connection_invalidated:
            raise LedgerUnavailable(message) from error
        raise


def is_shut_out(error: DBAPIError) -> bool:
    """True when the server refused the login, or somebody ended the session: perhaps a fence."""
    if getattr(error.orig, "sqlstate", None) in ENDED_FROM_OUTSIDE:
        return True
    return isinstance(error, OperationalError) and any(sign in str(error.orig) for sign in REFUSED_LOGIN)


def is_torn(error: BaseException | None) -> bool:
    """True when a file is there and is no whole database any more."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_fence(error: DBAPIError) -> bool:
    """True when the fence, and nothing else, refused the write."""
    return getattr(error.orig, "sqlstate", None) == FENCE_BROKEN or str(error.orig).startswith("fenced: ")
