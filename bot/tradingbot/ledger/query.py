"""For ``atb db query``: reading the book in SQL, with no way to write it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger.connect import connect, reading
from tradingbot.ledger.tables import lease


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query under their column names."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def query(url: str, sql: str) -> Answer:
    """What *sql* reads from the ledger; one statement, and the database refuses it any write."""
    engine = connect(url, read_only=True)
    try:
        with reading(engine) as connection:
            # After a first read the transaction can no longer be turned into one that writes.
            connection.execute(select(lease.c.epoch))
            try:
                result = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                message = str(error.orig).splitlines()[0]
                raise Misconfigured(f"query was refused: {message}; send one statement that only reads") from error
            if not result.returns_rows:
                raise Misconfigured("query gives no rows; send one SELECT")
            return Answer(tuple(result.keys()), tuple(tuple(row) for row in result))
    finally:
        engine.dispose()
