"""On which server a ledger is kept, and on which timeline: a restored copy or a promoted replica is another place.

The note stands on the table of the lease: every copy carries it along, and only the owner can write it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tradingbot.domain.errors import LedgerUnavailable, ShutOut

MARK = "tradingbot ledger "
# The control file learns of a new timeline only with the next checkpoint: the file being written knows it at once.
LOOK = """
SELECT pg_is_in_recovery(), obj_description(to_regclass('lease'), 'pg_class'),
       'server ' || system_identifier || CASE WHEN NOT pg_is_in_recovery() THEN
           ', timeline ' || ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int ELSE '' END
  FROM pg_control_system()
"""
OWNED = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('lease')"


@dataclass(frozen=True, slots=True)
class Standing:
    """The *note* that the ledger carries, and where it really is."""

    in_recovery: bool
    note: str | None
    here: str

    @property
    def noted(self) -> bool:
        return self.note is not None and self.note.startswith(MARK)

    @property
    def moved(self) -> bool:
        return self.noted and self.note != f"{self._ledger}, {self.here}"

    @property
    def _ledger(self) -> str:
        return (self.note or "").partition(",")[0]

    def refuse(self) -> None:
        """Raises unless a trader may write here: on a copy nobody knows what was done under which epoch."""
        if self.in_recovery:
            raise LedgerUnavailable(f"{self.here} is a replica, which nobody can write")
        if self.moved:
            place = self.here.removeprefix("server ").replace(", timeline ", "/")
            consent = f"{self._ledger.removeprefix(MARK)}@{place}"
            raise ShutOut(
                f"LedgerMoved: {self.note}, but this is {self.here}: a copy, or a replica that was promoted; once "
                f"nobody can trade on the other, annotate the bot with tradingbot.io/adopt-ledger: {consent}"
            )


def look(connection: Connection) -> Standing:
    return Standing(*connection.exec_driver_sql(LOOK).one())


def require_home(session: Any, _: object) -> None:
    """A new *session* of the driver is where its ledger is kept, or ended."""
    try:
        with session.cursor() as cursor:
            found = Standing(*cursor.execute(LOOK).fetchone())
        session.rollback()
        found.refuse()
    except BaseException:
        session.close()
        raise


def note(connection: Connection, ledger_id: str, due: Callable[[Standing], bool]) -> bool:
    """True when the ledger carries a new note of where it is, because that was *due*; its owner alone can write it."""
    found = look(connection)
    if not due(found) or not connection.exec_driver_sql(OWNED).scalar_one():
        return False
    connection.exec_driver_sql(f"COMMENT ON TABLE lease IS '{MARK}{ledger_id}, {found.here}'")
    return True
