"""The first ledger: the lease and its fence, writes and what became of them, fills, decisions, money, halts."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Integer, Text, UniqueConstraint

from tradingbot.ledger.columns import Instant, Money
from tradingbot.ledger.migrations import fence

revision = "0001"
down_revision = None


def upgrade() -> None:
    who_trades()
    writes()
    decisions()
    money()
    op.execute(ORDERS)
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        statements = fence.sqlite()
    else:
        schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
        statements = fence.postgresql(schema)
    for statement in statements:
        # Without parameters the percent signs are left alone and one text may hold several statements.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def writer() -> tuple[Column[int], Column[str]]:
    return Column("epoch", BigInteger, nullable=False), Column("instance", Text, nullable=False)


def serial() -> Column[int]:
    # SQLite only counts up a column that is called INTEGER.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def who_trades() -> None:
    op.create_table(
        "ledger",
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
    op.create_table(
        "lease",
        Column("ledger_id", Text, ForeignKey("ledger.ledger_id"), primary_key=True),
        Column("epoch", BigInteger, nullable=False),
        Column("holder", Text, nullable=False),
        Column("instance", Text),
        Column("revision", Text),
        Column("successor", Text),
        Column("order_until", Instant),
        Column("released_at", Instant),
    )
    op.create_table(
        "lease_history",
        serial(),
        Column("ledger_id", Text, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("event", Text, nullable=False),
        Column("holder", Text, nullable=False),
        Column("instance", Text),
        Column("revision", Text),
        Column("at", Instant, nullable=False),
    )
    op.create_index("lease_history_instance", "lease_history", ["instance"])
    op.create_table(
        "heartbeats",
        Column("instance", Text, primary_key=True),
        Column("role", Text, nullable=False),
        Column("seen_at", Instant, nullable=False),
        Column("venue_at", Instant, nullable=False),
    )


def writes() -> None:
    op.create_table(
        "intents",
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
        Column("target", Text),
        Column("seen_at", Instant),
        Column("reason", Text, nullable=False),
        Column("timestamp", Instant, nullable=False),
        Column("expires_at", Instant, nullable=False),
    )
    op.create_index("intents_kind_timestamp", "intents", ["kind", "timestamp"])
    op.create_index("intents_epoch", "intents", ["epoch", "expires_at"])
    op.create_table(
        "outcomes",
        Column("client_id", Text, ForeignKey("intents.client_id"), primary_key=True),
        Column("status", Text, nullable=False),
        Column("filled", Money, nullable=False),
        Column("venue_id", Text),
        Column("message", Text, nullable=False),
        Column("at", Instant),
        *writer(),
    )
    op.create_index("outcomes_status", "outcomes", ["status"])
    op.create_table(
        "fills",
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
    )
    op.create_index("fills_client_id", "fills", ["client_id"])


def decisions() -> None:
    op.create_table(
        "decisions",
        Column("strategy", Text, primary_key=True),
        Column("symbol", Text, primary_key=True),
        Column("bar", Instant, primary_key=True),
        Column("action", Text, nullable=False),
        Column("price", Money),
        Column("stop_price", Money),
        Column("seen_at", Instant),
        Column("reason", Text, nullable=False),
        Column("refusal", Text),
        Column("refusal_message", Text),
        Column("client_id", Text),
        *writer(),
    )
    op.create_table(
        "cursors",
        Column("strategy", Text, primary_key=True),
        Column("symbol", Text, primary_key=True),
        Column("decided_through", Instant, nullable=False),
        *writer(),
    )


def money() -> None:
    op.create_table(
        "equity",
        serial(),
        Column("at", Instant, nullable=False),
        Column("equity", Money, nullable=False),
        Column("peak", Money, nullable=False),
        *writer(),
    )
    op.create_index("equity_at", "equity", ["at"])
    op.create_table(
        "paper_book",
        Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
        Column("state", Text, nullable=False),
        *writer(),
    )
    op.create_table(
        "halts",
        Column("id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("since", Instant, nullable=False),
        Column("is_limit", Boolean, nullable=False),
        Column("resumed_at", Instant),
        Column("resume_reason", Text),
    )


ORDERS = """
CREATE VIEW orders AS
SELECT i.client_id, i.epoch, i.symbol, i.side, i.type, i.purpose, i.quantity, i.price, i.stop_price, o.status, o.filled,
       o.venue_id, o.message, i.reason, i.timestamp
  FROM intents i JOIN outcomes o ON o.client_id = i.client_id
 WHERE i.kind = 'order'
"""
