"""Election: one leads, by its own clock, and knows when it does not."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingbot_operator.cluster.lease import Held
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.engine.leader import Leader


class FakeLock:
    """A Lease in memory: a write succeeds only on what was read last. It stands in for the API server."""

    def __init__(self):
        self.held, self.version, self.away = None, 0, False

    async def read(self):
        if self.away:
            raise ClusterUnavailable("away")
        return self.held

    async def write(self, holder, now, seconds, before):
        if self.away:
            raise ClusterUnavailable("away")
        if before != self.held:
            raise Outdated("written by another")
        self.version += 1
        self.held = Held(holder, str(self.version), 0)
        return self.held


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


def leader(lock, clock, name):
    return Leader(lock, name, clock, lambda: "2026-11-21T14:00:00.000000Z")


@pytest.fixture
def lock():
    return FakeLock()


@pytest.fixture
def clock():
    return Clock()


def test_free_lease_is_taken(lock, clock):
    """Who comes first leads."""
    assert asyncio.run(leader(lock, clock, "a").try_once()) is True
    assert lock.held.holder == "a"


def test_held_lease_is_waited_for(lock, clock):
    """While it is renewed nobody else leads."""

    async def scene():
        a, b = leader(lock, clock, "a"), leader(lock, clock, "b")
        await a.try_once()
        for _ in range(20):
            clock.now += 2
            assert await a.try_once()
            assert not await b.try_once()

    asyncio.run(scene())


def test_lease_that_is_not_renewed_for_its_whole_time_is_taken(lock, clock):
    """Counted by the observer's own clock from when it saw the last renewal."""

    async def scene():
        a, b = leader(lock, clock, "a"), leader(lock, clock, "b")
        await a.try_once()
        assert not await b.try_once()
        clock.now += 14.9
        assert not await b.try_once()
        clock.now += 0.1
        assert await b.try_once()

    asyncio.run(scene())


def test_a_process_started_again_in_its_pod_leads_at_once(lock, clock):
    """Its predecessor has ended: a pod runs one at a time. Another pod's process may still be at work."""

    async def scene():
        assert await leader(lock, clock, "operator-7d9f-x2_11aa").try_once()
        assert not await leader(lock, clock, "operator-7d9f-z9_22bb").try_once()
        assert await leader(lock, clock, "operator-7d9f-x2_33cc").try_once()

    asyncio.run(scene())


def test_outside_of_a_pod_a_process_started_again_waits(lock, clock):
    """Two that share a name and no pod may both run."""

    async def scene():
        assert await leader(lock, clock, "tradingbot-operator-11aa").try_once()
        assert not await leader(lock, clock, "tradingbot-operator-33cc").try_once()

    asyncio.run(scene())


def test_released_lease_is_taken_at_once(lock, clock):
    """A clean end lets the next one in."""

    async def scene():
        a, b = leader(lock, clock, "a"), leader(lock, clock, "b")
        await a.acquire(clock.sleep)
        await a.release()
        assert await b.try_once()
        await a.release()
        assert lock.held.holder == "b"

    asyncio.run(scene())


def test_acquire_returns_when_the_lease_is_held(lock, clock):
    """It tries every two seconds until then."""

    async def scene():
        a, b = leader(lock, clock, "a"), leader(lock, clock, "b")
        await a.try_once()
        begun = clock.now
        await b.acquire(clock.sleep)
        return clock.now - begun

    assert asyncio.run(scene()) == 16.0


def test_leader_that_cannot_renew_knows_within_ten_seconds(lock, clock):
    """It stops before anyone else may begin."""

    async def scene():
        a = leader(lock, clock, "a")
        await a.acquire(clock.sleep)
        lock.away = True
        begun = clock.now
        await a.hold(clock.sleep)
        return clock.now - begun

    assert asyncio.run(scene()) <= 10


def test_leader_that_was_replaced_knows_at_its_next_look(lock, clock):
    """Someone else's name in the Lease ends it."""

    async def scene():
        a = leader(lock, clock, "a")
        await a.acquire(clock.sleep)
        lock.held = Held("b", "99", 1)
        begun = clock.now
        await a.hold(clock.sleep)
        return clock.now - begun

    assert asyncio.run(scene()) == 2.0


def test_answer_that_never_comes_is_no_renewal(lock, clock):
    """A renewal that hangs counts from before it was asked."""

    class Hanging(FakeLock):
        async def read(self):
            if self.held is not None:
                clock.now += 11
                raise TimeoutError
            return None

    async def scene():
        a = leader(Hanging(), clock, "a")
        await a.acquire(clock.sleep)
        begun = clock.now
        await a.hold(clock.sleep)
        assert clock.now - begun >= 11

    asyncio.run(scene())


def test_release_of_a_lease_that_cannot_be_written_is_no_failure(lock, clock):
    """The next one then waits its fifteen seconds."""

    async def scene():
        a = leader(lock, clock, "a")
        await a.acquire(clock.sleep)
        held, lock.away = lock.held, True
        await a.release()
        assert lock.held == held

    asyncio.run(scene())


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.floats(0, 9), st.booleans()), max_size=60))
def test_nobody_begins_before_the_last_leader_has_ended(moves):
    """Whatever order, pauses and outages: who takes the Lease, no other has renewed within its ten seconds."""

    async def scene():
        lock, clock, renewed = FakeLock(), Clock(), {}
        everyone = {name: leader(lock, clock, name) for name in "abc"}
        for name, pause, away in moves:
            clock.now += pause
            lock.away = away
            if await everyone[name].try_once():
                assert all(clock.now - at >= 10 for other, at in renewed.items() if other != name)
                renewed[name] = clock.now

    asyncio.run(scene())
