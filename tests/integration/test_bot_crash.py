"""Killed at every step from intent to exit: the restart settles everything, and no answer lost doubles an order."""

from datetime import timedelta

import pytest

from exchange import Calls, Losing
from killing import World, check, run
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import UNSETTLED, WORKING, Order, OrderStatus, Purpose


def entries_per_bar(world: World) -> int:
    """How many entries the busiest bar has."""
    decided = [d.bar for d, made in world.ledger.decisions if made and made.request.purpose is Purpose.ENTRY]
    return max((decided.count(bar) for bar in decided), default=0)


def quiet_run(volume: str) -> tuple[World, int]:
    world, calls = World(volume), Calls()
    assert run(world, calls)
    check(world)
    return world, len(calls.made)


def test_the_story_has_entries_partial_fills_stops_and_exits():
    """The story that is killed below contains every step it speaks of."""
    world, _ = quiet_run("30")
    orders = [(r.write.request.purpose, r.status) for r in world.ledger.orders()]
    assert (Purpose.ENTRY, OrderStatus.EXPIRED) in orders
    assert any(r.filled not in (ZERO, r.write.request.quantity) for r in world.ledger.orders())
    full, _ = quiet_run("1000")
    assert {(r.write.request.purpose, r.status) for r in full.ledger.orders()} >= {
        (Purpose.ENTRY, OrderStatus.FILLED),
        (Purpose.EXIT, OrderStatus.FILLED),
        (Purpose.STOP, OrderStatus.CANCELLED),
        (Purpose.STOP, OrderStatus.FILLED),
    }


@pytest.mark.parametrize("volume", ["1000", "30"])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_call_is_settled_by_the_restart(after, volume):
    """Before or after each single call to ledger or venue: a restart leaves no order unknown, doubled or uncovered."""
    _, calls = quiet_run(volume)
    assert calls > 60
    for at in range(calls):
        world = World(volume)
        assert not run(world, Calls(at, after))
        assert run(world)
        check(world)
        assert entries_per_bar(world) <= 1


@pytest.mark.parametrize("after", [False, True])
def test_two_kills_in_a_row_are_settled_too(after):
    """A restart may itself be killed at any of its first calls."""
    for first in range(20, 60, 7):
        for second in range(0, 24, 3):
            world = World()
            assert not run(world, Calls(first, after))
            run(world, Calls(second, after))
            assert run(world)
            check(world)


@pytest.mark.parametrize("way", ["lost", "never", "late"])
def test_no_lost_answer_doubles_or_loses_an_order(way):
    """Each write in turn: acted on in silence, never arrived, or arrived late. None is sent again."""
    world, _ = quiet_run("1000")
    for number in range(len(world.exchange.sent)):
        world = World()
        venue = Losing(world.exchange, world.clock, **{way: frozenset({number})})
        assert run(world, venue=venue)
        check(world)
        assert not venue.waiting


def test_not_found_is_not_final_while_the_request_may_still_arrive():
    """A write that comes 2.9 s after its timestamp is found, because the bot waited for life, skew and visibility."""
    world = World()
    venue = Losing(world.exchange, world.clock, late=frozenset({0}), delay=timedelta(seconds=2.9))
    assert run(world, venue=venue)
    check(world)
    first = world.ledger.orders()[-1]
    assert first.status is OrderStatus.FILLED


def test_what_never_arrived_ends_absent():
    """Only after timestamp, request life, a second and the venue's visibility."""
    world = World()
    assert run(world, venue=Losing(world.exchange, world.clock, never=frozenset({0})))
    first = world.ledger.orders()[-1]
    assert (first.status, first.message) == (OrderStatus.ABSENT, "the venue never got it")


def test_every_status_in_the_ledger_has_ended_or_still_works():
    """Nothing is left intended or unknown at the end of a run."""
    world, _ = quiet_run("1000")
    assert {record.status for record in world.ledger.records.values()} & UNSETTLED == set()
    works = [r for r in world.ledger.orders() if r.status in WORKING]
    assert all(isinstance(r.write.request, Order) and r.write.request.purpose is Purpose.STOP for r in works)
