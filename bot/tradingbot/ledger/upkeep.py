"""For ``atb db``: what a person changes on the database server, told in the audit log, and how large its tables are."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from tradingbot.domain.audit import event
from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger import trail
from tradingbot.ledger.connect import connect, writing
from tradingbot.ledger.sessions import Rows, on_server_of, require_server, rows_of

TOLD = "DATABASE_CHANGED"
WHO = "person"
SLOW = "log_min_duration_statement"
FORBIDDEN, NOT_WANTED = "42501", frozenset({"42704", "22023", "55P02"})
# How long a session that is ended may take to be gone.
GONE_MS = 5000

SIZES = """
SELECT n.nspname AS schema, c.relname AS name, pg_total_relation_size(c.oid) AS bytes,
       greatest(c.reltuples, 0)::bigint AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
 ORDER BY bytes DESC, name
"""
# Plain tables only: nobody waits for the look at them, and a trader goes on writing.
OURS = """
SELECT format('%%I.%%I', n.nspname, c.relname) AS name, pg_has_role(c.relowner, 'USAGE') AS owned
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema' ORDER BY name
"""
FOUND = (
    "SELECT usename AS role, state, left(query, 200) AS query FROM pg_stat_activity"
    " WHERE pid = %s AND pid <> pg_backend_pid()"
)
ENDED = f"SELECT pg_terminate_backend(%s, {GONE_MS}) AS ended"
CHANGE = "SELECT format('ALTER SYSTEM SET %%I = %%L', %s::text, %s::text) AS statement"
RESTORE = "SELECT format('ALTER SYSTEM RESET %%I', %s::text) AS statement"
SHOWN = "SELECT current_setting(name) AS value, context = 'postmaster' AS restart FROM pg_settings WHERE name = %s"


def table_sizes(url: str) -> Rows:
    """Every table with its bytes, indexes included, and about how many rows it has; largest first."""
    with on_server_of(url) as connection:
        return rows_of(connection, SIZES)


def vacuum(url: str) -> tuple[str, ...]:
    """Every table is vacuumed and its statistics are new: their names."""
    with on_server_of(url) as connection:
        tables = rows_of(connection, OURS)
        foreign = [each["name"] for each in tables if not each["owned"]]
        if foreign:
            raise Misconfigured(f"this role does not own {', '.join(foreign)}: ask with the owner's login")
        names = tuple(each["name"] for each in tables)
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(f"VACUUM (ANALYZE) {', '.join(names)}")
        return names


def end_session(url: str, pid: int) -> dict[str, object] | None:
    """Session *pid* has ended, and the audit log says whose it was; None when there is none to end."""
    engine = connect(url)
    try:
        with writing(engine) as connection:
            require_server(connection)
            found = rows_of(connection, FOUND, pid)
            if not found:
                return None
            with _judged(f"end session {pid}"):
                ended = rows_of(connection, ENDED, pid)[0]["ended"]
            answer = {"pid": pid, **found[0], "ended": ended}
            trail.append(connection, event(TOLD, WHO, f"session {pid}", **answer))
            return answer
    finally:
        engine.dispose()


def setting(url: str, name: str) -> dict[str, object]:
    """The *value* of a setting of the server, and whether another one needs a *restart*."""
    with on_server_of(url) as connection:
        found = rows_of(connection, SHOWN, name)
    if not found:
        raise Misconfigured(f'the server has no setting "{name}": write it as in SHOW ALL')
    return found[0]


def change(url: str, name: str, value: str | None) -> None:
    """The server was told to use *value* from now on, None for what its own file says; the audit log says so."""
    statement = (RESTORE, name) if value is None else (CHANGE, name, value)
    with on_server_of(url) as connection, _judged(f"set {name}"):
        connection.exec_driver_sql(rows_of(connection, *statement)[0]["statement"])
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine = connect(url)
    try:
        with writing(engine) as connection:
            trail.append(connection, event(TOLD, WHO, f"setting {name}", value=value))
    finally:
        engine.dispose()


@contextmanager
def _judged(what: str) -> Iterator[None]:
    """What the server does not allow, or does not know, is one sentence."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlstate", None)
        words = str(error.orig).strip().partition("\n")[0]
        if code == FORBIDDEN:
            raise Misconfigured(f"cannot {what}: {words}; ask with a login that may") from error
        if code in NOT_WANTED:
            raise Misconfigured(f"cannot {what}: {words}") from error
        raise
