"""What leaves the process, and under which epoch and time: rules whose mutants other tests would not see."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from trading import BTC, START, MemoryLedger, candle, instrument, order, replay, sma
from tradingbot.adoption import quiet
from tradingbot.domain.errors import Fenced
from tradingbot.domain.lease import Instance, Lease, Successor
from tradingbot.domain.order import Cancel, Order, Outcome, Unknown, VenueWrite
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.send import place
from tradingbot.floor import Floor
from tradingbot.venues.replay import ReplayClock

MINUTE = timedelta(minutes=1)
BLUE = Instance("blue", "pod-1", "start-1", "revision-1")
GONE = Instance("blue", "pod-0", "start-1", "revision-1")
GREEN = Successor("green", "pod-2/start-1", "revision-2")
AGAIN = Successor("blue", BLUE.name, "revision-1")


@dataclass
class WatchedVenue:
    """A fake venue that keeps what it was sent and says nothing of it."""

    sent: list[VenueWrite] = field(default_factory=list)
    request_life: timedelta = timedelta(seconds=2)

    async def room(self, _: object) -> str:
        return ""

    async def send(self, write: VenueWrite) -> Outcome:
        self.sent.append(write)
        return Unknown("time-out")

    def book(self) -> None:
        return None


class FreezingLedger(MemoryLedger):
    """A ledger after whose answer the process stands still for a minute."""

    def __init__(self, clock: ReplayClock) -> None:
        super().__init__()
        self.clock = clock

    def intend(self, lease: Lease, request: Order | Cancel, timestamp: datetime, expires_at: datetime) -> VenueWrite:
        made = super().intend(lease, request, timestamp, expires_at)
        self.clock.move_to(timestamp + MINUTE)
        return made


def desk(ledger: MemoryLedger, clock: ReplayClock) -> Desk:
    lease = ledger.claim(BLUE, START)
    made = Desk(
        WatchedVenue(), ledger, lease, clock, NoMetrics(), Book({BTC: instrument()}, Decimal(10000)), MINUTE, MINUTE
    )
    made.book.load((), ())
    return made


def test_a_request_carries_the_time_it_was_fenced_with():
    """Frozen for a minute after the fence, it reaches the venue too old to be accepted, as its row says."""
    clock = ReplayClock(START)
    made = desk(FreezingLedger(clock), clock)
    asyncio.run(place(made, order()))
    [sent] = made.venue.sent
    assert sent.timestamp == START
    assert clock.now() == START + MINUTE


@pytest.mark.parametrize("request_", [Cancel(BTC, "tabc1230001000000a", "halted"), order()], ids=["cancel", "order"])
def test_a_write_of_a_lost_epoch_never_leaves(request_: Order | Cancel):
    """Another colour was granted the epoch: neither order nor cancel reaches the venue."""
    made = desk(MemoryLedger(), ReplayClock(START))
    made.ledger.grant(GREEN)
    with pytest.raises(Fenced):
        asyncio.run(place(made, request_))
    assert made.venue.sent == []


def test_what_was_decided_under_an_epoch_is_not_sent_under_the_next():
    """The same process was named again: its old desk still writes nothing."""
    made = desk(MemoryLedger(), ReplayClock(START))
    made.ledger.grant(AGAIN)
    with pytest.raises(Fenced):
        asyncio.run(place(made, order()))
    assert made.venue.sent == []


def test_a_taker_waits_until_no_request_of_the_epoch_before_can_arrive():
    """An epoch that nobody ended left a request that lives two seconds; with a second of skew that is three."""
    ledger = MemoryLedger()
    lost = ledger.claim(GONE, START)
    ledger.intend(lost, order(), START, START + timedelta(seconds=2))
    world = replay([candle(minute) for minute in range(3)], sma(), ledger=ledger)
    ledger.claim(BLUE, START)
    world.clock.move_to(START)
    before = world.clock.now()
    asyncio.run(quiet(Floor(world.engine.parts), ledger.quiet_until()))
    assert before <= START + timedelta(seconds=2)
    assert world.clock.now() > START + timedelta(seconds=3)
