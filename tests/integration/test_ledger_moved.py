"""A ledger that turns up on another server, or on another timeline, is traded on by nobody until that is settled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres
from hands import LEDGER, OWNING, REVISION, Hands, claimed, establish, who
from ledgers import OWNER, TIMES, Place, order
from tradingbot.domain.errors import Fenced, LedgerUnavailable, ShutOut
from tradingbot.domain.lease import Lease
from tradingbot.handover import confirm
from tradingbot.ledger import HighWater
from tradingbot.ledger.adopt import adopt
from tradingbot.ledger.highwater import path_of, record


def hands_on(server: postgres.Server) -> Hands:
    return Hands(Place("postgresql", server.url("hands"), server=server), server, "hands")


@pytest.fixture(name="primary")
def own_primary() -> Iterator[Hands]:
    """A server of the test's own, for the other one goes on without it."""
    with postgres.server() as server:
        establish(server)
        hands = hands_on(server)
        yield hands
        hands.close()


@pytest.fixture(name="promoted")
def replica_that_is_behind(primary: Hands) -> Iterator[Hands]:
    """Epoch 1 is blue's here; green was given epoch 2 and has sent an order under it, of which nothing is known."""
    assert primary.server is not None
    claimed(primary.open())
    with postgres.replica(primary.server) as copy:
        copy.until("SELECT epoch = 1 FROM lease", "hands")
        hands = hands_on(copy)
        with pytest.raises(LedgerUnavailable, match=r"server [0-9]+ is a replica, which nobody can write"):
            hands.open()
        copy.part()
        assert primary.door.grant(1, 2, (primary.holder("green"), "pod-2/a", None))
        green = primary.open("green")
        given = green.named(who("green", "pod-2/a"))
        assert given is not None
        assert green.intend(given, order(), *TIMES).sequence == 1
        copy.promote()
        yield hands
        hands.close()


def test_nobody_trades_on_a_replica_promoted_behind_the_epoch_that_was_given(promoted: Hands, tmp_path: Path) -> None:
    """Its row names a trader of before, whom it would let write. Neither that process, nor the one of the epoch after
    it, nor a fresh one gets in; once the copy is adopted the epoch is beyond all of theirs, and the bot is halted."""
    said = f"LedgerMoved: tradingbot ledger {LEDGER}, server ([0-9]+), timeline 1, but this is server .*, timeline 2"
    for colour in ("blue", "green"):
        with pytest.raises(ShutOut, match=said):
            promoted.open(colour)
    with pytest.raises(LedgerUnavailable, match="pod-1/a was seen on this copy in the last five seconds"):
        adopt(promoted.url(OWNING), LEDGER, OWNER, above=2)
    promoted.place.silence("pod-1/a", 5)
    adopt(promoted.url(OWNING), LEDGER, OWNER, above=2)
    blue = promoted.open()
    for epoch, colour, name in ((1, "blue", "pod-1/a"), (2, "green", "pod-2/a")):
        with pytest.raises(Fenced):
            confirm(blue.lease_row(), Lease(LEDGER, epoch, promoted.holder(colour), name, REVISION))
    record(path_of(tmp_path, LEDGER), HighWater(2, 1))
    blue.remember(tmp_path)
    assert claimed(blue, name="pod-1/b").epoch == 1003
    assert [(halt.id, halt.source) for halt in blue.halts()] == [("moved-1002", "ledger")]
