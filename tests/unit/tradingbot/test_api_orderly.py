"""Orders that come twice, and orders that come too often; whatever it is, a stop is taken."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from desks import ListeningEngine, desk
from tradingbot.api import orderly
from tradingbot.api.orderly import STOPS, Orderly
from tradingbot.api.rest import http_app
from tradingbot.domain.reconciliation import Reconciled, Wish

PEOPLE = {"Authorization": "Bearer people"}
SHOW = {"action": "show"}
pytestmark = pytest.mark.asyncio


@dataclass
class Slow(ListeningEngine):
    """An engine that answers a wish when it is told to."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def reconcile(self, wish: Wish) -> Reconciled:
        self.wishes.append(wish)
        await self.go.wait()
        return self.reconciled


class Person:
    """Somebody with a token, at a time of *now* seconds."""

    def __init__(self, engine: ListeningEngine | None = None) -> None:
        self.engine, self.now = engine or ListeningEngine(), 0.0
        at = desk(self.engine, monotonic=lambda: self.now)
        transport = httpx.ASGITransport(Orderly(http_app(at), at))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://bot")

    async def post(self, path: str, sent: Any, key: str | None = None, **headers: str) -> httpx.Response:
        headers = {**PEOPLE, **headers, **({"Idempotency-Key": key} if key else {})}
        return await self._http.post(path, json=sent, headers=headers)


async def test_an_order_with_a_key_is_carried_out_once() -> None:
    """The second answer is the first one, and says that it is."""
    person = Person()
    first, second = [await person.post("/api/halt", {"reason": "spread"}, "k1") for _ in range(2)]
    assert (first.status_code, second.status_code, len(person.engine.told)) == (201, 201, 1)
    assert first.json() == second.json()
    assert [each.headers.get("idempotent-replayed") for each in (first, second)] == [None, "true"]


async def test_without_a_key_or_with_another_each_order_counts() -> None:
    """Neither path nor key may be another; ten minutes later it is a new order."""
    person = Person()
    for path, key in (("/api/halt", None), ("/api/halt", None), ("/api/halt", "k1"), ("/api/halt", "k2")):
        await person.post(path, {"reason": "spread"}, key)
    await person.post("/api/trading/disable", {"reason": "spread"}, "k1")
    assert len(person.engine.told) == 5
    person.now = 601.0
    await person.post("/api/halt", {"reason": "spread"}, "k1")
    assert len(person.engine.told) == 6


async def test_an_order_that_comes_again_while_it_is_carried_out_waits_for_its_answer() -> None:
    engine = Slow()
    person = Person(engine)
    both = [asyncio.create_task(person.post("/api/reconcile", SHOW, "k1")) for _ in range(2)]
    while not engine.wishes:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    engine.go.set()
    answers = [(await each).status_code for each in both]
    assert (answers, len(engine.wishes)) == ([200, 200], 1)


async def test_a_key_with_another_body_is_refused_unless_it_is_a_stop() -> None:
    """A stop is carried out, whatever else is wrong with the request."""
    person = Person()
    await person.post("/api/reconcile", SHOW, "k1")
    other = await person.post("/api/reconcile", {"action": "adopt", "reason": "mine"}, "k1")
    assert (other.status_code, len(person.engine.wishes)) == (422, 1)
    await person.post("/api/halt", {"reason": "spread"}, "k1")
    assert (await person.post("/api/halt", {"reason": "other"}, "k1")).status_code == 201
    assert len(person.engine.told) == 2


@pytest.mark.parametrize("path", sorted(STOPS))
async def test_a_stop_whose_halt_was_resumed_stops_again(path: str) -> None:
    """Its old answer would be a lie by now."""
    person = Person()
    await person.post(path, {"reason": "spread"}, "k1")
    (halt,) = person.engine.shown.halts
    await person.engine.resume(halt.id, "it is right")
    person.engine.resumed.clear()
    assert "idempotent-replayed" not in (await person.post(path, {"reason": "spread"}, "k1")).headers
    assert len(person.engine.told) == 2


async def test_what_failed_may_come_again() -> None:
    """503 is no answer to keep."""
    person = Person()
    await person.post("/api/maintenance/enable", {})
    assert (await person.post("/api/trading/enable", {}, "k1")).status_code == 503
    await person.post("/api/maintenance/disable", {})
    assert (await person.post("/api/trading/enable", {}, "k1")).status_code == 200


async def test_a_flood_of_orders_is_held_back_and_stops_are_not() -> None:
    """Sixty at once, then one a second; each stop is taken all the same, and strangers use up no room."""
    person = Person()
    codes = [(await person.post("/api/reconcile", SHOW)).status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]
    for path in sorted(STOPS):
        assert (await person.post(path, {"reason": "spread"})).status_code in (200, 201)
    person.now = 1.0
    assert (await person.post("/api/reconcile", SHOW, Authorization="Bearer wrong")).status_code == 401
    held = [await person.post("/api/reconcile", SHOW) for _ in range(2)]
    assert [each.status_code for each in held] == [200, 429]
    assert held[1].headers["retry-after"] == "1"


async def test_keys_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest first; a key longer than anybody needs is none."""
    monkeypatch.setattr(orderly, "KEPT", 2)
    person = Person()
    for key in ("k1", "k2", "k3", "k4", "k1", "x" * 201, "x" * 201):
        await person.post("/api/halt", {"reason": "spread"}, key)
    assert len(person.engine.told) == 7
