"""Which strategy has decided an order: found by the key of decisions, which are too many to look through."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, select

from tradingbot.domain.candle import TIMEFRAMES
from tradingbot.ledger.tables import cursors, decisions, intents

AT_ONCE = 200
# A decision bears the opening of its bar, and its order the close; one on a timer has no bar.
BACK = (timedelta(0), *TIMEFRAMES.values())


def deciders(connection: Connection, client_ids: Sequence[str]) -> Mapping[str, str]:
    """The strategy behind each of *client_ids* that some strategy has decided."""
    found: dict[str, str] = {}
    for first in range(0, len(client_ids), AT_ONCE):
        found |= _some(connection, client_ids[first : first + AT_ONCE])
    return found


def _some(connection: Connection, client_ids: Sequence[str]) -> dict[str, str]:
    asked = select(intents.c.symbol, intents.c.seen_at).where(
        intents.c.client_id.in_(client_ids), intents.c.seen_at.is_not(None)
    )
    orders = connection.execute(asked).all()
    strategies = connection.execute(select(cursors.c.strategy).distinct()).scalars().all()
    key = (
        decisions.c.strategy.in_(strategies),
        decisions.c.symbol.in_({order.symbol for order in orders}),
        decisions.c.bar.in_({order.seen_at - back for order in orders for back in BACK}),
    )
    made = select(decisions.c.client_id, decisions.c.strategy).where(*key, decisions.c.client_id.in_(client_ids))
    return {row.client_id: row.strategy for row in connection.execute(made)}
