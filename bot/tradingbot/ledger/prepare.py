"""For ``atb db migrate`` with the owner's login: schema, owner, rights, and the proof that the fence stands."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger import books, identity, rights
from tradingbot.ledger.connect import connect
from tradingbot.ledger.identity import Below, Book, Owner
from tradingbot.ledger.migrate import migrate, retried
from tradingbot.ledger.writes import fence_stands


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the ledger is to be; *active* is the schema the trader at work was written for, None when none is."""

    ledger_id: str
    fencer: str
    owner: Owner
    book: Book
    active: str | None


def prepare(url: str, wanted: Wanted, below: Below) -> None:
    """The ledger at *url* is as *wanted*, and its roles may use it; running it twice changes nothing."""
    migrate(url, wanted.active)
    engine = connect(url)
    try:
        retried(engine, lambda connection: _made(connection, wanted), below)
    finally:
        engine.dispose()


def _made(connection: Connection, wanted: Wanted) -> bool:
    if books.is_another(connection, wanted.book):
        books.opened(connection, wanted.book)
    identity.found(connection, wanted.owner, wanted.book, wanted.ledger_id)
    rights.grant(connection, wanted.ledger_id, wanted.fencer)
    if not fence_stands(connection):
        raise Misconfigured("a write of epoch 0 was not refused: the fence does not stand; restore the ledger")
    return True
