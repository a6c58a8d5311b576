"""The work queue: once each, never twice at a time, later in a heap, back-off."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tradingbot_operator.engine.queue import Queue

A, B = ("TradingBot", "ns", "a"), ("TradingBot", "ns", "b")


class Clock:
    """Time that only tests move."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def queue(clock=None, jitter=1.0):
    return Queue(clock or Clock(), lambda: jitter)


def taken(made):
    """Everything that can be taken at once."""
    return list(iter(made.take_ready, None))


def test_key_is_taken_once_however_often_it_was_added():
    """Ten events are one look."""
    made = queue()
    for _ in range(10):
        made.add(A)
    made.add(B)
    assert taken(made) == [A, B]


def test_key_in_work_is_not_taken_by_another_but_looked_at_again():
    """Two workers never hold one key, and no event is lost meanwhile."""
    made = queue()
    made.add(A)
    assert taken(made) == [A]
    made.add(A)
    assert taken(made) == []
    made.done(A)
    assert taken(made) == [A]


def test_delayed_key_waits_in_no_worker():
    """It comes when its time has come, and the nearest of several times counts."""
    clock = Clock()
    made = queue(clock)
    made.add_later(A, 10)
    made.add_later(A, 5)
    made.add_later(A, 20)
    assert taken(made) == []
    clock.now += 5
    assert taken(made) == [A]
    made.done(A)
    clock.now += 100
    assert taken(made) == []


def test_key_that_waits_is_taken_at_once_when_something_happens():
    """A delay is the latest time, not the earliest."""
    made = queue()
    made.add_later(A, 1000)
    made.add(A)
    assert taken(made) == [A]


def test_failures_double_the_pause_up_to_a_minute():
    """A fifth of a second, then twice as long each time; a success begins anew."""
    made = queue()
    pauses = [made.failed(A) for _ in range(12)]
    assert pauses[:3] == [0.2, 0.4, 0.8]
    assert pauses[-1] == 60.0
    made.done(A)
    assert made.failed(A) == 0.2


def test_jitter_spreads_the_pauses():
    """Half of a pause is chance, so that a thousand bots do not come back together."""
    assert queue(jitter=0.0).failed(A) == 0.1
    assert queue(jitter=1.0).failed(A) == 0.2


def test_event_during_the_first_failure_is_looked_at_at_once():
    """A conflict means something changed: the fresh event need not wait."""
    made = queue()
    made.add(A)
    assert taken(made) == [A]
    made.add(A)
    made.failed(A)
    assert taken(made) == [A]


def test_events_cannot_hurry_what_keeps_failing():
    """From the second failure on the pause is kept, or a failing bot would be tried without end."""
    made = queue()
    made.failed(A)
    made.add(A)
    assert taken(made) == [A]
    made.add(A)
    made.failed(A)
    assert taken(made) == []


def test_age_of_the_head_is_told():
    """Liveness is judged by how long the first key has waited."""
    clock = Clock()
    made = queue(clock)
    assert (made.depth(), made.oldest_seconds()) == (0, 0.0)
    made.add(A)
    clock.now += 7
    made.add(B)
    assert (made.depth(), made.oldest_seconds()) == (2, 7.0)


def test_waiting_worker_is_woken():
    """A key added while a worker waits is taken without a poll."""

    async def scene():
        made = queue()
        worker = asyncio.create_task(made.take())
        await asyncio.sleep(0)
        made.add(A)
        return await asyncio.wait_for(worker, 1)

    assert asyncio.run(scene()) == A


@given(st.lists(st.sampled_from(["add", "take", "done", "failed", "later", "wait"]), max_size=60))
def test_no_key_is_ever_lost_or_held_twice(steps):
    """After any history every key that was added is taken again, and never while another worker has it."""
    clock = Clock()
    made = queue(clock)
    held, owed = [], False
    for step in steps:
        if step == "add":
            made.add(A)
            owed = True
        elif step == "take":
            got = taken(made)
            assert not (got and held)
            assert len(got) <= 1
            held += got
            owed = owed and not got
        elif step == "later":
            made.add_later(A, 3)
            owed = True
        elif step == "wait":
            clock.now += 61
        elif held:
            held.pop()
            if step == "failed":
                made.failed(A)
                owed = True
            else:
                made.done(A)
    if held:
        made.done(A)
    clock.now += 61
    assert bool(taken(made)) or not owed
