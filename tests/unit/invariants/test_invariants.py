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


def test_an_aborted_swap_that_changed_something_is_named():
    """I7: the old colour trades on or is halted as before; whatever else is said aloud by Stalled."""
    before = {"colour": "blue", "epoch": 4, "trading": True, "halted": False, "stalled": False}
    assert invariants.aborted_badly(before, before) is None
    assert invariants.aborted_badly(before, {**before, "epoch": 5}) is None
    assert invariants.aborted_badly(before, {**before, "trading": False, "halted": True}) is None
    assert invariants.aborted_badly(before, {**before, "trading": False, "stalled": True}) is None
    assert invariants.aborted_badly(before, {**before, "colour": "green"}) == "another colour holds the epoch"
    assert invariants.aborted_badly(before, {**before, "epoch": 3}) == "the epoch went back"
    silent = {**before, "trading": False}
    assert invariants.aborted_badly(before, silent) == "nobody trades, and nobody says so"


def test_a_restore_below_an_epoch_ever_issued_is_named():
    """I8: equal is not above."""
    assert invariants.issued_already(1005, [3, 5, 1004]) == []
    assert invariants.issued_already(1005, [3, 1005, 1007]) == [1005, 1007]


def entry(action, at, **changes):
    return {"action": action, "outcome": "accepted", "at_ms": at, "side": "BUY", "type": "LIMIT", **changes}


STOP = {"type": "STOP_LOSS", "side": "SELL", "client_id": "s1", "quantity": "1"}


def test_a_second_without_a_stop_after_an_entry_is_allowed_and_no_more():
    """I9: the stop is placed 400 ms after the fill; and another time 1,250 ms after it."""
    bought = entry("fill", 1000, client_id="e1", quantity="1")
    assert invariants.unprotected_ms([bought, entry("order", 1400, **STOP)], 9000) == 0
    assert invariants.unprotected_ms([bought, entry("order", 2250, **STOP)], 9000) == 250


def test_time_between_a_cancelled_stop_and_the_next_is_counted_from_its_first_millisecond():
    """I9: what was covered once has no second to spare."""
    log = [entry("fill", 1000, client_id="e1", quantity="1"), entry("order", 1100, **STOP)]
    moved = [entry("cancel", 3000, **STOP), entry("order", 3040, **{**STOP, "client_id": "s2"})]
    assert invariants.unprotected_ms([*log, *moved], 9000) == 40
    assert invariants.unprotected_ms([*log, entry("cancel", 3000, **STOP)], 9000) == 6000
    assert invariants.unprotected_ms([*log, entry("fill", 3000, **STOP)], 9000) == 0


def test_each_epoch_belongs_to_who_wrote_first_under_it():
    """By the log alone; who comes later under the same epoch is judged against the first."""
    first = {"request": "order", "sender": "a", "client_id": "tq3v9zk000100000a1"}
    log = [entry("order", 1, **first), entry("order", 2, **{**first, "sender": "b"})]
    assert invariants.holders(log) == {1: "a"}


def test_commission_in_the_base_coin_needs_no_stop():
    """I9: of 1 bought, 0.001 went to the venue; a stop of 0.999 covers all that is held."""
    paid = {"commission": "0.001", "commission_asset": "BTC"}
    bought = entry("fill", 1000, client_id="e1", quantity="1", **paid)
    assert invariants.unprotected_ms([bought, entry("order", 1400, **{**STOP, "quantity": "0.999"})], 9000) == 0
    assert invariants.unprotected_ms([bought, entry("order", 1400, **{**STOP, "quantity": "0.9"})], 9000) == 7000
