"""The audit log in the ledger: an entry is written in the transaction of what it tells, or there is neither."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, select

from tradingbot.domain.audit import Broken, Entry, Event, Head, broken, following
from tradingbot.ledger.clock import ledger_now, on_server
from tradingbot.ledger.connect import connect, reading
from tradingbot.ledger.tables import audit_head, audit_logs

LOOKED_AT = 1000


def append(connection: Connection, told: Event) -> None:
    """*told* is the newest entry; whoever tells something else meanwhile waits for the end of this transaction."""
    head = connection.execute(select(audit_head.c.number, audit_head.c.hash).with_for_update()).one()
    entry = following(Head(*head), told, ledger_now(connection))
    connection.execute(audit_logs.insert().values(_values(entry)))
    connection.execute(audit_head.update().values(number=entry.number, hash=entry.hash))


def since(connection: Connection, moment: datetime, types: Sequence[str], limit: int) -> tuple[Entry, ...]:
    """The entries since *moment*, newest first; of these *types* only, where some are named."""
    query = select(audit_logs).where(audit_logs.c.timestamp >= moment).order_by(audit_logs.c.id.desc()).limit(limit)
    if types:
        query = query.where(audit_logs.c.event_type.in_(types))
    return tuple(_entry(row) for row in connection.execute(query))


def verify(url: str) -> tuple[Head, Broken | None]:
    """Where the log of the ledger at *url* ends, and what is wrong with it."""
    engine = connect(url, read_only=True)
    try:
        with reading(engine) as connection:
            if on_server(connection):
                # The end and the entries are of one moment, whatever is told meanwhile.
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return _whole(connection)
    finally:
        engine.dispose()


def _whole(connection: Connection) -> tuple[Head, Broken | None]:
    head = Head(*connection.execute(select(audit_head.c.number, audit_head.c.hash)).one())
    # Read in parts: a log of years fits into no memory.
    query = select(audit_logs).order_by(audit_logs.c.id).execution_options(yield_per=LOOKED_AT)
    return head, broken(map(_entry, connection.execute(query)), head)


def _values(entry: Entry) -> dict[str, object]:
    told = entry.event
    what = {"event_type": told.type, "actor": told.actor, "subject": told.subject, "details": told.details}
    return {"id": entry.number, "timestamp": entry.at, **what, "previous": entry.previous, "hash": entry.hash}


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    told = Event(row.event_type, row.actor, row.subject, row.details)
    return Entry(row.id, row.timestamp, told, row.previous, row.hash)
