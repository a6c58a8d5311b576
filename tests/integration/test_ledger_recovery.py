"""Writes that reached the venue past the book come into it once, and are never sent again."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledgers import NOW, TIMES, Place, claimed, each_place, fill, migrated_file, order, running_server  # noqa: F401
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.errors import Fenced
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import (
    Cancel,
    Mark,
    Order,
    OrderReport,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
    VenueWrite,
)
from tradingbot.ledger import verify
from tradingbot.ledger.tables import JOURNAL_FROM

EXIT = Order("BTC/USDT", Side.SELL, OrderType.MARKET, Purpose.EXIT, Decimal("0.5"), reason="stop reached")


def entry(lease: Lease, number: int = 0, request: Order | Cancel = EXIT) -> VenueWrite:
    """A write of the journal, sent under the epoch of *lease*."""
    sequence = JOURNAL_FROM + number
    return VenueWrite(str(ClientId(lease.ledger_id, lease.epoch, sequence)), lease.epoch, sequence, request, *TIMES)


def found(client_id: str, **changes: object) -> OrderReport:
    report = OrderReport(
        "BTC/USDT", client_id, "77", OrderStatus.OPEN, Side.SELL, OrderType.STOP_LIMIT, Decimal("0.5"), Decimal(0),
        Decimal(90), Decimal(91), NOW,
    )  # fmt: skip
    return replace(report, **changes)  # type: ignore[arg-type]


def test_a_journal_entry_is_in_the_book_as_sent_and_unsettled(place: Place) -> None:
    """By the taker's epoch, under its own name and times; the next write of the book counts on undisturbed."""
    ledger = place.open()
    old = claimed(ledger, "pod-1", "a")
    sent = entry(old)
    new = claimed(ledger, "pod-1", "b")
    record = ledger.replay(new, sent)
    assert (record.write, record.status) == (sent, OrderStatus.UNKNOWN)
    assert ledger.unsettled() == (record,)
    assert ledger.intend(new, order(), *TIMES).sequence == 1
    assert ledger.orders_since(NOW) == 2


def test_a_journal_entry_replayed_twice_is_there_once(place: Place) -> None:
    """The second time it is told as it stands, settled or not."""
    ledger = place.open()
    lease = claimed(ledger)
    sent = entry(lease)
    ledger.replay(lease, sent)
    ledger.settle(lease, sent.client_id, OrderStatus.FILLED, None, "")
    assert ledger.replay(lease, sent).status is OrderStatus.FILLED
    assert ledger.unsettled() == ()


def test_the_journals_of_two_colours_do_not_collide(place: Place) -> None:
    """Each counts from the same number on; their names differ by the epoch."""
    ledger = place.open()
    first = claimed(ledger, "pod-1", "a")
    second = claimed(ledger, "pod-1", "b")
    for sent in (entry(first), entry(second), entry(first, 1, Cancel("BTC/USDT", "x", "gone"))):
        assert ledger.replay(second, sent).write == sent
    assert {record.write.client_id for record in ledger.unsettled()} == {
        entry(first).client_id,
        entry(second).client_id,
        entry(first, 1).client_id,
    }


def test_only_the_holder_replays_and_recovers(place: Place) -> None:
    """Both are writes like any other: the fence stands before them."""
    ledger = place.open()
    old = claimed(ledger, "pod-1", "a")
    claimed(ledger, "pod-1", "b")
    with pytest.raises(Fenced):
        ledger.replay(old, entry(old))
    name = str(ClientId(old.ledger_id, 1, 5))
    with pytest.raises(Fenced):
        ledger.recover(old, name, found(name))


def test_what_is_no_journal_entry_is_not_replayed(place: Place) -> None:
    """An intent of the book has been sent or it has not: the book knows, and the journal has no say."""
    ledger = place.open()
    lease = claimed(ledger)
    with pytest.raises(ValueError, match="is no entry of the journal: its sequence is 7"):
        ledger.replay(lease, replace(entry(lease), sequence=7))


