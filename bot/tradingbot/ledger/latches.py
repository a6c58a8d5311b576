"""Halts in the ledger: free of the fence, so that any process can latch one."""

from sqlalchemy import Connection, func, select

from tradingbot.domain.halt import Halt, is_unnumbered, numbered
from tradingbot.ledger.tables import halts
from tradingbot.ledger.writes import upsert


def latch(connection: Connection, halt: Halt) -> str:
    """*halt* is stored, if its id is new; the id it stands under."""
    name = _name(connection, halt.id) if is_unnumbered(halt.id) else halt.id
    values = {"id": name, "kind": halt.kind, "source": halt.source, "reason": halt.reason, "since": halt.since}
    statement = upsert(connection, halts).values(**values, is_limit=halt.limit)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
    return name


def _name(connection: Connection, halt_id: str) -> str:
    # Two colours that ask at the same instant get the same answer, and the second insert changes nothing.
    resumed = select(func.count()).where(halts.c.id.startswith(f"{halt_id}-"), halts.c.resumed_at.is_not(None))
    return numbered(halt_id, connection.execute(resumed).scalar_one())
