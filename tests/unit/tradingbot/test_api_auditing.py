"""What the audit log is told of HTTP, and what it answers over HTTP."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from desks import IDENTITY, NOW, StoredLedger, desk
from tradingbot.api import auditing
from tradingbot.api.auditing import Audited, Trail
from tradingbot.api.desk import Desk
from tradingbot.api.rest import http_app
from tradingbot.domain.audit import Event, event
from tradingbot.domain.order import Fill, Side
from tradingbot.start.credentials import TokenFile
from tradingbot.start.rotations import Rotations

PEOPLE = {"Authorization": "Bearer people"}
BODY = b'{"reason": "spread looks wrong"}'
DIGEST = hashlib.sha256(BODY).hexdigest()
TRADE = Fill("BTC/USDT", "7", "t1", "42", Side.BUY, Decimal("0.05"), Decimal(20000), Decimal(0), "BTC", NOW)
pytestmark = pytest.mark.asyncio


class Client:
    """People who call a bot whose audit log is *ledger*'s."""

    def __init__(self, ledger: StoredLedger, **changes: Any) -> None:
        self.ledger = ledger
        self.desk: Desk = desk(ledger=ledger, **changes)
        self.trail = Trail(self.desk)
        transport = httpx.ASGITransport(Audited(http_app(self.desk), self.trail), client=("10.0.0.7", 1234))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://bot")

    async def call(self, path: str, body: bytes | None = None, headers: dict[str, str] = PEOPLE) -> httpx.Response:
        return await self._http.request("GET" if body is None else "POST", path, content=body, headers=headers)

    async def told(self, count: int) -> list[Event]:
        """The log as soon as it has so many entries."""
        async with asyncio.timeout(10):
            while len(self.ledger.told) < count:  # noqa: ASYNC110 - written by a thread
                await asyncio.sleep(0)
        return self.ledger.told


async def test_an_order_is_told_with_who_gave_it_and_what_came_of_it() -> None:
    """Actor is the token's fingerprint; the body stays out of the log, its digest does not."""
    client = Client(StoredLedger())
    assert (await client.call("/api/halt", BODY)).status_code == 201
    (told,) = await client.told(1)
    assert (told.type, told.actor, told.subject) == ("HTTP", "token c9022680f888", "POST /api/halt")
    assert json.loads(told.details) == {"status": 201, "body_sha256": DIGEST, "bytes": 32}


async def test_an_order_that_was_refused_is_told_too() -> None:
    """What somebody wanted counts, not only what he got."""
    client = Client(StoredLedger())
    assert (await client.call("/api/halt", b"{}")).status_code == 422
    (told,) = await client.told(1)
    assert json.loads(told.details)["status"] == 422


async def test_reading_is_not_told() -> None:
    """Neither a status, nor what the operator asks of the lease, nor a path that is not there."""
    client = Client(StoredLedger())
    await client.call("/api/status")
    await client.call("/fence/status", b"{}", {"Authorization": "Bearer operator"})
    await client.call("/api/none", b"{}", {})
    await client.call("/api/halt", BODY)
    assert [told.subject for told in await client.told(1)] == ["POST /api/halt"]


async def test_strangers_are_told_once_and_then_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand wrong tokens are two entries a minute later, not a thousand."""
    monkeypatch.setattr(auditing, "STRANGERS_SECONDS", 0.05)
    client = Client(StoredLedger())
    for _ in range(3):
        assert (await client.call("/api/halt", BODY, {"Authorization": "Bearer wrong"})).status_code == 401
    first, second = await client.told(2)
    assert first == event("AUTH_FAILED", "address 10.0.0.7", "POST /api/halt", calls=1)
    assert second == event("AUTH_FAILED", "address several", "several calls", calls=2)


async def test_what_is_told_while_the_ledger_is_away_is_told_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it: the answer is there at once."""
    monkeypatch.setattr(auditing, "AGAIN_SECONDS", 0.01)
    ledger = StoredLedger(away=True)
    client = Client(ledger)
    assert (await client.call("/api/halt", BODY)).status_code == 201
    assert ledger.told == []
    ledger.away = False
    assert len(await client.told(1)) == 1


