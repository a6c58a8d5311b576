"""The book of record, and the fence that lets one process write it.

The only folder that knows SQLAlchemy, Alembic and SQLite or PostgreSQL. Facts are appended; positions are derived.
Whoever migrates imports ``tradingbot.ledger.migrate`` himself: Alembic is not needed to trade.
"""

from tradingbot.ledger.identity import Book, Owner
from tradingbot.ledger.open import open_ledger, open_reader
from tradingbot.ledger.reader import LedgerReader
from tradingbot.ledger.sql import SqlLedger

__all__ = ["Book", "LedgerReader", "Owner", "SqlLedger", "open_ledger", "open_reader"]
