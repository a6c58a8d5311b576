"""The writes of a first order, tried before there is one: the fence refuses each, and nothing of them is left.

What is written first costs most: a statement is worded, the server reads the rules of a table, a driver learns its
types. A hand-over would wait for all of it (20 ms of 100 were measured).
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Lease, Successor
from tradingbot.domain.order import Order, OrderType, Purpose, Side, VenueWrite
from tradingbot.ledger import lease, writes

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
NOBODY = Lease("rehearsal", 0, "", "", "")
DECISION = Decision("rehearsal", "", NEVER, None)
ORDER = Order("", Side.BUY, OrderType.LIMIT, Purpose.ENTRY, ZERO)
SUCCESSOR = Successor("rehearsal", "rehearsal", "rehearsal")
WRITE = VenueWrite("rehearsal", 0, 0, ORDER, NEVER, NEVER)


def rehearse(connection: Connection) -> None:
    """Each write of an order and of a hand-over was tried under epoch 0, for a ledger whose fence is known to stand."""
    tries: tuple[Callable[[], object], ...] = (
        lambda: writes.decide(connection, NOBODY, DECISION),
        lambda: writes.newest(connection),
        lambda: writes.note(connection, NOBODY, DECISION, WRITE),
        lambda: writes.enter(connection, NOBODY, WRITE),
        lambda: writes.begin(connection, NOBODY, WRITE),
        lambda: lease.release(connection, NOBODY, SUCCESSOR),
        lambda: lease.bind(connection, "rehearsal"),
    )
    for each in tries:
        attempt = connection.begin_nested()
        with suppress(DBAPIError):
            each()
        attempt.rollback()
