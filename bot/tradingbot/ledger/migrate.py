"""Bringing a ledger to the newest schema. Alembic is only imported here, and only by who migrates."""

import os
import sys
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.ledger.connect import connect, writing

# Two migrations at once: the second waits here, then finds nothing to do.
ADVISORY_LOCK = 7291_0001


def migrate(url: str) -> None:
    """The ledger at *url* has the newest schema, all of it or what it had before."""
    engine = connect(url)
    try:
        with as_file(files("tradingbot.ledger.migrations")) as scripts, writing(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
            config = settings(str(scripts))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


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
    except LedgerUnavailable as error:
        print(error, file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
