"""Reading on from where a book was read to: what a standby does while another process writes."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, or_, select

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import WORKING, Fill, Mark, News, OrderRecord
from tradingbot.ledger import rows
from tradingbot.ledger.embedded import pod_of
from tradingbot.ledger.lease import BEGINNINGS, ended
from tradingbot.ledger.tables import JOURNAL_FROM, fills, intents, lease_history, outcomes
from tradingbot.ledger.writes import records

# Finished orders without a fill that a book is told of all the same: what was tried last.
NEWEST = 100


def news(connection: Connection, after: Mark | None, live: Sequence[str]) -> News:
    """Fills and orders after the mark and the *live* orders as they stand; without a mark, what a book begins with."""
    mark = after or Mark(0, 0)
    found = connection.execute(select(fills).where(fills.c.id > mark.fill).order_by(fills.c.id)).all()
    query = records().where(intents.c.kind == "order").order_by(intents.c.sequence)
    if after is None:
        last = newest(connection)
        working, filled = outcomes.c.status.in_(sorted(WORKING)), outcomes.c.filled != ZERO
        query = query.where(or_(working, filled, intents.c.sequence > last - NEWEST))
    else:
        # Journal entries and recovered orders number themselves apart, and there are few.
        query = query.where(or_(intents.c.sequence > mark.sequence, intents.c.client_id.in_(live)))
    orders = tuple(rows.record(row) for row in connection.execute(query))
    ours = (record.write.sequence for record in orders if record.write.sequence < JOURNAL_FROM)
    through = Mark(max(ours, default=mark.sequence), found[-1].id if found else mark.fill)
    told: list[Fill] = sorted((rows.fill(row) for row in found), key=rows.in_time)
    return News(orders, tuple(told), Mark(max(through.sequence, mark.sequence), through.fill))


def named_orders(connection: Connection, names: Sequence[str]) -> tuple[OrderRecord, ...]:
    """The writes with these client ids, oldest first."""
    query = records().where(intents.c.client_id.in_(names)).order_by(intents.c.sequence)
    return tuple(rows.record(row) for row in connection.execute(query))


def unclean(connection: Connection, held: Lease) -> frozenset[int]:
    """The epochs before *held* that another pod had and nobody ended in order; what they sent may still arrive."""
    begun = select(lease_history.c.epoch, lease_history.c.instance).where(
        lease_history.c.event.in_(BEGINNINGS),
        lease_history.c.epoch < held.epoch,
        lease_history.c.instance.is_not(None),
        lease_history.c.epoch.not_in(ended()),
    )
    own = pod_of(held.instance)
    rows = connection.execute(begun)
    return frozenset(row.epoch for row in rows if own == "" or pod_of(row.instance) != own)


def newest(connection: Connection) -> int:
    """The newest sequence but those of the journal."""
    ours = select(func.max(intents.c.sequence)).where(intents.c.sequence < JOURNAL_FROM)
    return connection.execute(ours).scalar() or 0
