"""The breakers of a venue: what is held, told and reset; over HTTP too; and that an exit is never kept back by one."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from desks import NOW, WELL, ListeningEngine, desk
from tradingbot.api.rest import http_app
from tradingbot.breakers import Breakers
from tradingbot.domain.breaker import Breaker, BreakerState, Operation, Rule

PEOPLE = {"Authorization": "Bearer people"}
OPEN = Breaker("binance/enter", opened_at=NOW, last_error="503", trips=1)
BROKEN = replace(WELL, breakers=((Breaker("binance/market"), BreakerState.CLOSED), (OPEN, BreakerState.OPEN)))


class Hour:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def broken(hour: Hour) -> Breakers:
    made = Breakers("binance", (Operation.ORDERS, Operation.ENTER), Rule(failures=2), hour)
    for error in ("502", "503"):
        made.failed(Operation.ENTER, error)
    return made


def test_a_bot_that_asks_nothing_of_a_venue_has_none() -> None:
    """And nothing is refused by what is not there."""
    none = Breakers()
    none.failed(Operation.ENTER, "no")
    none.succeeded(Operation.ENTER)
    none.unasked(Operation.ENTER)
    assert (none.admit(Operation.ENTER), none.open, none.shown()) == (None, (), ())


def test_what_is_open_says_why() -> None:
    """One operation failed twice; the other goes on."""
    made = broken(Hour())
    assert made.open == ("binance/enter failed 2 times, last: 503",)
    assert made.admit(Operation.ORDERS) is None
    assert made.admit(Operation.ENTER) is not None


def test_each_change_is_a_line_of_the_log() -> None:
    """Opened, half open by time alone, closed: once each, with the error."""
    hour = Hour()
    with capture_logs() as lines:
        made = broken(hour)
        made.shown()
        hour.now += timedelta(seconds=60)
        made.shown()
        assert made.admit(Operation.ENTER) is None
        made.succeeded(Operation.ENTER)
    assert [(line["was"].value, line["state"].value, line["last_error"]) for line in lines] == [
        ("closed", "open", "503"),
        ("open", "half_open", "503"),
        ("half_open", "closed", "503"),
    ]


def test_a_call_that_was_not_made_leaves_the_turn_to_another() -> None:
    """Else a wait of ours would count as one that is under way."""
    hour = Hour()
    made = broken(hour)
    hour.now += timedelta(seconds=60)
    assert made.admit(Operation.ENTER) is None
    assert made.admit(Operation.ENTER) is not None
    made.unasked(Operation.ENTER)
    assert made.admit(Operation.ENTER) is None


@pytest.mark.parametrize(
    ("name", "closed"),
    [(None, ("binance/enter",)), ("binance/enter", ("binance/enter",)), ("binance/orders", ()), ("binance/none", None)],
)
def test_a_reset_names_what_it_closed(name: str | None, closed: tuple[str, ...] | None) -> None:
    """All, one, one that was closed anyway, and one there is not."""
    made = broken(Hour())
    assert made.reset(name) == closed
    assert bool(made.open) == (not closed)


def http(engine: ListeningEngine) -> TestClient:
    return TestClient(http_app(desk(engine)))


def states(body: Any) -> dict[str, str]:
    return {each["name"]: each["state"] for each in body["circuit_breakers"]}


def test_they_are_listed_with_what_a_person_asks_first() -> None:
    """Which, since when, why, and how often."""
    body = http(ListeningEngine(BROKEN)).get("/api/circuit-breakers", headers=PEOPLE).json()
    assert body["circuit_breakers"][1] == {
        "name": "binance/enter",
        "state": "open",
        "failures": 0,
        "opened_at": "2026-11-21T12:00:00Z",
        "last_error": "503",
        "kind": None,
        "trips": 1,
    }


@pytest.mark.parametrize("sent", [{}, {"name": "binance/enter", "reason": "the venue is back"}])
def test_a_reset_over_http_closes_them(sent: dict[str, str]) -> None:
    """All, or the one that is named."""
    answer = http(ListeningEngine(BROKEN)).post("/api/circuit-breakers/reset", json=sent, headers=PEOPLE)
    assert (answer.status_code, answer.json()["reset"]) == (200, ["binance/enter"])
    assert states(answer.json()) == {"binance/market": "closed", "binance/enter": "closed"}


def test_a_name_that_is_none_is_answered_with_those_there_are() -> None:
    """404, and nothing is closed."""
    engine = ListeningEngine(BROKEN)
    answer = http(engine).post("/api/circuit-breakers/reset", json={"name": "enter"}, headers=PEOPLE)
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        'name "enter" is no breaker of this bot: write one of binance/market, binance/enter, or leave it out',
    )
    assert engine.shown == BROKEN


def test_nobody_resets_without_the_token() -> None:
    """401, like every endpoint that changes something."""
    assert http(ListeningEngine(BROKEN)).post("/api/circuit-breakers/reset", json={}).status_code == 401
