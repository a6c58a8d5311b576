"""Without the ledger: one exit in the place of one's own stop, recorded first, replayed later, never sent again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from swapping import Process, Swap, faults
from trading import BTC, START
from tradingbot.domain.errors import LedgerUnavailable, ShutOut
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Order, OrderStatus, OrderType, Purpose, Side
from tradingbot.execution.journal import FIRST, QUARTER, ExitJournal

LEASE = Lease("abc123", 3, "blue", "pod-1/a", "r")
TIMES = (START, START + timedelta(seconds=2))
EXIT = Order(
    BTC, Side.SELL, OrderType.MARKET, Purpose.EXIT, Decimal("0.5"), replaces="tabc12300030000001", reason="now"
)


def told(story: Callable[[Swap], Awaitable[None]]) -> Swap:
    async def whole() -> Swap:
        swap = Swap()
        try:
            await story(swap)
        finally:
            swap.ledger.away = False
            await swap.end()
        return swap

    return asyncio.run(whole())


async def cut_off(swap: Swap, error: type[LedgerUnavailable] = LedgerUnavailable) -> Process:
    """Blue holds a position under its stop, the ledger is away, and everything is to be sold."""
    blue = swap.start("blue")
    await swap.until(lambda: blue.state == "trading")
    await swap.bar(3)
    swap.ledger.away_as, swap.ledger.away = error, True
    await blue.engine.halt("get out", HaltKind.FLATTEN, "flag", "h7")
    await swap.until(lambda: blue.engine.snapshot().database != "ok")
    return blue


def test_a_flatten_without_the_ledger_sells_in_the_place_of_the_stop_and_is_replayed():
    """One request, once; when the ledger is back it is settled by query, and the book is the venue's."""

    async def story(swap: Swap) -> None:
        blue = await cut_off(swap)
        await swap.until(lambda: len(blue.sent) == 3)
        await asyncio.sleep(0.1)
        (_, _, exit_) = blue.sent
        assert exit_.sequence == FIRST
        assert exit_.request.replaces == blue.sent[1].client_id
        swap.ledger.away = False
        await swap.until(lambda: blue.state == "halted" and not swap.ledger.unsettled())
        assert swap.ledger.records[exit_.client_id].status is OrderStatus.FILLED
        assert [write.client_id for write in blue.sent].count(exit_.client_id) == 1
        assert blue.engine.snapshot().journal == 0

    assert faults(told(story)) == []


@dataclass
class FakeGrants:
    """An operator that grants *lasts*, after *takes* seconds of every clock."""

    swap: Swap
    lasts: timedelta | None = timedelta(seconds=10)
    takes: timedelta = timedelta(0)
    asked: list[Lease] = field(default_factory=list)

    async def ask(self, lease: Lease) -> timedelta | None:
        self.asked.append(lease)
        await asyncio.sleep(0)
        self.swap.market.clock.boot += self.takes.total_seconds()
        return self.lasts


async def taken_over(swap: Swap, grants: FakeGrants, error: type[LedgerUnavailable] = LedgerUnavailable) -> Process:
    """Green has adopted a position under blue's stop; the ledger is away, and everything is to be sold."""
    swap.grants = grants
    blue = swap.start("blue")
    await swap.until(lambda: blue.state == "trading")
    await swap.bar(3)
    green = swap.start("green")
    await swap.until(lambda: green.state == "standby")
    await swap.swap(green)
    swap.ledger.away_as, swap.ledger.away = error, True
    await green.engine.halt("get out", HaltKind.FLATTEN, "flag", "h7")
    await swap.until(lambda: green.engine.snapshot().database != "ok")
    return green


def test_a_position_under_another_s_stop_is_sold_once_while_a_grant_stands():
    """The operator was asked with the lease that is held; the sale replaces the stop and is replayed."""

    async def story(swap: Swap) -> None:
        grants = FakeGrants(swap)
        green = await taken_over(swap, grants)
        await swap.until(lambda: green.sent)
        await asyncio.sleep(0.1)
        (exit_,) = green.sent
        assert (exit_.epoch, exit_.sequence, exit_.request.purpose) == (2, FIRST + QUARTER, Purpose.EXIT)
        assert exit_.request.replaces == swap.processes[0].sent[1].client_id
        assert {(lease.epoch, lease.instance) for lease in grants.asked} == {(2, green.instance.name)}
        swap.ledger.away = False
        await swap.until(lambda: green.state == "halted" and not swap.ledger.unsettled())
        assert swap.ledger.records[exit_.client_id].status is OrderStatus.FILLED

    assert faults(told(story)) == []


