"""Alembic's entry: runs the steps on the connection that ``migrate`` opened, inside its transaction."""

from alembic import context

from tradingbot.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
