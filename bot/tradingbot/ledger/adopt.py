"""A ledger that moves: to another TradingBot (protocol 1), or as a copy to another server (protocol 9)."""

from sqlalchemy import Connection, select

from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.ledger import books, embedded, latches, server
from tradingbot.ledger import lease as leases
from tradingbot.ledger.clock import ledger_now, on_server
from tradingbot.ledger.connect import connect, writing
from tradingbot.ledger.highwater import RESTORED
from tradingbot.ledger.identity import Owner
from tradingbot.ledger.open import schema_in
from tradingbot.ledger.tables import lease, lease_history, ledger


def adopt(url: str, ledger_id: str, owner: Owner, above: int = 0) -> None:
    """Ledger *ledger_id* at *url* belongs to *owner*; Misconfigured while somebody may still trade on it.

    One that was found on another server than before, or whose epoch is not beyond *above*, begins anew: under an epoch
    beyond every one that it, or whoever knows of *above*, has seen, with nobody in it, and halted.
    """
    engine = connect(url)
    try:
        with writing(engine) as connection:
            _adopt(connection, ledger_id, owner, above)
    finally:
        engine.dispose()


def _adopt(connection: Connection, ledger_id: str, owner: Owner, above: int) -> None:
    if schema_in(connection) is None:
        raise LedgerUnavailable("database holds no ledger yet")
    bound = connection.execute(select(ledger.c.ledger_id)).scalar()
    if bound != ledger_id:
        raise Misconfigured(f'--ledger-id "{ledger_id}" is not the ledger in this database, which holds {bound}')
    moved = on_server(connection) and server.look(connection).moved
    row = leases.row_of(connection)
    if moved and row.instance is not None and embedded.seen(connection, row.instance, embedded.SILENCE):
        raise LedgerUnavailable(f"{row.instance} was seen on this copy in the last five seconds; try again")
    if not moved and not _at_rest(connection):
        raise Misconfigured(
            f"ledger {ledger_id} is traded on by {row.instance} under epoch {row.epoch}; "
            "suspend that bot, or fence it, before the ledger is adopted"
        )
    books.belong_to(connection, owner)
    if moved or above >= max(row.epoch, 1):
        _begin_anew(connection, max(row.epoch, above) + RESTORED, moved)


def _begin_anew(connection: Connection, epoch: int, moved: bool) -> None:
    """What was written last before the copy is unknown here, so no process of before may go on by it."""
    row, now = leases.row_of(connection), ledger_now(connection)
    if moved and not server.note(connection, row.ledger_id, lambda found: found.moved):
        raise Misconfigured("database.postgres: only the owner of table lease can say that a copy is the ledger")
    nobody = {"instance": None, "revision": None, "successor": None, "order_until": None, "released_at": None}
    connection.execute(lease.update().values(epoch=epoch, **nobody))
    beginning = {"ledger_id": row.ledger_id, "epoch": epoch, "event": "grant", "holder": row.holder, "at": now}
    connection.execute(lease_history.insert().values(beginning))
    what = f"is on {server.look(connection).here} now" if moved else f"was an older copy, of before epoch {epoch}"
    reason = f"the ledger {what}: compare it with the account, then resume"
    latches.latch(connection, Halt(f"moved-{epoch}", HaltKind.HALT, "ledger", reason, now))


def _at_rest(connection: Connection) -> bool:
    """True when nobody holds the epoch, or it was ended or fenced and its process is silent."""
    row = leases.row_of(connection)
    if row.instance is None or row.released_at is not None:
        return True
    fenced = select(lease_history.c.id).where(lease_history.c.epoch == row.epoch, lease_history.c.event == "fence")
    silent = not embedded.seen(connection, row.instance, embedded.SILENCE)
    return silent and connection.execute(fenced.limit(1)).first() is not None
