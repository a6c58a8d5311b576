"""What reports and metrics ask of the book: trades that have ended, the equity of the days, the size of it all."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, column, func, select, table

from tradingbot.domain.trade import Account, Trade
from tradingbot.ledger import market
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.columns import Instant
from tradingbot.ledger.results import Results
from tradingbot.ledger.tables import equity

# The view of migration 0003; floats where the file has no decimals.
TRADES = table("trades", column("symbol"), column("pnl"), column("fees"), column("exit_time", Instant))
# Floats beyond this would show digits that nobody has counted.
DIGITS = 10


def ended(connection: Connection, since: datetime | None = None) -> tuple[Trade, ...]:
    """The trades that ended at or after *since*, newest first."""
    query = select(TRADES).order_by(TRADES.c.exit_time.desc())
    if since is not None:
        query = query.where(TRADES.c.exit_time >= since)
    return tuple(_trade(row) for row in connection.execute(query))


def account(connection: Connection, results: Results) -> Account:
    """Everything at one look."""
    return Account(results.read(connection), closes(connection), *server(connection), market.updated(connection))


def closes(connection: Connection) -> tuple[Decimal, ...]:
    """The last equity of each day, oldest first."""
    day = func.date(equity.c.at)
    newest = select(func.max(equity.c.id)).group_by(day)
    found = connection.execute(select(equity.c.equity).where(equity.c.id.in_(newest)).order_by(equity.c.id))
    return tuple(found.scalars())


def server(connection: Connection) -> tuple[int, int | None]:
    """The bytes of the database, and how many are connected to its server."""
    if on_server(connection):
        size = "SELECT pg_database_size(current_database()), (SELECT count(*) FROM pg_stat_activity)"
        row = connection.exec_driver_sql(size).one()
        return int(row[0]), int(row[1])
    size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    return int(connection.exec_driver_sql(size).scalar_one()), None


def _trade(row: Any) -> Trade:
    return Trade(row.symbol, _number(row.pnl), _number(row.fees), row.exit_time)


def _number(value: Decimal | float) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(round(value, DIGITS)))
