"""What a venue tells of its markets: steps and bounds, fees, and which there are."""

from alembic import op
from sqlalchemy import Column, Text

from tradingbot.ledger.columns import Instant, Money

revision = "0005"
down_revision = "0004"
readable_from = "0001"
writable_from = "0002"  # new tables only: code of 0002 writes as before


def upgrade() -> None:
    _make("exchange_filters", Money, *FILTERS, texts=("order_types",))
    _make("fee_schedules", Money, "maker", "taker", texts=("source",))
    _make("universe_symbols", Text, "base", "quote", texts=())


FILTERS = (
    "price_step",
    "quantity_step",
    "minimum_quantity",
    "minimum_notional",
    "maximum_quantity",
    "market_quantity_step",
)


def _make(name: str, kind: type, *columns: str, texts: tuple[str, ...]) -> None:
    op.create_table(
        name,
        Column("exchange", Text, primary_key=True),
        Column("symbol", Text, primary_key=True),
        *(Column(column, kind, nullable=False) for column in columns),
        *(Column(column, Text, nullable=False) for column in texts),
        Column("updated_at", Instant, nullable=False),
    )