async def test_what_does_not_fit_is_told_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are kept: they tell how it began."""
    monkeypatch.setattr(auditing, "MOST", 2)
    monkeypatch.setattr(auditing, "AGAIN_SECONDS", 0.01)
    ledger = StoredLedger(away=True)
    client = Client(ledger)
    for number in range(5):
        client.trail.tell(event("HTTP", "token", str(number)))
    ledger.away = False
    told = await client.told(3)
    assert [each.subject for each in told] == ["0", "1", "audit log"]
    assert told[2] == event("ENTRIES_LOST", "trader", "audit log", entries=3)


async def test_a_ledger_that_refuses_an_entry_is_not_asked_for_ever() -> None:
    """A fault of ours is logged, and the entries after it are told."""

    class Refusing(StoredLedger):
        refused = 0

        def tell(self, told: Any) -> None:
            if not self.refused:
                self.refused += 1
                raise RuntimeError("permission denied")
            super().tell(told)

    client = Client(Refusing())
    client.trail.tell(event("HTTP", "token", "first"))
    while not client.ledger.refused:  # type: ignore[attr-defined]  # noqa: ASYNC110 - written by a thread
        await asyncio.sleep(0)
    client.trail.tell(event("HTTP", "token", "second"))
    assert [each.subject for each in await client.told(1)] == ["second"]


async def test_the_log_of_today_is_shown_newest_first() -> None:
    client = Client(StoredLedger(told=[event("HALTED", "http", "h1", kind="halt"), event("RESUMED", "trader", "h1")]))
    answer = (await client.call("/api/security/audit/today")).json()
    assert answer["since"] == "2026-11-21T00:00:00Z"
    assert answer["events"][1] == {
        "id": 1,
        "timestamp": "2026-11-21T12:00:00Z",
        "event_type": "HALTED",
        "actor": "http",
        "subject": "h1",
        "details": {"kind": "halt"},
    }
    assert [each["event_type"] for each in answer["events"]] == ["RESUMED", "HALTED"]


@pytest.mark.parametrize(
    ("book", "told", "shown"),
    [
        ("paper", [], []),
        ("sandbox", [event("HALTED", "http", "h1")], []),
        ("paper", [event("REAL_TRADE_ATTEMPT", "trader", "POST order")], ["REAL_TRADE_ATTEMPT"]),
        ("live", [], ["7"]),
    ],
)
async def test_real_trades_are_those_with_real_money_and_attempts_at_one(
    book: str, told: list[Event], shown: list[str]
) -> None:
    """A bot on paper shows none, whatever it has traded."""
    yesterday = replace(TRADE, trade_id="6", at=NOW - timedelta(days=1))
    client = Client(StoredLedger(told=told, trades=(yesterday, TRADE)), identity=replace(IDENTITY, book=book))
    answer = (await client.call("/api/audit/real-trades/today")).json()
    assert [each.get("event_type") or each["trade_id"] for each in answer] == shown


async def test_a_rotated_token_is_told_by_its_fingerprint(tmp_path: Path) -> None:
    """Once, and not at the first look, nor while nothing changes."""
    told: list[Event] = []
    file = tmp_path / "token"
    file.write_text("people\n")
    source = Rotations(TokenFile(file), told.append)
    await source.look()
    await source.look()
    file.write_text("")
    await source.look()
    assert told == []
    file.write_text("new\npeople\n")
    await source.look()
    await source.look()
    (rotated,) = told
    assert (rotated.type, rotated.subject) == ("TOKEN_ROTATED", "api token")
    assert json.loads(rotated.details) == {"tokens": ["11507a0e2f5e", "c9022680f888"], "before": ["c9022680f888"]}
