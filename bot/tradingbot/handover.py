"""Giving the epoch away as the row orders: decisions wait, what is in flight is settled, and then it is gone."""

from tradingbot.domain.errors import Fenced
from tradingbot.domain.lease import Lease, LeaseRow, NotReleased
from tradingbot.execution import settle
from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor

# The row has moved on without this process.
STALE = "Stale"


def confirm(row: LeaseRow, lease: Lease) -> None:
    """The row still names us: only it tells, also after the ledger was away. Raises Fenced when it does not."""
    if (row.epoch, row.instance, row.released_at) != (lease.epoch, lease.instance, None):
        raise Fenced(f"epoch {lease.epoch} has ended, epoch {row.epoch} trades")


class HandOver:
    """What the row of this desk's epoch orders. Protective stops and resting orders stay: the successor adopts them."""

    def __init__(self, floor: Floor, desk: Desk) -> None:
        self._floor = floor
        self._desk = desk
        self.ordered = False

    def look(self) -> None:
        """*ordered* is what the row says; raises Fenced when the row is no longer ours."""
        ledger = self._desk.ledger
        with ledger.one_read():
            row, stands = ledger.lease_row(), ledger.order_stands()
        confirm(row, self._desk.lease)
        # The row also keeps an order that is void: only the ledger's clock can tell.
        self.ordered = stands is not None
        if self.ordered:
            self._floor.teller.ordered(row.successor or "")

    async def release(self) -> bool:
        """True when the epoch is the successor's; else *ordered* tells whether the order still stands."""
        desk, now = self._desk, self._floor.parts.clock.now()
        settled = await settle.settle_due(desk)
        successor = desk.ledger.order_stands()
        self.ordered = successor is not None
        if successor is None:
            return False
        if not settled or self._floor.parts.journal.entries():
            self._floor.teller.held_back("Unsettled")
            return False
        desk.save()
        done = desk.ledger.release(desk.lease, successor, now)
        if not isinstance(done, NotReleased):
            self._floor.teller.released(done, successor)
            return True
        if done.reason == STALE:
            raise Fenced(f"epoch {desk.lease.epoch} has ended")
        self._floor.teller.held_back(done.reason)
        return False
