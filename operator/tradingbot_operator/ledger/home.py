"""Whether a ledger lies where it is kept, by the note that its owner wrote on it (docs/contracts.md 8.2)."""

from tradingbot_operator.domain.lease import LedgerAway, LedgerMoved
from tradingbot_operator.domain.ledger import Elsewhere
from tradingbot_operator.ledger.session import Connected

MARK = "tradingbot ledger "
# The control file learns of a new timeline only with the next checkpoint: the file being written knows it at once.
LOOK = """
SELECT pg_is_in_recovery(), coalesce(obj_description(to_regclass('lease'), 'pg_class'), ''),
       'server ' || system_identifier || CASE WHEN NOT pg_is_in_recovery() THEN
           ', timeline ' || ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int ELSE '' END
  FROM pg_control_system()
"""


async def moved(connection: Connected) -> Elsewhere | None:
    """Where the ledger is kept and where it was found instead; None when it is at home, or nothing is noted."""
    found = await (await connection.execute(LOOK)).fetchone()
    if found is None or found[0]:
        raise LedgerAway(f"{found[2] if found else 'the server'} is a replica, where nothing moves")
    _, note, here = found
    at_home = not note.startswith(MARK) or note == f"{note.partition(',')[0]}, {here}"
    return None if at_home else Elsewhere(note.removeprefix("tradingbot "), here)


async def require(connection: Connected) -> None:
    """The row of a copy tells what was true once: it is nobody's truth."""
    if where := await moved(connection):
        raise LedgerMoved(str(where))
