"""Who listens to the market through a bot: what they are told, how many there may be, and what becomes of slow ones."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from desks import StoredLedger, desk
from tradingbot.api.auditing import Audited, Trail
from tradingbot.api.listeners import MOST_CLIENTS, MOST_WAITING, Listeners
from tradingbot.api.market import market_socket
from tradingbot.api.rest import http_app
from tradingbot.domain.candle import Candle

PEOPLE = {"Authorization": "Bearer people"}
OPENED = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CLOSED = Candle("BTC/USDT", "1m", OPENED, Decimal(100), Decimal("101.50"), Decimal(99), Decimal(101), Decimal("7.50"))
RUNNING = replace(CLOSED, closed=False)


class Stuck:
    """A socket whose client reads nothing: what is sent never arrives."""

    def __init__(self) -> None:
        self.headers = {"authorization": "Bearer people"}
        self.closed: list[int] = []
        self.sending = asyncio.Event()

    async def accept(self) -> None: ...

    async def send_text(self, text: str) -> None:
        self.sending.set()
        await asyncio.Event().wait()

    async def receive(self) -> Any:
        await asyncio.Event().wait()

    async def close(self, code: int, reason: str) -> None:
        self.closed.append(code)
        await asyncio.Event().wait()


def test_a_client_is_told_the_newest_of_each_market_at_once() -> None:
    """A closed bar is a candle with all it has, a running one is a price; both as decimals in strings."""
    served = desk()
    served.market.tell(CLOSED)
    served.market.tell(replace(RUNNING, symbol="ETH/USDT"))
    with TestClient(http_app(served)).websocket_connect("/ws/market", headers=PEOPLE) as socket:
        assert socket.receive_json() == {
            **{"type": "candle", "symbol": "BTC/USDT", "bar": "2026-11-21T12:00:00Z", "timeframe": "1m"},
            **{"open": "100", "high": "101.5", "low": "99", "close": "101", "volume": "7.5"},
        }
        price = {"type": "ticker", "symbol": "ETH/USDT", "bar": "2026-11-21T12:00:00Z", "price": "101"}
        assert socket.receive_json() == price


def test_a_client_is_told_what_comes_while_it_listens() -> None:
    """From another thread than that of the ports, as the trader does it; whatever the client says is not read."""
    served = desk()
    served.market.tell(RUNNING)
    with TestClient(http_app(served)).websocket_connect("/ws/market", headers=PEOPLE) as socket:
        assert socket.receive_json()["type"] == "ticker"
        socket.send_text("more, please")
        served.market.tell(CLOSED)
        assert socket.receive_json()["type"] == "candle"


def test_clients_are_counted_while_they_listen() -> None:
    served = desk()
    served.market.tell(CLOSED)
    client = TestClient(http_app(served))

    def counted() -> Any:
        return client.get("/api/metrics/websockets", headers=PEOPLE).json()

    with client.websocket_connect("/ws/market", headers=PEOPLE) as one:
        one.receive_json()
        assert (counted()["clients"], counted()["dropped"], counted()["streams"]) == (1, 0, [])
    assert counted()["clients"] == 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic people"}])
def test_a_stranger_hears_nothing(headers: dict[str, str]) -> None:
    served = desk()
    refused = pytest.raises(WebSocketDenialResponse)
    with refused as caught, TestClient(http_app(served)).websocket_connect("/ws/market", headers=headers):
        pass
    assert caught.value.status_code == 401
    assert len(served.market) == 0


@pytest.mark.asyncio
async def test_a_stranger_is_told_of_in_the_audit_log() -> None:
    """A WebSocket without the right token is a call without the right token."""
    ledger, answered = StoredLedger(), []
    served = desk(ledger=ledger)
    app = Audited(http_app(served), Trail(served))

    async def asking() -> Any:
        return {"type": "websocket.connect"}

    async def answering(message: Any) -> None:
        answered.append(message.get("status"))

    scope = {"type": "websocket", "path": "/ws/market", "headers": [], "extensions": {"websocket.http.response": {}}}
    await app(scope, asking, answering)
    async with asyncio.timeout(10):
        while not ledger.told:  # noqa: ASYNC110 - written by a thread
            await asyncio.sleep(0)
    assert answered[0] == 401
    assert (ledger.told[0].type, ledger.told[0].subject) == ("AUTH_FAILED", "GET /ws/market")


@pytest.mark.asyncio
async def test_one_client_too_many_is_refused_and_finds_room_when_another_has_left() -> None:
    hub = Listeners()
    there = [hub.join() for _ in range(MOST_CLIENTS)]
    assert all(there)
    assert hub.join() is None
    assert there[0] is not None
    hub.leave(there[0])
    assert hub.join() is not None


@pytest.mark.asyncio
async def test_a_client_that_reads_nothing_is_let_go_and_the_others_go_on() -> None:
    """One message more than may wait for it, and it no longer listens."""
    hub = Listeners()
    slow, quick = hub.join(), hub.join()
    assert slow is not None
    assert quick is not None
    for _ in range(MOST_WAITING + 1):
        hub.tell(CLOSED)
        await asyncio.sleep(0)
        quick.waiting.get_nowait()
    assert (slow.slow.is_set(), quick.slow.is_set(), hub.dropped, len(hub)) == (True, False, 1, 1)


@pytest.mark.asyncio
async def test_a_slow_client_is_told_to_come_again_and_nobody_waits_until_it_hears_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tradingbot.api.market.GOODBYE_SECONDS", 0.01)
    served, socket = desk(), Stuck()
    served.market.tell(CLOSED)
    serving = asyncio.create_task(market_socket(served)(socket))  # type: ignore[arg-type]
    await asyncio.wait_for(socket.sending.wait(), 10)
    for _ in range(MOST_WAITING + 1):
        served.market.tell(CLOSED)
    await asyncio.wait_for(serving, 10)
    assert (socket.closed, served.market.dropped, len(served.market)) == ([1013], 1, 0)


def test_what_is_told_after_the_ports_have_ended_is_no_fault_of_the_trader() -> None:
    async def listen(hub: Listeners) -> None:
        hub.join()

    hub = Listeners()
    asyncio.run(listen(hub))
    hub.tell(CLOSED)
    assert len(hub) == 1
