"""Each checker passes on good books and catches the bad ones it exists for."""

from decimal import Decimal

import invariants

BUY = {"qty": "0.5", "isBuyer": True, "commission": "0.0005", "commissionAsset": "BTC"}
SELL = {"qty": "0.2", "isBuyer": False, "commission": "3.4", "commissionAsset": "USDT"}


def test_a_venue_order_the_ledger_does_not_know_is_named():
    """I4: an order without an intent was placed by nobody we can name."""
    assert invariants.orders_without_intent(["a", "b"], ["a", "b", "c"]) == []
    assert invariants.orders_without_intent(["a", "x"], ["a"]) == ["x"]


def test_an_intent_that_neither_ended_nor_stands_open_is_named():
    """I4: every intent ends; one that is open at the venue has not ended yet."""
    assert invariants.unended_intents({"a": "filled", "b": "open"}, ["b"]) == []
    assert invariants.unended_intents({"a": "unknown", "b": "open"}, ["b"]) == ["a"]


def test_the_position_is_what_the_trades_leave_net_of_commission_in_the_base_coin():
    """I5: 0.5 bought less 0.0005 commission, less 0.2 sold."""
    assert invariants.held([BUY, SELL], "BTC") == Decimal("0.2995")


def test_two_accepted_orders_of_one_id_are_caught():
    """A refused attempt is no order; a second accepted one is money lost."""
    accepted = {"action": "order", "outcome": "accepted", "client_id": "a"}
    assert invariants.sent_twice([accepted, {**accepted, "outcome": "refused"}]) == []
    assert invariants.sent_twice([accepted, accepted]) == ["a"]


def test_a_position_without_its_stop_is_caught_in_both_directions():
    """I9: too little and too much cover are both wrong; less than one step is dust."""
    step = Decimal("0.001")
    assert invariants.uncovered(Decimal("0.2995"), [Decimal("0.299")], step) == 0
    assert invariants.uncovered(Decimal("0.2995"), [], step) == Decimal("0.2995")
    assert invariants.uncovered(Decimal("0.1"), [Decimal("0.2")], step) == Decimal("-0.1")
