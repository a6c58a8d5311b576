"""Which ledger this is, and whose: bound once, then only compared."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from tradingbot.domain.clientid import DIGITS, LEDGER
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger import lease, server, tables
from tradingbot.ledger.clock import ledger_now, on_server

Below = Callable[[int], int]
"""A number from 0 up to, and without, the given one; ``secrets.randbelow`` outside tests."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The TradingBot a ledger belongs to; *cluster* is the uid of namespace kube-system."""

    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Book:
    """What the ledger's positions are held in: never mixed (protocol 1)."""

    mode: str
    venue: str
    account: str


def mint(below: Below) -> str:
    """Six random base36 digits."""
    return "".join(DIGITS[below(len(DIGITS))] for _ in range(LEDGER))


def bind(connection: Connection, owner: Owner, book: Book, first: tuple[str, str]) -> str:
    """The ledger's id, after it was tied to *owner* and *book* if nobody had it yet.

    *first* are the id and the holder of a new ledger; a ledger that is tied already keeps its own.
    """
    ledger_id, holder = first
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = connection.execute(select(tables.ledger)).one_or_none()
    if row is None:
        values = {"one": 1, "ledger_id": ledger_id, "created_at": ledger_now(connection)}
        values |= {"cluster": owner.cluster, "namespace": owner.namespace, "name": owner.name}
        values |= {"mode": book.mode, "venue": book.venue, "account": book.account}
        new = insert(tables.ledger).values(values).on_conflict_do_nothing().returning(tables.ledger.c.one)
        if connection.execute(new).first() is not None:
            connection.execute(tables.lease.insert().values(ledger_id=ledger_id, epoch=0, holder=holder))
        row = connection.execute(select(tables.ledger)).one()
    _compare(row.ledger_id, Owner(row.cluster, row.namespace, row.name), owner)
    _compare_book(row.ledger_id, Book(row.mode, row.venue, row.account), book)
    if on_server(connection):
        server.note(connection, row.ledger_id, lambda found: not found.noted)
    return str(row.ledger_id)


def compare(connection: Connection, owner: Owner, book: Book) -> str:
    """The ledger's id, after its account was bound if it had none; for roles that may not write that row.

    A book without an account is that of a process that has not asked the venue whose account it is.
    """
    row = connection.execute(select(tables.ledger)).one_or_none()
    if row is None:
        raise LedgerUnavailable("ledger has no owner yet: its migration has not run to its end")
    _compare(row.ledger_id, Owner(row.cluster, row.namespace, row.name), owner)
    _compare_book(row.ledger_id, Book(row.mode, row.venue, row.account or book.account), book)
    if book.account:
        account = lease.bind(connection, book.account)
        _compare_book(row.ledger_id, Book(row.mode, row.venue, account), book)
    return str(row.ledger_id)


def found(connection: Connection, owner: Owner, book: Book, ledger_id: str) -> None:
    """The ledger is *ledger_id* of *owner*, made for the book's mode and venue and at epoch 0 when it is new.

    The account is not known to who migrates: a trader binds it.
    """
    role = f"tb_{ledger_id}_blue"
    there = connection.execute(select(tables.ledger.c.account)).scalar()
    bound = bind(connection, owner, Book(book.mode, book.venue, there or ""), (ledger_id, role))
    if bound != ledger_id:
        raise Misconfigured(f"LedgerClaimed: database holds ledger {bound}, not {ledger_id}; name another database")


def _compare(ledger_id: str, bound: Owner, owner: Owner) -> None:
    if bound != owner:
        raise Misconfigured(
            f"LedgerClaimed: database holds ledger {ledger_id} of {bound.namespace}/{bound.name} in cluster "
            f"{bound.cluster}, not of {owner.namespace}/{owner.name} in cluster {owner.cluster}; "
            f"name another database, or annotate the bot with tradingbot.io/adopt-ledger: {ledger_id}"
        )


def _compare_book(ledger_id: str, bound: Book, book: Book) -> None:
    # A standby asks the venue nothing private: its account is compared when it adopts.
    known = book if book.account else replace(book, account=bound.account)
    if bound != known:
        raise Misconfigured(
            f"AccountChanged: ledger {ledger_id} keeps the book {bound.mode} {bound.venue} {bound.account}, "
            f"not {book.mode} {book.venue} {book.account}; name another database, or set mode, exchange and key back"
        )


def first_holder(connection: Connection, colour: str) -> str:
    """Who holds a new ledger: the role we are in where the database knows roles, else the colour."""
    if connection.dialect.name == "postgresql":
        return str(connection.execute(select(func.session_user())).scalar_one())
    return colour
