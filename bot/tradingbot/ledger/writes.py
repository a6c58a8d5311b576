"""The fenced writes: decisions, intents, what became of them, fills, money. Each runs in its caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, column, func, select
from sqlalchemy import table as light
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import ReturningInsert

from tradingbot.domain.clientid import ClientId
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import (
    Cancel,
    Fill,
    IllegalMove,
    Order,
    OrderRecord,
    OrderReport,
    OrderStatus,
    VenueWrite,
    moved,
)
from tradingbot.ledger import rows
from tradingbot.ledger.connect import is_fence
from tradingbot.ledger.tables import (
    FENCED,
    JOURNAL_FROM,
    cursors,
    decisions,
    equity,
    fills,
    intents,
    outcomes,
    paper_book,
)

# Statements are worded once and given their values each time: to word one costs more than the server takes for it.
NEWEST = select(func.max(intents.c.sequence)).where(intents.c.sequence < JOURNAL_FROM)


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT of the kind that knows what to do on conflict."""
    return worded(connection.dialect.name, table)


def worded(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def records() -> Select[tuple[object, ...]]:
    """Every write with what became of it."""
    known = (outcomes.c.status, outcomes.c.filled, outcomes.c.venue_id, outcomes.c.message)
    return select(intents, *known).join(outcomes, outcomes.c.client_id == intents.c.client_id)


NAMED = records().where(intents.c.client_id == bindparam("of"))
BECOMES = outcomes.update().where(outcomes.c.client_id == bindparam("of"))


def decide(connection: Connection, held: Lease, decision: Decision) -> bool:
    """True when the cursor advanced to the bar of *decision*; False when it had been decided before."""
    values = {"strategy": decision.strategy, "symbol": decision.symbol, "decided_through": decision.bar}
    statement = advance(connection.dialect.name)
    return connection.execute(statement, values | rows.writer(held)).first() is not None


@cache
def advance(dialect: str) -> ReturningInsert[Any]:
    """The cursor moves to a later bar, and tells that it did."""
    statement = worded(dialect, cursors)
    new = statement.excluded
    there = {"decided_through": new.decided_through, "epoch": new.epoch, "instance": new.instance}
    moves = statement.on_conflict_do_update(
        index_elements=["strategy", "symbol"], set_=there, where=cursors.c.decided_through < new.decided_through
    )
    return moves.returning(cursors.c.strategy)


def note(connection: Connection, held: Lease, decision: Decision, write: VenueWrite | None) -> None:
    client_id = write.client_id if write else None
    connection.execute(decisions.insert(), rows.decision_values(decision, client_id, held))


def intend(
    connection: Connection, held: Lease, request: Order | Cancel, times: tuple[datetime, datetime]
) -> VenueWrite:
    """The next write of this ledger stands in the book, and may be sent once the transaction has ended."""
    sequence = newest(connection) + 1
    client_id = str(ClientId(held.ledger_id, held.epoch, sequence))
    write = VenueWrite(client_id, held.epoch, sequence, request, *times)
    enter(connection, held, write)
    begin(connection, held, write)
    return write


def newest(connection: Connection) -> int:
    """The highest number of any write of this ledger, those of a journal apart."""
    return connection.execute(NEWEST).scalar_one() or 0


def enter(connection: Connection, held: Lease, write: VenueWrite) -> None:
    connection.execute(intents.insert(), rows.intent_values(write, held))


def begin(connection: Connection, held: Lease, write: VenueWrite) -> None:
    begun = {"status": OrderStatus.INTENDED, "filled": ZERO, "message": "", **rows.writer(held)}
    connection.execute(outcomes.insert(), {"client_id": write.client_id, **begun})


def settle(
    connection: Connection, held: Lease, client_id: str, became: tuple[OrderStatus, OrderReport | None, str]
) -> OrderRecord:
    """The order has moved to the status it *became*, unless that would be a step back."""
    status, report, message = became
    found = connection.execute(NAMED, {"of": client_id}).one_or_none()
    if found is None:
        raise LookupError(f"{client_id} is no write of this ledger")
    before = rows.record(found)
    try:
        status = moved(before.status, status)
    except IllegalMove:
        return before
    values = {
        "status": status,
        "filled": max(before.filled, report.filled) if report else before.filled,
        "venue_id": (report.venue_id if report else None) or before.venue_id,
        "message": message or before.message,
        **rows.writer(held),
    }
    if report:
        values["at"] = report.at
    connection.execute(BECOMES, {"of": client_id, **values})
    return OrderRecord(before.write, status, values["filled"], values["venue_id"], values["message"])


def record_fills(connection: Connection, held: Lease, venue: str, new: Sequence[Fill]) -> tuple[Fill, ...]:
    """The fills not known before are in the book now."""
    fresh = unless_known(connection.dialect.name)
    told = ((fill, rows.fill_values(fill, venue, held)) for fill in new)
    return tuple(fill for fill, values in told if connection.execute(fresh, values).first() is not None)


@cache
def unless_known(dialect: str) -> ReturningInsert[Any]:
    """The fill is in the book, and tells when it was not before."""
    known = worded(dialect, fills).on_conflict_do_nothing(index_elements=["venue", "symbol", "trade_id"])
    return known.returning(fills.c.id)


def record_equity(connection: Connection, held: Lease, at: datetime, worth: Decimal) -> None:
    newest = select(equity.c.peak).order_by(equity.c.id.desc()).limit(1)
    peak = connection.execute(newest).scalar()
    values = {"at": at, "equity": worth, "peak": worth if peak is None else max(peak, worth)}
    connection.execute(equity.insert(), values | rows.writer(held))


def save_paper_book(connection: Connection, held: Lease, state: str) -> None:
    values = {"state": state, **rows.writer(held)}
    statement = upsert(connection, paper_book).values(one=1, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["one"], set_=values))


def fence_stands(connection: Connection) -> bool:
    """True when every fenced table refused a row of epoch 0; nothing is left of the attempt either way."""
    return all(_refuses_epoch_0(connection, table) for table in FENCED)


def _refuses_epoch_0(connection: Connection, table: Table) -> bool:
    attempt = connection.begin_nested()
    try:
        # The rest of the row is missing, so without a fence the database refuses it too, but not by our word.
        row = light(table.name, column("epoch"), column("instance")).insert().values(epoch=0, instance="self-test")
        connection.execute(row)
    except DBAPIError as error:
        return is_fence(error)
    finally:
        attempt.rollback()
    return False
