"""Maintenance over HTTP: exits only, and no other way to trade until it has ended."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

from starlette.testclient import TestClient

from desks import NOW, WELL, ListeningEngine, desk
from tradingbot.api.rest import http_app
from tradingbot.domain.halt import Halt, HaltKind, cause

PEOPLE = {"Authorization": "Bearer people"}
OTHER = Halt("h1", HaltKind.HALT, "flag", "spread looks wrong", NOW)
DISABLED = Halt("h2", HaltKind.REDUCE, "http", "trading disabled", NOW)


class Person:
    """Orders over HTTP, and the halts that stand after them."""

    def __init__(self, *halts: Halt) -> None:
        instants = map(timedelta, count())
        self.engine = ListeningEngine(replace(WELL, halts=halts))
        self._client = TestClient(http_app(desk(self.engine, now=lambda: NOW + next(instants))))

    def post(self, path: str, **sent: str) -> tuple[int, dict[str, object]]:
        answer = self._client.post(path, headers=PEOPLE, json=sent)
        return answer.status_code, answer.json()

    @property
    def standing(self) -> list[str]:
        return [halt.id for halt in self.engine.shown.halts]


def test_maintenance_is_one_halt_that_lets_exits_go_on() -> None:
    """Asked for twice it is the same one, by its own name and cause."""
    person = Person()
    for reason in ("new disk", "newer disk"):
        code, answer = person.post("/api/maintenance/enable", reason=reason)
        assert (code, answer["maintenance"]) == (200, True)
    (halt,) = person.engine.shown.halts
    assert (halt.kind, halt.reason, cause(halt.id)) == (HaltKind.REDUCE, "new disk", "Maintenance")


def test_nothing_lets_trading_go_on_in_maintenance() -> None:
    """Neither a resume of another halt nor enabling; 503 tells how it ends."""
    person = Person(OTHER)
    person.post("/api/maintenance/enable")
    for path, sent in (("/api/trading/enable", {}), ("/api/resume", {"id": "h1", "reason": "it is right"})):
        code, answer = person.post(path, **sent)
        assert code == 503
        assert answer["error"] == "the bot is in maintenance: end it first, by POST /api/maintenance/disable"
    assert "h1" in person.standing


def test_stops_are_never_refused_in_maintenance() -> None:
    """Whatever somebody works on, a person in a hurry stops the bot."""
    person = Person()
    person.post("/api/maintenance/enable")
    stops = ("/api/trading/disable", "/api/emergency/stop-all-trading", "/api/emergency/close-all-positions")
    assert [person.post(path)[0] for path in stops] == [201, 201, 201]
    assert person.post("/api/halt", reason="now")[0] == 201


def test_the_end_of_maintenance_leaves_every_other_halt() -> None:
    """Also by the resume of its own id; ended twice it is ended."""
    person = Person(OTHER)
    person.post("/api/maintenance/enable")
    assert [person.post("/api/maintenance/disable")[0] for _ in range(2)] == [200, 200]
    assert person.standing == ["h1"]
    person.post("/api/maintenance/enable")
    halt_id = person.standing[1]
    assert person.post("/api/resume", id=halt_id, reason="done")[0] == 200
    assert person.standing == ["h1"]


def test_enabling_clears_what_disabling_latched_and_no_more() -> None:
    """A full halt, or one that came by a flag, is somebody's word."""
    flag = replace(DISABLED, id="h3", source="flag")
    person = Person(OTHER, DISABLED, flag)
    code, answer = person.post("/api/trading/enable", reason="spread is right")
    assert (code, answer["resumed"], person.standing) == (200, ["h2"], ["h1", "h3"])
