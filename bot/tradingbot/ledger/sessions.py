"""For ``atb db``: who is connected to the database server, what takes long there, and how it is ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.connect import connect, translated

COUNTED = "SELECT count(*) AS connections, current_setting('max_connections')::int AS most FROM pg_stat_activity"
LONG = (
    "SELECT pid, usename AS role, state, (now() - query_start)::text AS duration, query FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND state <> 'idle' AND now() - query_start > %s ORDER BY query_start"
)
# The row is read before its session ends, so that what was ended can be named.
IDLE = (
    "SELECT pid, usename AS role, (now() - state_change)::text AS idle, query, pg_terminate_backend(pid) AS ended"
    " FROM pg_stat_activity WHERE state = 'idle in transaction' AND state_change < now() - %s"
)
SLOW = "SELECT query, mean_exec_time, calls FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT %s"
ABSENT = frozenset({"42P01", "42883", "55000"})

Rows = list[dict[str, Any]]


def counted(url: str) -> dict[str, Any]:
    """How many sessions the server has, and how many it allows."""
    with on_server_of(url) as connection:
        return rows_of(connection, COUNTED)[0]


def long_queries(url: str, older: timedelta) -> Rows:
    """What has been running for longer than *older*, oldest first."""
    with on_server_of(url) as connection:
        return rows_of(connection, LONG, older)


def end_idle(url: str, older: timedelta) -> Rows:
    """No transaction stands idle for longer than *older*, but those of roles that this one may not end."""
    with on_server_of(url) as connection:
        return rows_of(connection, IDLE, older)


def slow_queries(url: str, limit: int) -> Rows:
    """The statements that take longest on average, by the server's own statistics."""
    with on_server_of(url) as connection, _installed():
        return rows_of(connection, SLOW, limit)


def forget_slow_queries(url: str) -> None:
    """The statistics begin anew."""
    with on_server_of(url) as connection, _installed():
        rows_of(connection, "SELECT 1 FROM pg_stat_statements_reset()")


@contextmanager
def on_server_of(url: str) -> Iterator[Connection]:
    """A connection to the server of the ledger at *url*, on which each statement is a transaction of its own."""
    engine = connect(url)
    try:
        with translated(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            require_server(connection)
            yield connection
    finally:
        engine.dispose()


def require_server(connection: Connection) -> None:
    if not on_server(connection):
        raise Misconfigured('database.mode "embedded" is a file without sessions: this is for a server')


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in ABSENT:
            raise
        raise Misconfigured(
            "pg_stat_statements is not in this database: add it to shared_preload_libraries, restart the server,"
            " and run CREATE EXTENSION pg_stat_statements"
        ) from error


def rows_of(connection: Connection, statement: str, *values: object) -> Rows:
    return [dict(row) for row in connection.exec_driver_sql(statement, values or None).mappings()]
