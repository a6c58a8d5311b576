"""A trader on a venue that loses answers, fails, drops lines and refuses stops: at rest, I4, I5 and I9 hold."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import aiohttp

import invariants
import markets
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.server import running
from exchange_simulator.settings import Settings
from lockstep import Running, trading
from trading import BTC, LIMITS, sma
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.order import Purpose

KEY = "simulator-demo"
SPEED = 600.0
LOOSE = replace(
    LIMITS,
    max_orders_per_minute=10_000,
    stop_loss_percent=Decimal("0.1"),
    max_daily_loss=Decimal(9000),
    max_daily_loss_percent=Decimal(90),
    max_drawdown_percent=Decimal(90),
)
WRITES = ("POST /api/v3/order", "POST /api/v3/order/cancelReplace")
FAULTS = (
    {"kind": "lost_answer", "how": "drop"},
    {"kind": "status", "status": 504, "after": True},
    {"kind": "status", "status": 503},
    {"kind": "delay_before", "ms": 60},
    {"kind": "delay_after", "ms": 60},
    {"kind": "invisible", "hidden_ms": 2000},
)
ANYWHERE = (
    {"kind": "drop_socket"},
    {"kind": "drop_socket", "stream": "user"},
    {"kind": "duplicate_event", "count": 1},
    {"kind": "reorder_events", "count": 1},
    {"kind": "stop_refused", "count": 1},
    {"kind": "status", "route": "GET /api/v3/openOrders", "status": 502, "count": 1},
    {"kind": "status", "route": "GET /api/v3/myTrades", "status": 502, "count": 1},
)


async def control(session: aiohttp.ClientSession, at: Running, path: str, body: dict | None = None) -> dict:
    url = f"{at.simulator.url}/control/{path}"
    call = session.get(url) if body is None else session.post(url, json=body)
    async with call as answer:
        assert answer.status in (200, 201), await answer.text()
        return await answer.json()


async def settled(at: Running) -> None:
    """Nothing is unsettled, and nothing but stops is open."""
    async with asyncio.timeout(20):
        while at.ledger.unsettled() or any(  # noqa: ASYNC110 - the ledger tells nobody
            record.write.request.purpose is not Purpose.STOP and record.status in ("open", "partial")
            for record in at.ledger.orders()
        ):
            await asyncio.sleep(0.05)


async def covered(session: aiohttp.ClientSession, at: Running) -> None:
    """The last refusal of a stop is over: it is repeated after two seconds at the latest."""
    async with asyncio.timeout(4):
        while await _lacking(session, at):  # noqa: ASYNC110 - the venue tells nobody
            await asyncio.sleep(0.1)


async def _lacking(session: aiohttp.ClientSession, at: Running) -> bool:
    account = await control(session, at, f"accounts/{KEY}")
    held = invariants.held(account["trades"], "BTC")
    stops = [Decimal(row["origQty"]) for row in account["open_orders"] if row["type"] == "STOP_LOSS"]
    return held > Decimal("0.001") and invariants.uncovered(held, stops, Decimal("0.00001")) != 0


async def judge(session: aiohttp.ClientSession, at: Running) -> None:
    """I4, I5 and I9, from the venue's own books."""
    account = await control(session, at, f"accounts/{KEY}")
    entries = (await control(session, at, "orders"))["entries"]
    records = at.ledger.orders()
    open_at_venue = [row["clientOrderId"] for row in account["open_orders"]]
    statuses = {record.write.client_id: record.status.value for record in records}
    assert invariants.sent_twice(entries) == []
    assert invariants.orders_without_intent([row["clientOrderId"] for row in account["orders"]], statuses) == []
    assert invariants.unended_intents(statuses, open_at_venue) == []
    market = (await at.engine.parts.feed.instruments([BTC]))[BTC]
    held = invariants.held(account["trades"], "BTC")
    shown = {each.position.symbol: each.position.quantity for each in at.engine.snapshot().positions}
    assert at.ledger.position(market).quantity == held == shown.get(BTC, Decimal(0))
    stops = [Decimal(row["origQty"]) for row in account["open_orders"] if row["type"] == "STOP_LOSS"]
    if held > Decimal("0.001"):
        assert invariants.uncovered(held, stops, Decimal("0.00001")) == 0
    else:
        assert stops == []


async def storm(seconds: float, seed: int, finale: Callable[[Running], Awaitable[None]] | None = None) -> Running:
    dice = random.Random(seed)
    settings = Settings(port=0, pace=Pace(Mode.FREE, SPEED), start_ms=markets.morning())
    async with (
        running(settings, time.time) as simulator,
        aiohttp.ClientSession() as session,
        trading(simulator, sma(1, 3), "ccxt", LOOSE, turn=timedelta(milliseconds=100)) as at,
    ):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if len((await control(session, at, "faults"))["faults"]) < 2:
                one = {**dice.choice(FAULTS), "route": dice.choice(WRITES), "count": 1}
                await control(session, at, "faults", dice.choice((one, dice.choice(ANYWHERE))))
            await asyncio.sleep(dice.uniform(0.05, 0.3))
        async with session.delete(f"{at.simulator.url}/control/faults") as answer:
            assert answer.status == 200
        if finale is not None:
            await finale(at)
        await at.engine.halt("the storm is over", HaltKind.HALT, "test")
        # The market stands, so that the books can be read one after the other.
        await control(session, at, "market", {"symbol": "BTCUSDT", "freeze": True})
        await settled(at)
        await asyncio.sleep(1.0)
        await settled(at)
        await covered(session, at)
        await judge(session, at)
        assert len(at.ledger.orders()) >= 6
    return at
