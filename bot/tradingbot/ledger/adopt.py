"""A ledger that moves to another TradingBot: another namespace or cluster, or the same one made anew (protocol 1)."""

from sqlalchemy import Connection, select

from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger import books, embedded, lease
from tradingbot.ledger.connect import connect, writing
from tradingbot.ledger.identity import Owner
from tradingbot.ledger.open import schema_in
from tradingbot.ledger.tables import lease_history, ledger


def adopt(url: str, ledger_id: str, owner: Owner) -> None:
    """Ledger *ledger_id* at *url* belongs to *owner*; Misconfigured while somebody may still trade on it."""
    engine = connect(url)
    try:
        with writing(engine) as connection:
            _adopt(connection, ledger_id, owner)
    finally:
        engine.dispose()


def _adopt(connection: Connection, ledger_id: str, owner: Owner) -> None:
    if schema_in(connection) is None:
        raise LedgerUnavailable("database holds no ledger yet")
    bound = connection.execute(select(ledger.c.ledger_id)).scalar()
    if bound != ledger_id:
        raise Misconfigured(f'--ledger-id "{ledger_id}" is not the ledger in this database, which holds {bound}')
    if not _at_rest(connection):
        row = lease.row_of(connection)
        raise Misconfigured(
            f"ledger {ledger_id} is traded on by {row.instance} under epoch {row.epoch}; "
            "suspend that bot, or fence it, before the ledger is adopted"
        )
    books.belong_to(connection, owner)


def _at_rest(connection: Connection) -> bool:
    """True when nobody holds the epoch, or it was ended or fenced and its process is silent."""
    row = lease.row_of(connection)
    if row.instance is None or row.released_at is not None:
        return True
    fenced = select(lease_history.c.id).where(lease_history.c.epoch == row.epoch, lease_history.c.event == "fence")
    silent = not embedded.seen(connection, row.instance, embedded.SILENCE)
    return silent and connection.execute(fenced.limit(1)).first() is not None
