"""Bringing a ledger to the newest schema. Alembic is only imported here, and only by who migrates."""

import os
import sys
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger.connect import connect, writing

# Two migrations at once: the second waits here, then finds nothing to do.
ADVISORY_LOCK = 7291_0001


def migrate(url: str) -> None:
    """The ledger at *url* has the newest schema, all of it or what it had before."""
    engine = connect(url)
    try:
        with as_file(files("tradingbot.ledger.migrations")) as scripts, writing(engine) as connection:
            _upgrade(connection, settings(str(scripts)))
    finally:
        engine.dispose()


def _upgrade(connection: Connection, config: Config) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except (DBAPIError, CommandError) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
        raise Misconfigured(
            f"database could not be brought to the newest schema: {said}; "
            "name a database of the bot's own, in which its role may make tables"
        ) from error


def settings(scripts: str) -> Config:
    """Alembic's settings without a file on disk."""
    config = Config()
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str | None:
    """The revision that ``migrate`` brings a ledger to."""
    with as_file(files("tradingbot.ledger.migrations")) as scripts:
        return ScriptDirectory.from_config(settings(str(scripts))).get_current_head()


if __name__ == "__main__":
    try:
        migrate(sys.stdin.read().strip())
    except (LedgerUnavailable, Misconfigured) as error:
        print(error, file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL if isinstance(error, LedgerUnavailable) else os.EX_CONFIG)
