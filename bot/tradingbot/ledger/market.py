"""What venues tell of their markets, newest word only. No trader's tables: who writes here needs no epoch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, inspect, select
from sqlalchemy.dialects import postgresql, sqlite

from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.listing import Listed
from tradingbot.ledger.clock import ledger_now, on_server
from tradingbot.ledger.connect import connect, reading, writing
from tradingbot.ledger.tables import exchange_filters, fee_schedules, universe_symbols

# A trader on the same file waits for no more than so many rows.
BATCH = 250
TABLES: Mapping[str, Table] = {"filters": exchange_filters, "fees": fee_schedules, "universe": universe_symbols}
STEPS = (
    "price_step",
    "quantity_step",
    "minimum_quantity",
    "minimum_notional",
    "maximum_quantity",
    "market_quantity_step",
)


def record(url: str, exchange: str, part: str, listed: Sequence[Listed], whole: bool) -> None:
    """That *part* of what *exchange* lists is in the ledger at *url*; of a *whole* list, nothing else of it is."""
    _require_tables(url)
    engine = connect(url)
    try:
        _record(engine, TABLES[part], [_row(part, exchange, each) for each in listed], exchange if whole else None)
    finally:
        engine.dispose()


def updated(connection: Connection) -> Mapping[tuple[str, str], datetime]:
    """When each exchange last told each part, by the ledger's clock; nothing of what never was told."""
    found: dict[tuple[str, str], datetime] = {}
    for part, table in TABLES.items():
        query = select(table.c.exchange, func.max(table.c.updated_at)).group_by(table.c.exchange)
        found |= {(row[0], part): row[1] for row in connection.execute(query)}
    return found


def _require_tables(url: str) -> None:
    """Nothing is made where there is no ledger."""
    reader = connect(url, read_only=True)
    try:
        with reading(reader) as connection:
            there = inspect(connection).has_table(exchange_filters.name)
    finally:
        reader.dispose()
    if not there:
        raise LedgerUnavailable("ledger has no tables for market data yet: start the bot, or run atb db migrate")


def _record(engine: Engine, table: Table, rows: Sequence[dict[str, Any]], cleared: str | None) -> None:
    with writing(engine) as connection:
        now = ledger_now(connection)
    for first in range(0, len(rows), BATCH):
        batch = [{**row, "updated_at": now} for row in rows[first : first + BATCH]]
        with writing(engine) as connection:
            insert = (postgresql if on_server(connection) else sqlite).insert(table)
            newer = {name: insert.excluded[name] for name in batch[0]}
            connection.execute(insert.on_conflict_do_update(index_elements=["exchange", "symbol"], set_=newer), batch)
    if cleared is not None:
        with writing(engine) as connection:
            connection.execute(table.delete().where(table.c.exchange == cleared, table.c.updated_at < now))


def _row(part: str, exchange: str, listed: Listed) -> dict[str, Any]:
    market = listed.instrument
    row = {"exchange": exchange, "symbol": market.symbol}
    if part == "fees":
        return {**row, "maker": listed.fees.maker, "taker": listed.fees.taker, "source": listed.fees.source}
    if part == "universe":
        return {**row, "base": market.base, "quote": market.quote}
    steps = {name: getattr(market, name) for name in STEPS}
    return {**row, **steps, "order_types": " ".join(sorted(market.order_types))}