@pytest.mark.parametrize(
    ("lasts", "takes"),
    [(None, timedelta(0)), (timedelta(seconds=10), timedelta(seconds=10))],
    ids=["denied", "used up before it came"],
)
def test_without_a_grant_that_still_stands_nothing_is_sold(lasts, takes):
    """The stop at the venue stays; the bot asks again and sends nothing."""

    async def story(swap: Swap) -> None:
        grants = FakeGrants(swap, lasts, takes)
        green = await taken_over(swap, grants)
        await swap.until(lambda: len(grants.asked) >= 3)
        assert green.sent == []
        swap.ledger.away = False
        await swap.until(lambda: green.sent)

    assert faults(told(story)) == []


def test_after_a_refused_login_no_grant_is_asked_for():
    """Only the row says whether this process is still the trader."""

    async def story(swap: Swap) -> None:
        grants = FakeGrants(swap)
        green = await taken_over(swap, grants, ShutOut)
        await asyncio.sleep(0.1)
        assert (grants.asked, green.sent) == ([], [])
        swap.ledger.away = False
        await swap.until(lambda: green.sent)

    assert faults(told(story)) == []


def test_after_a_refused_login_nothing_is_sent():
    """That is how a forced fence looks from inside."""

    async def story(swap: Swap) -> None:
        blue = await cut_off(swap, ShutOut)
        await asyncio.sleep(0.2)
        assert len(blue.sent) == 2
        swap.ledger.away = False
        await swap.until(lambda: len(blue.sent) == 3)

    assert faults(told(story)) == []


def test_the_venue_fences_an_exit_whose_stop_a_taker_has_replaced():
    """Cut off and fenced at once: the request fails as a whole, and nothing is sold twice."""

    async def story(swap: Swap) -> None:
        blue = swap.start("blue")
        await swap.until(lambda: blue.state == "trading")
        green = swap.start("green")
        await swap.until(lambda: green.state == "standby")
        await swap.bar(3)
        swap.ledger.away = True
        await swap.until(lambda: blue.engine.snapshot().database != "ok")
        stop = blue.sent[1]
        exchange = swap.market.exchange
        taken = Order(BTC, Side.SELL, OrderType.STOP, Purpose.STOP, stop.request.quantity, stop_price=Decimal(90))
        name = "tabc12300020000009"
        swapped = type(stop)(name, 2, 9, type(taken)(**{**fields(taken), "replaces": stop.client_id}), *TIMES)
        await exchange.send(swapped)
        await blue.engine.halt("get out", HaltKind.FLATTEN, "flag", "h7")
        await swap.until(lambda: len(blue.sent) == 3)
        assert [order.status for order in exchange.orders if order.client_id == blue.sent[2].client_id] in (
            [],
            ["refused"],
        )
        assert sum(order.remaining for order in exchange.orders if order.is_open) == stop.request.quantity

    told(story)


def fields(order: Order) -> dict:
    return {name: getattr(order, name) for name in order.__slots__}


def test_the_journal_outlives_the_process_and_uses_no_number_twice(tmp_path: Path):
    """What was not told is read back as it was written; what was told is not, and its number stays used."""
    path = tmp_path / "exits.jsonl"
    first = ExitJournal(path).numbered(LEASE, EXIT, TIMES)
    again = ExitJournal(path)
    assert again.entries() == (first,)
    again.told(first.client_id)
    third = ExitJournal(path)
    assert third.entries() == ()
    assert third.numbered(LEASE, EXIT, TIMES).sequence == first.sequence + 1


def test_a_torn_line_of_the_journal_was_never_sent(tmp_path: Path):
    """It is sent only after the line was synced, so half a line says nothing."""
    path = tmp_path / "exits.jsonl"
    journal = ExitJournal(path)
    first = journal.numbered(LEASE, EXIT, TIMES)
    with path.open("a") as file:
        file.write('{"client_id": "tabc1')
    second = ExitJournal(path).numbered(LEASE, EXIT, TIMES)
    assert ExitJournal(path).entries() == (first, second)


def test_the_colours_number_their_journals_apart():
    """Each has a volume of its own, and one ledger takes both."""
    blue, green = (ExitJournal(None, colour).numbered(LEASE, EXIT, TIMES) for colour in ("blue", "green"))
    assert blue.sequence != green.sequence
    assert all(FIRST <= write.sequence < 36**7 // 4 * 3 for write in (blue, green))


@pytest.mark.parametrize("error", [LedgerUnavailable, ShutOut])
def test_without_a_flatten_nothing_is_sent_while_the_ledger_is_away(error: type[LedgerUnavailable]):
    """The stop at the venue is the first exit."""

    async def story(swap: Swap) -> None:
        blue = swap.start("blue")
        await swap.until(lambda: blue.state == "trading")
        await swap.bar(3)
        swap.ledger.away_as, swap.ledger.away = error, True
        await swap.until(lambda: blue.engine.snapshot().database != "ok")
        await asyncio.sleep(0.1)
        assert len(blue.sent) == 2

    told(story)
