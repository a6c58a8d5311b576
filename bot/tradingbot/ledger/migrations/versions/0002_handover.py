"""The hand-over: exit grants, a standby's decisions, which code may use which schema, and the lease functions."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

from tradingbot.ledger.columns import Instant, Money
from tradingbot.ledger.migrations import fence

revision = "0002"
down_revision = "0001"
readable_from = "0001"
writable_from = "0002"  # code of 0001 refuses a newer schema


def upgrade() -> None:
    op.create_table(
        "holds",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("ledger_id", Text, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("instance", Text, nullable=False),
        Column("until", Instant, nullable=False),
        Column("at", Instant, nullable=False),
    )
    op.create_table(
        "schema_compat",
        Column("version", Text, primary_key=True),
        Column("readable_from", Text, nullable=False),
        Column("writable_from", Text, nullable=False),
    )
    op.create_table(
        "shadow_decisions",
        Column("strategy", Text, primary_key=True),
        Column("symbol", Text, primary_key=True),
        Column("bar", Instant, primary_key=True),
        Column("revision", Text, primary_key=True),
        Column("action", Text, nullable=False),
        Column("quantity", Money, nullable=False),
        Column("price", Money),
        Column("stop_price", Money),
        Column("reason", Text, nullable=False),
        Column("refusal", Text),
    )
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        statements = fence.sqlite_lease()
    else:
        schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
        statements = fence.postgresql_lease(schema)
    for statement in statements:
        # Without parameters the percent signs are left alone and one text may hold several statements.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
