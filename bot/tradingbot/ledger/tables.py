"""The tables. *epoch* and *instance* on a row name the writer that the fence let through last."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from tradingbot.ledger.columns import Instant, Money, Words

HEAD = "0005"  # the migration this code was written for

# Writes replayed from the journal of the state volume number themselves from here on, so the two never meet.
JOURNAL_FROM = 36**7 // 2

metadata = MetaData()


def writer() -> tuple[Column[int], Column[str]]:
    return Column("epoch", BigInteger, nullable=False), Column("instance", Text, nullable=False)


def serial() -> Column[int]:
    # SQLite only counts up a column that is called INTEGER.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


ledger = Table(
    "ledger",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("ledger_id", Text, nullable=False, unique=True),
    Column("cluster", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("ledger_id", Text, ForeignKey("ledger.ledger_id"), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("instance", Text),
    Column("revision", Text),
    Column("successor", Text),
    Column("order_until", Instant),
    Column("released_at", Instant),
)

lease_history = Table(
    "lease_history",
    metadata,
    serial(),
    Column("ledger_id", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("event", Text, nullable=False),  # claim, retire, release, named, fence, grant
    Column("holder", Text, nullable=False),
    Column("instance", Text),
    Column("revision", Text),
    Column("at", Instant, nullable=False),
    Index("lease_history_instance", "instance"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),  # by the clock of the ledger: silence is judged by one clock only
    Column("venue_at", Instant, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    serial(),
    Column("ledger_id", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("instance", Text, nullable=False),
    Column("until", Instant, nullable=False),
    Column("at", Instant, nullable=False),
)

schema_compat = Table(
    "schema_compat",
    metadata,
    Column("version", Text, primary_key=True),
    Column("readable_from", Text, nullable=False),  # the oldest code that may read this schema
    Column("writable_from", Text, nullable=False),  # the oldest code that may write it
)

intents = Table(
    "intents",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("client_id", Text, nullable=False, unique=True),
    *writer(),
    Column("kind", Text, CheckConstraint("kind IN ('order', 'cancel')"), nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text),
    Column("type", Text),
    Column("purpose", Text),
    Column("quantity", Money),
    Column("price", Money),
    Column("stop_price", Money),
    Column("target", Text),  # the order that this write takes back
    Column("seen_at", Instant),
    Column("reason", Words, nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("intents_kind_timestamp", "kind", "timestamp"),
    Index("intents_epoch", "epoch", "expires_at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("client_id", Text, ForeignKey("intents.client_id"), primary_key=True),
    Column("status", Text, nullable=False),
    Column("filled", Money, nullable=False),
    Column("venue_id", Text),
    Column("message", Words, nullable=False),
    Column("at", Instant),
    *writer(),
    Index("outcomes_status", "status"),
)

fills = Table(
    "fills",
    metadata,
    serial(),
    Column("venue", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("trade_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("venue_id", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", Money, nullable=False),
    Column("price", Money, nullable=False),
    Column("commission", Money, nullable=False),
    Column("commission_asset", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("maker", Boolean, nullable=False),
    Column("bar", Instant),
    *writer(),
    UniqueConstraint("venue", "symbol", "trade_id", name="fills_trade"),
    Index("fills_client_id", "client_id"),
    Index("idx_trades_timestamp", "at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("strategy", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("bar", Instant, primary_key=True),
    Column("action", Text, nullable=False),  # enter, exit, hold
    Column("price", Money),
    Column("stop_price", Money),
    Column("seen_at", Instant),
    Column("reason", Words, nullable=False),
    Column("refusal", Text),
    Column("refusal_message", Words),
    Column("client_id", Text),
    *writer(),
)

cursors = Table(
    "cursors",
    metadata,
    Column("strategy", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("decided_through", Instant, nullable=False),
    *writer(),
)

equity = Table(
    "equity",
    metadata,
    serial(),
    Column("at", Instant, nullable=False),
    Column("equity", Money, nullable=False),
    Column("peak", Money, nullable=False),  # carried along: text has no maximum
    *writer(),
    Index("equity_at", "at"),
)

paper_book = Table(
    "paper_book",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    *writer(),
)

shadow_decisions = Table(
    "shadow_decisions",
    metadata,
    Column("strategy", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("bar", Instant, primary_key=True),
    Column("revision", Text, primary_key=True),
    Column("action", Text, nullable=False),  # enter, exit, hold
    Column("quantity", Money, nullable=False),
    Column("price", Money),
    Column("stop_price", Money),
    Column("reason", Words, nullable=False),
    Column("refusal", Text),
)

halts = Table(
    "halts",
    metadata,
    Column("id", Words, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("since", Instant, nullable=False),
    Column("is_limit", Boolean, nullable=False),
    Column("resumed_at", Instant),
    Column("resume_reason", Words),
)

audit_logs = Table(
    "audit_logs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("timestamp", Instant, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", Text, nullable=False),  # the hash of the entry before
    Column("hash", Text, nullable=False),
    Index("audit_logs_timestamp", "timestamp"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)


def told(name: str, *columns: Column[Any]) -> Table:
    """A row for each market of a venue; *updated_at* is by the clock of the ledger."""
    market = (Column("exchange", Text, primary_key=True), Column("symbol", Text, primary_key=True))
    return Table(name, metadata, *market, *columns, Column("updated_at", Instant, nullable=False))


exchange_filters = told(
    "exchange_filters",
    Column("price_step", Money, nullable=False),
    Column("quantity_step", Money, nullable=False),
    Column("minimum_quantity", Money, nullable=False),
    Column("minimum_notional", Money, nullable=False),
    Column("maximum_quantity", Money, nullable=False),
    Column("market_quantity_step", Money, nullable=False),
    Column("order_types", Text, nullable=False),
)
fee_schedules = told(
    "fee_schedules",
    Column("maker", Money, nullable=False),
    Column("taker", Money, nullable=False),
    Column("source", Text, nullable=False),
)
universe_symbols = told("universe_symbols", Column("base", Text, nullable=False), Column("quote", Text, nullable=False))

VIEWS = (
    "orders",
    "walked_fills",
    "trades",
    "positions",
    "trading_sessions",
    "account_balances",
    "trade_executions",
    "performance_metrics",
    "schema_migrations",
)
FENCED = (intents, outcomes, fills, decisions, cursors, equity, paper_book)
APPEND_ONLY = (intents, fills, decisions, equity, lease_history, holds, audit_logs)
