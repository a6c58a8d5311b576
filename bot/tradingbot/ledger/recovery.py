"""Writes that reached the venue past the book: journal entries, and orders of ours that no intent tells of."""

from sqlalchemy import Connection, func, select

from tradingbot.domain.clientid import parse_client_id
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Order, OrderRecord, OrderReport, OrderStatus, Purpose, Side, VenueWrite
from tradingbot.ledger import rows
from tradingbot.ledger.tables import JOURNAL_FROM, intents, outcomes
from tradingbot.ledger.writes import records

# Where a number is taken already: two colours write a journal each, and a restored ledger counts on from an older end.
APART_FROM = 36**7 // 4 * 3


def replay(connection: Connection, held: Lease, entry: VenueWrite) -> OrderRecord:
    """The journal's *entry* stands in the book as sent with an unknown outcome; a second time changes nothing."""
    if entry.sequence < JOURNAL_FROM:
        raise ValueError(f"{entry.client_id} is no entry of the journal: its sequence is {entry.sequence}")
    return _known(connection, entry.client_id) or _insert(
        connection, held, OrderRecord(entry, OrderStatus.UNKNOWN, ZERO, None, "replayed from the journal")
    )


def recover(connection: Connection, held: Lease, client_id: str, report: OrderReport) -> OrderRecord:
    """The order of ours that the venue reports stands in the book; a second time changes nothing."""
    name = parse_client_id(client_id)
    if name is None or name.ledger_id != held.ledger_id:
        raise ValueError(f"{client_id} is no order of ledger {held.ledger_id}")
    stop = report.stop_price is not None and report.side is Side.SELL
    request = Order(
        symbol=report.symbol,
        side=report.side,
        type=report.type,
        purpose=Purpose.STOP if stop else Purpose.ENTRY if report.side is Side.BUY else Purpose.EXIT,
        quantity=report.quantity,
        price=report.price,
        stop_price=report.stop_price,
        reason="recovered",
    )
    write = VenueWrite(client_id, name.epoch, name.sequence, request, report.at, report.at)
    found = OrderRecord(write, report.status, report.filled, report.venue_id, "recovered: found at the venue")
    return _known(connection, client_id) or _insert(connection, held, found)


def _known(connection: Connection, client_id: str) -> OrderRecord | None:
    row = connection.execute(records().where(intents.c.client_id == client_id)).one_or_none()
    return None if row is None else rows.record(row)


def _insert(connection: Connection, held: Lease, record: OrderRecord) -> OrderRecord:
    """The fence judges the writer; which epoch the order was sent under is in its name."""
    values = rows.intent_values(record.write, held) | {"sequence": _number(connection, record.write.sequence)}
    connection.execute(intents.insert().values(values))
    begun = {"status": record.status, "filled": record.filled, "venue_id": record.venue_id, "message": record.message}
    connection.execute(outcomes.insert().values(client_id=record.write.client_id, **begun, **rows.writer(held)))
    return record


def _number(connection: Connection, wanted: int) -> int:
    """*wanted* for a journal entry when it is free, else the next one apart; ours count on undisturbed."""
    taken = connection.execute(select(intents.c.sequence).where(intents.c.sequence == wanted)).first()
    if wanted >= JOURNAL_FROM and taken is None:
        return wanted
    newest = select(func.max(intents.c.sequence)).where(intents.c.sequence >= APART_FROM)
    return max(connection.execute(newest).scalar_one() or 0, APART_FROM) + 1
