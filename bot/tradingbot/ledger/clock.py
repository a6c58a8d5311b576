"""The ledger's own clock, by which silence, orders and exit grants are judged: one clock for all."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from tradingbot.ledger.columns import Instant


def on_server(connection: Connection) -> bool:
    """True in PostgreSQL, where the functions and the roles are the database's own."""
    return connection.dialect.name == "postgresql"


def ledger_clock(connection: Connection) -> ColumnElement[datetime]:
    """The time by the ledger's own clock, as SQL: the server's, or for a file that of this machine."""
    if on_server(connection):
        return func.clock_timestamp(type_=Instant())
    return func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now", type_=Instant())


def ledger_now(connection: Connection) -> datetime:
    return connection.execute(select(ledger_clock(connection))).scalar_one()
