"""The book of record, and the fence that lets one process write it.

The only folder that knows SQLAlchemy, Alembic and SQLite or PostgreSQL. Facts are appended; positions are derived.
Whoever migrates imports ``tradingbot.ledger.migrate`` himself: Alembic is not needed to trade.
"""

from tradingbot.ledger.audit import Finding, verify
from tradingbot.ledger.highwater import HighWater
from tradingbot.ledger.identity import Book, Owner
from tradingbot.ledger.open import open_ledger, open_reader
from tradingbot.ledger.query import Answer, query
from tradingbot.ledger.reader import LedgerReader
from tradingbot.ledger.sql import SqlLedger

__all__ = [
    "Answer",
    "Book",
    "Finding",
    "HighWater",
    "LedgerReader",
    "Owner",
    "SqlLedger",
    "open_ledger",
    "open_reader",
    "query",
    "verify",
]
