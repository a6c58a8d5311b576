"""The judge of the strikes refuses what it must: a log is doctored, and each fault has its word."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from chaos.judging import Ledger, book_faults, log_faults, settled_epoch

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SENDERS = {1: "pod-a", 2: "pod-b"}


def write(at: int, epoch: int, pod: str, sequence: int = 1, **changes):
    return {
        "action": "order",
        "request": "order",
        "outcome": "accepted",
        "client_id": f"tledger{epoch:04d}{sequence:07d}",
        "sender": f"tradingbot/0.1.0 pod/{pod}",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "0.001",
        "arrived_ms": at,
        "at_ms": at,
        "answered_ms": at + 5,
        **changes,
    }


GOOD = [write(100, 1, "pod-a", 1), write(110, 1, "pod-a", 2), write(200, 2, "pod-b", 3), write(210, 2, "pod-b", 4)]


def test_a_hand_over_without_fault_is_accepted():
    """One sender after the other, each under its own epoch."""
    assert log_faults(GOOD, SENDERS) == []


def test_a_second_sender_beside_the_first_is_refused():
    """The old trader writes once more under its old epoch, while a request of the new one is out: I1, I2 and I3."""
    doctored = [*GOOD[:3], write(203, 1, "pod-a", 5), GOOD[3]]
    assert {each.partition(":")[0] for each in log_faults(doctored, SENDERS)} == {"I1", "I2", "I3"}


def test_a_twin_under_the_same_epoch_is_refused():
    """Two pods of one colour that both send are two senders, though the epoch does not go back."""
    assert log_faults([*GOOD, write(212, 2, "pod-c", 5)], SENDERS) == [
        "I2: order tledger00020000005 by pod-c in epoch 2",
        "I3: pod-c at 212 while pod-b had one out until 215",
    ]


def test_a_cancel_of_the_old_trader_is_refused():
    """A cancel names no epoch, so it is judged by who sent it."""
    late = write(300, 1, "pod-a", 1, action="cancel", request="cancel")
    assert log_faults([*GOOD, late], SENDERS) == ["I2: cancel tledger00010000001 by pod-a in epoch 2"]


def test_an_order_sent_twice_is_refused():
    """The venue accepted one client id twice."""
    assert log_faults([*GOOD, write(300, 2, "pod-b", 4)], SENDERS) == ["sent twice: tledger00020000004"]


def books(**changes):
    """A ledger and an account that agree on 0.5 under one stop."""
    account = {
        "orders": [{"clientOrderId": "buy"}, {"clientOrderId": "stop"}],
        "open_orders": [{"clientOrderId": "stop", "type": "STOP_LOSS", "origQty": "0.5"}],
        "trades": [{"qty": "0.5", "isBuyer": True, "commissionAsset": "USDT", "commission": "0.1"}],
    }
    old = NOW - timedelta(minutes=1)
    ledger = Ledger(2, False, (), {"buy": ("filled", old), "stop": ("open", old)}, Decimal("0.5"))
    return ledger, {**account, **changes}, Decimal("0.5"), NOW


def test_books_that_agree_are_accepted():
    """Ledger, venue and bot hold the same, under a stop of that size, and every intent has its fate."""
    assert book_faults(*books()) == []


def test_books_that_differ_are_refused():
    """An order nobody intended, an intent that is open nowhere, a position of another size, and no stop."""
    trades = [{"qty": "0.4", "isBuyer": True, "commissionAsset": "USDT", "commission": "0.1"}]
    found = book_faults(*books(orders=[{"clientOrderId": "theirs"}], open_orders=[], trades=trades))
    assert [each.partition(":")[0] for each in found] == ["I4", "I4", "I5", "I9"]


def test_a_trader_is_settled_when_its_last_orders_are_of_one_epoch():
    """Too few orders, or orders of two epochs, tell nothing."""
    assert settled_epoch(GOOD) is None
    assert settled_epoch([write(at, 2, "pod-b", at) for at in range(300, 305)]) == (2, "pod-b")
    assert settled_epoch([write(299, 1, "pod-a"), *(write(at, 2, "pod-b", at) for at in range(300, 304))]) is None