def test_an_order_of_ours_without_intent_is_recovered(place: Place) -> None:
    """As the venue reports it, under its own name, in the epoch that name tells; then it lives like any other."""
    ledger = place.open()
    claimed(ledger, "pod-1", "a")
    lease = claimed(ledger, "pod-1", "b")
    name = str(ClientId(lease.ledger_id, 1, 1))
    record = ledger.recover(lease, name, found(name))
    assert record.write.request == Order(
        "BTC/USDT", Side.SELL, OrderType.STOP_LIMIT, Purpose.STOP, Decimal("0.5"), Decimal(90), Decimal(91),
        reason="recovered",
    )  # fmt: skip
    assert (record.status, record.venue_id, record.write.epoch) == (OrderStatus.OPEN, "77", 1)
    assert ledger.recover(lease, name, found(name, status=OrderStatus.CANCELLED)).status is OrderStatus.OPEN
    assert ledger.settle(lease, name, OrderStatus.CANCELLED, None, "").status is OrderStatus.CANCELLED
    assert ledger.intend(lease, order(), *TIMES).sequence == 1, "the book counts on undisturbed"


@pytest.mark.parametrize(
    ("side", "stop", "purpose"),
    [
        (Side.BUY, None, Purpose.ENTRY),
        (Side.BUY, Decimal(91), Purpose.ENTRY),
        (Side.SELL, None, Purpose.EXIT),
        (Side.SELL, Decimal(91), Purpose.STOP),
    ],
)
def test_a_recovered_order_is_for_what_it_does(
    place: Place, side: Side, stop: Decimal | None, purpose: Purpose
) -> None:
    """A sell that waits for a price protects, another sell leaves, a buy enters."""
    ledger = place.open()
    lease = claimed(ledger)
    name = str(ClientId(lease.ledger_id, 1, 1))
    request = ledger.recover(lease, name, found(name, side=side, stop_price=stop)).write.request
    assert isinstance(request, Order)
    assert request.purpose is purpose


@pytest.mark.parametrize("name", ["web_1", "tother100010000001", ""])
def test_a_foreign_order_is_not_recovered(place: Place, name: str) -> None:
    """Another ledger's order, or a person's, is nobody's of ours."""
    ledger = place.open()
    lease = claimed(ledger)
    with pytest.raises(ValueError, match="is no order of ledger"):
        ledger.recover(lease, name, found(name))


def test_a_standby_is_told_of_what_was_recovered(place: Place) -> None:
    """Numbers apart from the count of the book are not overlooked by who reads on from a mark."""
    ledger = place.open()
    lease = claimed(ledger)
    first = ledger.intend(lease, order(), *TIMES)
    begun = ledger.news(None, ())
    assert ([one.write for one in begun.orders], begun.fills, begun.mark) == ([first], (), Mark(1, 0))
    sent = entry(lease)
    ledger.replay(lease, sent)
    ledger.record_fills(lease, [fill(1)])
    second = ledger.intend(lease, order(), *TIMES)
    after = ledger.news(begun.mark, ())
    assert [one.write for one in after.orders] == [second, sent]
    assert (after.fills, after.mark.sequence) == ((fill(1),), 2)
    again = ledger.news(after.mark, (first.client_id,))
    assert {one.write.client_id for one in again.orders} == {first.client_id, sent.client_id}
    assert (again.fills, again.mark) == ((), after.mark)


def test_a_book_with_recovered_writes_is_sound(place: Place) -> None:
    ledger = place.open()
    lease = claimed(ledger)
    ledger.replay(lease, entry(lease))
    name = str(ClientId(lease.ledger_id, 1, 9))
    ledger.recover(lease, name, found(name, at=NOW - timedelta(hours=1)))
    assert [finding for finding in verify(place.url) if not finding.ok] == []
