"""Bringing a ledger to the newest schema beside a trader at work. Alembic is only imported by who migrates.

Each step is one transaction that waits 200 ms for a lock and else tries again, so that no write of the trader waits
longer; an index is built outside of it, without locking the table.
"""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from tradingbot.domain.book import founding
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger import compat
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.connect import connect, translated, writing
from tradingbot.ledger.identity import Below
from tradingbot.ledger.open import schema_in
from tradingbot.ledger.writes import fence_stands

# Two migrations at once: the second waits here, then finds nothing to do.
ADVISORY_LOCK = 7291_0001
TURN_SECONDS = 60
LOCK_MS = 200
TRIES = 40
LOCK_NOT_HAD = frozenset({"55P03", "40P01"})


def migrate(url: str, active: str | None = None, scripts: str | None = None) -> None:
    """The ledger at *url* has the newest schema, or a newer one that this code may write.

    Every step is done whole or not at all. Misconfigured when code of schema *active* could not write it afterwards.
    """
    engine = connect(founding(url))
    try:
        with alone(engine, founding(url)), own_scripts(scripts) as folder:
            _upgrade(engine, folder, active)
    finally:
        engine.dispose()


def check(url: str, active: str | None, scripts: str | None = None) -> None:
    """Nothing is changed; Misconfigured when ``migrate`` would be refused."""
    engine = connect(founding(url), read_only=True)
    try:
        with own_scripts(scripts) as folder, translated(), engine.connect() as connection:
            _next(connection, ScriptDirectory.from_config(settings(folder)), active)
    finally:
        engine.dispose()


def _upgrade(engine: Engine, folder: str, active: str | None) -> None:
    config, directory = settings(folder), ScriptDirectory.from_config(settings(folder))
    while retried(engine, lambda connection: _step(connection, config, directory, active), secrets.randbelow):
        continue
    for script in directory.walk_revisions():
        for name, on in getattr(script.module, "indexes", {}).items():
            retried(engine, partial(_index, name=name, on=on), secrets.randbelow, True)


def _step(connection: Connection, config: Config, directory: ScriptDirectory, active: str | None) -> bool:
    """One migration is done, and the fence stands after it; False when there was none left."""
    script = _next(connection, directory, active)
    if script is None:
        return False
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, script.revision)
    except (DBAPIError, CommandError) as error:
        if isinstance(error, DBAPIError) and (error.connection_invalidated or _locked(error)):
            raise
        raise _failed(error) from error
    compat.record(connection, compat.of(script))
    if not fence_stands(connection):
        raise Misconfigured(f"migration {script.revision} was undone: after it a write of epoch 0 was not refused")
    return True


def _next(connection: Connection, directory: ScriptDirectory, active: str | None) -> Script | None:
    """The first migration to be done; Misconfigured when one of them would shut the *active* code out."""
    at = schema_in(connection)
    head = directory.get_current_head() or ""
    if at is not None and at > head:
        compat.require_writable(connection, at, head)
        return None
    pending = list(directory.iterate_revisions(head, at or "base"))
    if at is not None:
        compat.require_fit([compat.of(script) for script in reversed(pending)], active)
    return pending[-1] if pending else None


def _index(connection: Connection, name: str, on: str) -> bool:
    """The index is there and whole; built beside the writers, in no transaction."""
    if not on_server(connection):
        connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {on}")
        return True
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    built = connection.exec_driver_sql(valid, (name,)).scalar()
    if built:
        return True
    if built is False:
        # Building it was interrupted: it is kept up to date and never used.
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {name}")
    connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}")
    return True


def retried(engine: Engine, work: Callable[[Connection], bool], below: Below, bare: bool = False) -> bool:
    """What *work* gives in one transaction (*bare*: in none), tried anew when it did not get its locks in time."""
    for _ in range(TRIES):
        try:
            with _session(engine, bare) as connection:
                return work(connection)
        except DBAPIError as error:
            if not _locked(error):
                raise
            time.sleep((50 + below(LOCK_MS)) / 1000)
        except LedgerUnavailable as error:
            if not _locked(error.__cause__):
                raise
            time.sleep((50 + below(LOCK_MS)) / 1000)
    raise LedgerUnavailable(f"the ledger's tables were not free for {LOCK_MS} ms in {TRIES} tries; try again")


@contextmanager
def _session(engine: Engine, bare: bool) -> Iterator[Connection]:
    if engine.dialect.name == "sqlite" or not bare:
        with writing(engine) as connection:
            if on_server(connection):
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MS}")
            yield connection
        return
    with translated(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(f"SET lock_timeout = {LOCK_MS}")
        try:
            yield connection
        finally:
            connection.invalidate()


@contextmanager
def alone(engine: Engine, url: str) -> Iterator[None]:
    """No other migration of this ledger runs; a file's own lock sees to that."""
    if engine.dialect.name == "sqlite":
        yield
        return
    turn = connect(url)
    try:
        with translated(), turn.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql(f"SET lock_timeout = '{TURN_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
            yield
    finally:
        turn.dispose()


def _locked(error: BaseException | None) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in LOCK_NOT_HAD


def _failed(error: DBAPIError | CommandError) -> Misconfigured:
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
    return Misconfigured(
        f"database could not be brought to the newest schema: {said}; "
        "name a database of the bot's own, in which its role may make tables"
    )


@contextmanager
def own_scripts(folder: str | None) -> Iterator[str]:
    """Where the migrations are: the product's own, unless others are named."""
    if folder is not None:
        yield folder
        return
    with as_file(files("tradingbot.ledger.migrations")) as own:
        yield str(own)


def settings(scripts: str) -> Config:
    """Alembic's settings without a file on disk."""
    config = Config()
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str | None:
    """The revision that ``migrate`` brings a ledger to."""
    with own_scripts(None) as folder:
        return ScriptDirectory.from_config(settings(folder)).get_current_head()


if __name__ == "__main__":
    try:
        migrate(sys.stdin.read().strip())
    except (LedgerUnavailable, Misconfigured) as error:
        print(error, file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL if isinstance(error, LedgerUnavailable) else os.EX_CONFIG)
