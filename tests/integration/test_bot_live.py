"""A real ``atb live`` with a ledger on a real PostgreSQL, at a venue whose clock is the wall's."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

import bots
import invariants
import postgres
from exchange_simulator.server import running
from exchange_simulator.settings import DEMO, Settings
from trading import AT_ONCE


@pytest.mark.row("S4-047")
@pytest.mark.row("S4-124")
@pytest.mark.asyncio
async def test_live_trades_behind_the_fence_of_postgresql_and_its_stop_outlives_it(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """Live enters on a bar that has just closed, the ledger equals the venue, and a clean end keeps the stop."""
    with postgres.server() as server:
        server.create("live")
        async with running(Settings(port=0), time.time) as venue:
            rendered = bots.settings(
                tmp_path,
                mode="live",
                exchange={"endpoint": venue.url},
                strategy=AT_ONCE,
                risk={"stop_loss_percent": "10"},
                database={"mode": "postgres"},
            )
            url = f"postgresql://postgres@127.0.0.1:{server.port}/live"
            async with bots.pod(tmp_path, rendered, DEMO, url) as pod:
                await pod.until(lambda seen: seen["state"] == "trading", 30)
                status = await pod.until(lambda seen: seen["positions"] and seen["open_orders"], 90)
                assert (status["mode"], status["epoch"]) == ("live", 1)
                evidence("atb live (mode live, exchange binance, the simulator as the venue)", json.dumps(status)[:400])
                _, fills, _ = await pod.atb("db", "query", "--json", "SELECT trade_id, quantity FROM fills")
                code, found, _ = await pod.atb("db", "verify")
                assert code == 0, found
                assert await pod.stop() == 0
            code, books = await bots.asked(f"{venue.url}/control/accounts/{DEMO}")
            assert code == 200
    by_ledger = {row["trade_id"]: Decimal(row["quantity"]) for row in json.loads(fills)}
    assert by_ledger == {str(trade["id"]): Decimal(trade["qty"]) for trade in books["trades"]}
    (stop,) = books["open_orders"]
    held = invariants.held(books["trades"], "BTC")
    assert stop["type"] == "STOP_LOSS"
    assert invariants.uncovered(held, [Decimal(stop["origQty"])], Decimal("0.00001")) == 0
