"""What a standby would have done, beside what the trader did: free of the fence, for nothing is sent because of it."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Decision
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.tables import decisions, intents, shadow_decisions


def record(connection: Connection, decision: Decision, revision: str, quantity: Decimal) -> None:
    """The decision of *revision* for its bar stands; a second one for the same bar changes nothing."""
    intent, refusal = decision.intent, decision.refusal
    insert = postgresql.insert if on_server(connection) else sqlite.insert
    values = {
        "strategy": decision.strategy,
        "symbol": decision.symbol,
        "bar": decision.bar,
        "revision": revision,
        "action": intent.action if intent else "hold",
        "quantity": quantity,
        "price": intent.price if intent else None,
        "stop_price": intent.stop_price if intent else None,
        "reason": intent.reason if intent else "",
        "refusal": refusal.reason if refusal else None,
    }
    connection.execute(insert(shadow_decisions).values(values).on_conflict_do_nothing())


def compared(connection: Connection, revision: str, since: datetime) -> tuple[int, int, Decimal]:
    """Bars that both decided, how many differ in action, and the largest difference of quantity in percent.

    A decision that the trader's risk refused has no quantity to compare.
    """
    shadow = shadow_decisions.c
    same = (decisions.c.strategy == shadow.strategy) & (decisions.c.symbol == shadow.symbol)
    both = shadow_decisions.join(decisions, same & (decisions.c.bar == shadow.bar))
    both = both.outerjoin(intents, intents.c.client_id == decisions.c.client_id)
    query = select(shadow.action, decisions.c.action.label("done"), shadow.quantity, intents.c.quantity.label("sent"))
    rows = connection.execute(query.select_from(both).where(shadow.revision == revision, shadow.bar >= since)).all()
    differing = sum(row.action != row.done for row in rows)
    apart = (percent(row.quantity, row.sent) for row in rows if row.action == row.done and row.sent is not None)
    return len(rows), differing, max(apart, default=ZERO)


def percent(one: Decimal, other: Decimal) -> Decimal:
    """How far the two are apart, in percent of the larger."""
    larger = max(one, other)
    return ZERO if larger == ZERO else abs(one - other) / larger * 100
