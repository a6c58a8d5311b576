"""Giving the epoch away as the row orders: decisions wait, what is in flight is settled, and then it is gone."""

from tradingbot.domain.errors import Fenced
from tradingbot.domain.lease import Lease, LeaseRow, NotReleased, Successor
from tradingbot.execution import settle
from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor

# The row has moved on without this process.
STALE = "Stale"
# No order stands any more: it is void, or was taken back.
ENDED = frozenset({"NoOrder", "OrderVoid"})


def confirm(row: LeaseRow, lease: Lease) -> None:
    """The row still names us: only it tells, also after the ledger was away. Raises Fenced when it does not."""
    if (row.epoch, row.instance, row.released_at) != (lease.epoch, lease.instance, None):
        raise Fenced(f"epoch {lease.epoch} has ended, epoch {row.epoch} trades")


class HandOver:
    """What the row of this desk's epoch orders. Protective stops and resting orders stay: the successor adopts them."""

    def __init__(self, floor: Floor, desk: Desk) -> None:
        self._floor = floor
        self._desk = desk
        self._successor: Successor | None = None

    @property
    def ordered(self) -> bool:
        """True while an order was seen to stand, and nothing has been heard since of its end."""
        return self._successor is not None

    def look(self) -> None:
        """*ordered* is what the row says; raises Fenced when the row is no longer ours."""
        ledger = self._desk.ledger
        with ledger.one_read():
            row, stands = ledger.lease_row(), ledger.order_stands()
        confirm(row, self._desk.lease)
        # The row also keeps an order that is void: only the ledger's clock can tell.
        self._successor = stands
        if stands is not None:
            self._floor.teller.ordered(stands.text)

    async def release(self) -> bool:
        """True when the epoch is the successor's; else *ordered* tells whether the order still stands."""
        desk, now, successor = self._desk, self._floor.parts.clock.now(), self._successor
        if successor is None:
            return False
        if not await settle.settle_due(desk) or self._floor.parts.journal.entries():
            self._floor.teller.held_back("Unsettled")
            return False
        desk.save()
        # The ledger itself refuses an order that has become void, or names another by now: it is not asked before.
        done = desk.ledger.release(desk.lease, successor, now)
        if not isinstance(done, NotReleased):
            self._floor.teller.released(done, successor)
            return True
        if done.reason == STALE:
            raise Fenced(f"epoch {desk.lease.epoch} has ended")
        if done.reason in ENDED:
            self._successor = None
        self._floor.teller.held_back(done.reason)
        return False
