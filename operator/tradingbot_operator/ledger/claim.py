"""Whose ledger lies in a database."""

from dataclasses import replace

from tradingbot_operator.domain.ledger import Claim
from tradingbot_operator.ledger.home import moved
from tradingbot_operator.ledger.session import Session

# The table is there after the first migration, which also lets the fencer read it.
READABLE = "SELECT coalesce(has_table_privilege(to_regclass('ledger'), 'SELECT'), false)"
WHOSE = "SELECT ledger_id, cluster, namespace, name FROM ledger"


async def claim(session: Session) -> Claim | None:
    """The bot that the ledger in the database belongs to, or None when there is no ledger that can be read."""
    async with session.use() as connection:
        readable = await (await connection.execute(READABLE)).fetchone()
        if not readable or not readable[0]:
            return None
        found = await (await connection.execute(WHOSE)).fetchone()
        return replace(Claim(*found), moved=await moved(connection)) if found else None
