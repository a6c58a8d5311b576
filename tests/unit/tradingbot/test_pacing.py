"""Entries and looks at the account further apart by a person's wish, and nothing else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from desks import desk
from trading import recorded, replay, sma
from tradingbot.api.desk import Desk
from tradingbot.api.rest import http_app
from tradingbot.domain.order import Purpose
from tradingbot.pacing import Pacing

PEOPLE = {"Authorization": "Bearer people"}
SECOND = timedelta(seconds=1)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def at(clock: Clock) -> Desk:
    return desk(pacing=Pacing(clock))


def asked(at: Desk, **sent: Any) -> tuple[int, Any]:
    """Sent, or only looked at when there is nothing to send."""
    client, path = TestClient(http_app(at)), "/api/config/rate-limit"
    answer = client.post(path, json=sent, headers=PEOPLE) if sent else client.get(path, headers=PEOPLE)
    return answer.status_code, answer.json()


def test_a_delay_is_kept_for_an_hour_and_shown(at: Desk, clock: Clock) -> None:
    """Where the status shows what the spec does not say; then it is over by itself."""
    shown = {"rate_limit": {"delay_ms": 2000, "until": "2026-11-21T13:00:00Z"}}
    assert asked(at) == (200, {"rate_limit": None})
    assert asked(at, delay=2000) == (200, shown)
    assert TestClient(http_app(at)).get("/api/status", headers=PEOPLE).json()["rate_limit"] == shown["rate_limit"]
    clock.now += 3599
    assert (at.pacing.delay, at.pacing.left) == (2 * SECOND, SECOND)
    clock.now += 1
    assert (at.pacing.delay, at.pacing.left) == (timedelta(0), timedelta(0))


def test_a_delay_can_be_taken_back(at: Desk) -> None:
    """At once, and it may be asked for a shorter time."""
    assert asked(at, delay=500, ttl_seconds=60)[1]["rate_limit"] == {"delay_ms": 500, "until": "2026-11-21T12:01:00Z"}
    assert asked(at, delay=0) == (200, {"rate_limit": None})


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"delay": 60_001}, "delay 60001 is not a number of milliseconds up to 60000: send less"),
        ({"delay": 1, "ttl_seconds": 86_401}, "ttl_seconds 86401 is more than 86400: send less, and again later"),
        ({"delay": "2000"}, 'delay "2000" is not right: send for example {"delay": 2000}'),
        ({"ttl_seconds": 5}, 'delay null is not right: send for example {"delay": 2000}'),
    ],
)
def test_a_delay_that_is_none_is_refused(at: Desk, sent: dict[str, Any], sentence: str) -> None:
    assert asked(at, **sent) == (422, {"error": sentence})
    assert not at.pacing.delay


def test_looks_at_the_account_are_as_far_apart_as_wished(clock: Clock) -> None:
    """Without a wish every look is in time; with one, the next after its delay."""
    pacing = Pacing(clock)
    assert [pacing.may_look(), pacing.may_look()] == [True, True]
    pacing.ask(2 * SECOND, timedelta(hours=1))
    clock.now += 1.9
    assert not pacing.may_look()
    clock.now += 0.1
    assert [pacing.may_look(), pacing.may_look()] == [True, False]


def test_entries_are_spaced_and_exits_and_stops_are_not() -> None:
    """A day between two: only the first of many trades is made, and that one has its stop and its exit."""
    day = recorded("BTCUSDT-1m")[:400]
    usual, paced = replay(day, sma()), replay(day, sma(), pacing=Pacing(lambda: 0.0))
    paced.engine.parts.pacing.ask(timedelta(days=1), timedelta(days=1))
    for world in (usual, paced):
        asyncio.run(world.engine.run())
    made = [each.write.request.purpose for each in reversed(paced.ledger.orders())]
    assert made == [Purpose.ENTRY, Purpose.STOP, Purpose.EXIT]
    assert len(usual.ledger.orders()) > 10
    refused = {decision.refusal.reason for decision, _ in paced.ledger.decisions if decision.refusal}
    assert refused == {"Spaced"}
