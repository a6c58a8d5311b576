"""The lease functions as the operator calls them, on either engine; each call is one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, func, select

from tradingbot.domain.audit import Event
from tradingbot.domain.lease import LeaseState, Sign
from tradingbot.ledger import embedded, lease, trail
from tradingbot.ledger.clock import ledger_now, on_server
from tradingbot.ledger.connect import connect, reading, translated, writing
from tradingbot.ledger.tables import heartbeats, holds

SIGNS = 50
MILLISECOND = timedelta(milliseconds=1)


class LedgerDoor:
    """Not the port of a bot: nothing here asks who trades, all of it asks the row. From one thread at a time."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = connect(url)

    def state(self) -> LeaseState:
        """The row as it stands, by the ledger's clock."""
        with reading(self._engine) as connection:
            return state_of(connection)

    def order(self, epoch: int, expected: str | None, successor: str | None, lasts_ms: int) -> bool:
        with writing(self._engine) as connection:
            if on_server(connection):
                return _asked(connection, func.tb_order(epoch, expected, successor, lasts_ms))
            return embedded.order(connection, epoch, expected, successor, lasts_ms)

    def fence(self, epoch: int) -> bool:
        with writing(self._engine) as connection:
            if on_server(connection):
                return _asked(connection, func.tb_fence(epoch))
            return embedded.fence(connection, epoch)

    def grant(self, expected: int, new: int, to: tuple[str, str | None, str | None]) -> bool:
        """*to* are holder, instance and revision."""
        with writing(self._engine) as connection:
            if on_server(connection):
                return _asked(connection, func.tb_grant(expected, new, *to))
            return embedded.grant(connection, expected, new, to)

    def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool:
        with writing(self._engine) as connection:
            if on_server(connection):
                return _asked(connection, func.tb_hold(epoch, instance, lasts_ms))
            return embedded.hold(connection, epoch, instance, lasts_ms)

    def tell(self, told: Sequence[Event]) -> None:
        """*told* are the newest entries of the audit log."""
        with writing(self._engine) as connection:
            for each in told:
                trail.append(connection, each)

    def close(self) -> None:
        with translated():
            self._engine.dispose()


def _asked(connection: Connection, call: ColumnElement[bool]) -> bool:
    return bool(connection.execute(select(call)).scalar_one())


def state_of(connection: Connection) -> LeaseState:
    """Everything at one moment of the ledger's clock."""
    now, row = ledger_now(connection), lease.row_of(connection)
    until = connection.execute(select(func.max(holds.c.until))).scalar_one()
    newest = select(heartbeats).order_by(heartbeats.c.seen_at.desc()).limit(SIGNS)
    signs = tuple(Sign(beat.instance, beat.role, _left(beat.seen_at, now)) for beat in connection.execute(newest))
    order_left = None if row.order_until is None else _left(now, row.order_until)
    hold_left = None if until is None else _left(now, until)
    return LeaseState(row, order_left, hold_left, embedded.guard_ms(connection), signs)


def _left(now: datetime, until: datetime) -> int:
    return (until - now) // MILLISECOND
