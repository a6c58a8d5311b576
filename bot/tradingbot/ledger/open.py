"""Opening a ledger: brought to the newest schema, tied to its owner, ready to be claimed."""

import os
import subprocess  # nosec B404
import sys

from sqlalchemy import Engine, inspect, select, table, text

from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger.connect import connect, reading, writing
from tradingbot.ledger.identity import Below, Book, Owner, bind, first_holder, mint
from tradingbot.ledger.reader import LedgerReader
from tradingbot.ledger.sql import SqlLedger
from tradingbot.ledger.tables import HEAD


def open_ledger(url: str, owner: Owner, book: Book, colour: str, below: Below) -> SqlLedger:
    """The ledger at *url*, made if there was none; Misconfigured when it belongs to another bot or account.

    A new ledger's first holder is *colour*, or in PostgreSQL the role of *url*.
    """
    engine = connect(url)
    at = schema(engine)
    if at is not None and at > HEAD:
        raise Misconfigured(f"database is at schema {at}, newer than {HEAD}; run the version that made it, or restore")
    if at != HEAD:
        engine.dispose()
        migrate_apart(url)
    with writing(engine) as connection:
        bind(connection, owner, book, (mint(below), first_holder(connection, colour)))
    return SqlLedger(engine, book.venue)


def open_reader(url: str) -> LedgerReader:
    """The ledger at *url* for reading only, beside whoever writes it."""
    return LedgerReader(connect(url, read_only=True))


def schema(engine: Engine) -> str | None:
    """The revision the database is at, or None when there is no ledger in it."""
    version = table("alembic_version")
    with reading(engine) as connection:
        if not inspect(connection).has_table(version.name):
            return None
        found: str | None = connection.execute(select(text("version_num")).select_from(version)).scalar()
        return found


def migrate_apart(url: str) -> None:
    """The ledger at *url* has the newest schema; the migration's libraries do not stay in this process' memory."""
    command = [sys.executable, "-m", "tradingbot.ledger.migrate"]
    done = subprocess.run(command, input=url, text=True, capture_output=True, check=False)  # noqa: S603 # nosec B603
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if done.returncode == os.EX_TEMPFAIL:
        raise LedgerUnavailable(last)
    if done.returncode:
        raise Misconfigured(last)
