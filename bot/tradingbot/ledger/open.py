"""Opening a ledger: at a schema this code may write, tied to its owner, ready to be claimed."""

import os
import re
import subprocess  # nosec B404
import sys

from sqlalchemy import Connection, Engine, func, inspect, select, table, text

from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger import compat, identity
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.connect import connect, reading, writing
from tradingbot.ledger.identity import Below, Book, Owner
from tradingbot.ledger.reader import LedgerReader
from tradingbot.ledger.sql import SqlLedger
from tradingbot.ledger.tables import HEAD

# Roles that the operator makes; what they may do, the migration has granted them.
ROLE = re.compile(r"tb_([0-9a-z]{6})_(blue|green|task)")


def open_ledger(url: str, owner: Owner, book: Book, colour: str, below: Below) -> SqlLedger:
    """The ledger at *url*; Misconfigured when it belongs to another bot or account.

    With a role of the operator's making it is there or it is not; else it is made if there was none, and its first
    holder is *colour*, or in PostgreSQL the role of *url*.
    """
    engine = connect(url, trading=True)
    try:
        bring_to_schema(url, engine)
        with writing(engine) as connection:
            if role_of(connection) is not None:
                identity.compare(connection, owner, book)
            else:
                identity.bind(
                    connection, owner, book, (identity.mint(below), identity.first_holder(connection, colour))
                )
        return SqlLedger(engine, book.venue)
    except (LedgerUnavailable, Misconfigured):
        engine.dispose()
        raise


def open_reader(url: str) -> LedgerReader:
    """The ledger at *url* for reading only, beside whoever writes it."""
    return LedgerReader(connect(url, read_only=True), url)


def bring_to_schema(url: str, engine: Engine) -> None:
    """The ledger has a schema that this code may write; raises LedgerUnavailable while it has to be waited for."""
    with reading(engine) as connection:
        at, role = schema_in(connection), role_of(connection)
        if at is not None and at > HEAD:
            compat.require_writable(connection, at, HEAD)
    if at is not None and at >= HEAD:
        return
    if role is not None:
        raise LedgerUnavailable(f"ledger is at schema {at or 'none'}, not {HEAD}: its migration has not run yet")
    engine.dispose()
    migrate_apart(url)


def role_of(connection: Connection) -> str | None:
    """The id in the name of the operator's role we are, or None when we are another: a person's, or a file."""
    if not on_server(connection):
        return None
    found = ROLE.fullmatch(str(connection.execute(select(func.session_user())).scalar_one()))
    return found and found[1]


def schema(engine: Engine) -> str | None:
    """The revision the database is at, or None when there is no ledger in it."""
    with reading(engine) as connection:
        return schema_in(connection)


def schema_in(connection: Connection) -> str | None:
    version = table("alembic_version")
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
