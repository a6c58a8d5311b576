"""The audit log, of which nothing can be changed or taken away, and beside it where it ends."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Text

from tradingbot.ledger.columns import Instant
from tradingbot.ledger.migrations import fence

revision = "0004"
down_revision = "0003"
readable_from = "0001"
writable_from = "0002"  # new tables only: code of 0002 writes as before
indexes = {"audit_logs_timestamp": "audit_logs (timestamp)"}


def upgrade() -> None:
    op.create_table(
        "audit_logs",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("timestamp", Instant, nullable=False),
        Column("event_type", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("details", Text, nullable=False),
        Column("previous", Text, nullable=False),
        Column("hash", Text, nullable=False),
    )
    head = op.create_table(
        "audit_head",
        Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
        Column("number", BigInteger, nullable=False),
        Column("hash", Text, nullable=False),
    )
    op.bulk_insert(head, [{"one": 1, "number": 0, "hash": "0" * 64}])
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        statements = fence.sqlite_audit()
    else:
        schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
        statements = fence.postgresql_audit(schema)
    for statement in statements:
        # Without parameters the percent signs are left alone and one text may hold several statements.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
