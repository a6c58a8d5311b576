"""Faults, the order log and the register."""

from dataclasses import replace
from decimal import Decimal

import pytest

from exchange_simulator.control.faults import Fault, Faults, meets
from exchange_simulator.control.orderlog import OrderLog
from exchange_simulator.domain.order import Kind, Order, Side, Status
from exchange_simulator.domain.request import Target
from exchange_simulator.register import Register


@pytest.mark.parametrize(
    ("wanted", "met"),
    [
        ("", True),
        ("POST /api/v3/order", True),
        ("/api/v3/order", True),
        ("order", True),
        ("POST order", True),
        ("GET order", False),
        ("GET /api/v3/order", False),
        ("openOrders", False),
        ("/api/v3/order/test", False),
    ],
)
def test_a_route_is_named_in_full_or_in_short(wanted, met):
    """With or without method and version prefix; nothing means every route."""
    assert meets(wanted, "POST /api/v3/order") is met


def test_a_counted_fault_is_used_up():
    """Looking does not use it, taking does."""
    faults = Faults()
    faults.add(Fault(0, "status", count=2))
    assert faults.find("status", "GET /x", 0).count == 2
    assert [faults.take("status", "GET /x", 0) is not None for _ in range(3)] == [True, True, False]
    assert faults.active == []


def test_a_timed_fault_ends():
    """In force before its end, not at it."""
    faults = Faults()
    faults.add(Fault(0, "status", until_ms=100))
    assert faults.take("status", "", 99) is not None
    assert faults.take("status", "", 100) is None


def test_an_uncounted_fault_stays_until_removed():
    """By its id or with all."""
    faults = Faults()
    first, second = faults.add(Fault(0, "status")), faults.add(Fault(0, "status", count=0))
    assert (first.fault_id, second.fault_id, faults.spent()) == (1, 2, 3)
    assert faults.take("status", "", 0) == first
    assert faults.take("maintenance", "", 0) is None
    assert (faults.remove(1), faults.remove(9), faults.remove(None)) == (1, 0, 1)


def test_entries_are_numbered_and_read_from_a_number_on():
    """since=2 leaves out the first two."""
    log = OrderLog()
    for _ in range(3):
        log.append(arrived_ms=1, sender="s", address="a", api_key="k", action="order", request="order")
    assert [entry.seq for entry in log.since(2)] == [3]
    assert len(log.since(0)) == 3


def test_only_writes_carry_the_time_of_their_answer():
    """A fill between two writes has no answer."""
    log = OrderLog()
    for request in ("order", "", "cancel"):
        log.append(arrived_ms=1, sender="s", address="a", api_key="k", action="x", request=request)
    log.answered(0, 2, 9)
    assert [entry.answered_ms for entry in log.entries] == [9, None, None]


def order(number, client_id="c", **changes):
    made = Order(number, "k", "BTCUSDT", client_id, Side.BUY, Kind.LIMIT, Decimal(1), 0, 0)
    return replace(made, **changes)


def test_a_client_id_means_the_open_order_else_the_newest():
    """Ids may be used again after the end of an order."""
    register = Register()
    register.put(order(1, status=Status.FILLED))
    register.put(order(2))
    register.put(order(3, status=Status.FILLED))
    assert register.find("k", Target("BTCUSDT", client_id="c")).order_id == 2
    register.put(order(2, status=Status.CANCELED))
    assert register.find("k", Target("BTCUSDT", client_id="c")).order_id == 3


def test_an_order_is_found_only_by_its_account_symbol_and_ids():
    """What does not fit is not found."""
    register = Register()
    register.put(order(1))
    assert register.find("k", Target("BTCUSDT", 1, "c")).order_id == 1
    assert register.find("k", Target("BTCUSDT", 1, "other")) is None
    assert register.find("k", Target("ETHUSDT", 1)) is None
    assert register.find("x", Target("BTCUSDT", 1)) is None
    assert register.find("k", Target("BTCUSDT", 2)) is None
    assert register.find("k", Target("BTCUSDT")) is None


def test_open_orders_are_told_by_symbol_and_account():
    """Oldest first, the ended ones left out."""
    register = Register()
    for made in (order(1), order(2, symbol="ETHUSDT"), order(3, account="x"), order(4, status=Status.FILLED)):
        register.put(made)
    assert [one.order_id for one in register.open()] == [1, 2, 3]
    assert [one.order_id for one in register.open("BTCUSDT")] == [1, 3]
    assert [one.order_id for one in register.open("BTCUSDT", "k")] == [1]
