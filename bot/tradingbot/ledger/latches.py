"""Halts in the ledger: free of the fence, so that any process can latch one; each tells the audit log."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from tradingbot.domain.audit import event
from tradingbot.domain.halt import Halt, is_unnumbered, numbered
from tradingbot.ledger import trail
from tradingbot.ledger.tables import halts
from tradingbot.ledger.writes import upsert

HALTED, RESUMED = "HALTED", "RESUMED"


def latch(connection: Connection, halt: Halt) -> str:
    """*halt* is stored, if its id is new; the id it stands under."""
    name = _name(connection, halt.id) if is_unnumbered(halt.id) else halt.id
    values = {"id": name, "kind": halt.kind, "source": halt.source, "reason": halt.reason, "since": halt.since}
    statement = upsert(connection, halts).values(**values, is_limit=halt.limit)
    new = statement.on_conflict_do_nothing(index_elements=["id"]).returning(halts.c.id)
    if connection.execute(new).first() is not None:
        told = {"kind": halt.kind, "reason": halt.reason, "since": halt.since.isoformat()}
        trail.append(connection, event(HALTED, halt.source, name, **told))
    return name


def resume(connection: Connection, halt_id: str, reason: str, now: datetime) -> bool:
    """True when that halt stood, and stands no longer."""
    latched = (halts.c.id == halt_id) & halts.c.resumed_at.is_(None)
    cleared = halts.update().where(latched).values(resumed_at=now, resume_reason=reason)
    known = connection.execute(cleared).rowcount == 1
    if known:
        trail.append(connection, event(RESUMED, "trader", halt_id, reason=reason))
    return known


def _name(connection: Connection, halt_id: str) -> str:
    # Two colours that ask at the same instant get the same answer, and the second insert changes nothing.
    resumed = select(func.count()).where(halts.c.id.startswith(f"{halt_id}-"), halts.c.resumed_at.is_not(None))
    return numbered(halt_id, connection.execute(resumed).scalar_one())
