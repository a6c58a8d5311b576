"""What a real trader did not do itself: somebody trades on its account, or its ledger was spoilt."""

import json
import signal
import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import bots
from exchange_simulator import desk as counter
from exchange_simulator.desk import Placed
from exchange_simulator.domain.order import Kind, Side, Trade
from exchange_simulator.domain.request import NewOrder, Sender
from exchange_simulator.server import Venue, running
from halting import KEY, bars_later, buys, gauge, held, minutes_later, sandboxed, simulator
from trading import AT_ONCE

CHEAP = {"api_key": KEY, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "9000"}


@pytest.mark.asyncio
async def test_a_persons_order_halts_where_that_is_asked_for_and_a_resume_holds(tmp_path: Path) -> None:
    """Named in status and counted; nothing is bought; once resumed, the same order does not halt again."""
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(
            tmp_path, venue.url, strategy=AT_ONCE, engine={"check_interval": "5s"}, reconcile={"foreign_orders": "halt"}
        )
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            placed = await bots.asked(f"{venue.url}/control/foreign", CHEAP)
            assert placed[0] == 200
            status = await pod.until(lambda seen: seen["halts"] and seen["outside"], 60)
            (halt,) = status["halts"]
            assert (halt["cause"], halt["kind"], halt["source"]) == ("ForeignActivity", "halt", "foreign")
            assert status["outside"] == ["an order of somebody else: buy 0.01 BTC/USDT"]
            assert await gauge(pod, "tradingbot_foreign_activity") == 1
            seen = len(buys(venue))
            await minutes_later(venue, 8)
            assert len(buys(venue)) == seen
            assert (await pod.api("/api/resume", {"id": halt["id"], "reason": "it is mine"}))[0] == 200
            await pod.until(lambda seen: seen["state"] == "trading", 60)
            # The account is looked at every five seconds, which are twenty bars here.
            await bars_later(pod)
            assert (await pod.status())["halts"] == []
            assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S0-200")
async def test_a_spoilt_row_halts_entries_and_the_stop_stays(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """The status of its stop is a word nobody knows: it decides nothing more, says so by name, and cancels nothing."""
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(tmp_path, venue.url, strategy=AT_ONCE)
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            await pod.until(lambda seen: seen["positions"] and seen["open_orders"] == 1, 60)
            await pod.stop(signal.SIGKILL)
        before = [order["clientOrderId"] for order in (await account(venue))["open_orders"]]
        assert before
        spoil = "UPDATE outcomes SET status = 'confused' WHERE client_id = ?"
        book = sqlite3.connect(rendered["database"]["path"])
        assert book.execute(spoil, before[:1]).rowcount == 1
        book.commit()
        book.close()
        seen = len(buys(venue))
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            status = await pod.until(lambda seen: seen["halts"], 60)
            (halt,) = status["halts"]
            evidence(f"{spoil}; GET /status .halts", str(halt))
            assert (halt["cause"], status["state"]) == ("UnknownState", "halted")
            assert halt["reason"] == f'the ledger holds "confused" as OrderStatus of {before[0]}'
            await minutes_later(venue, 8)
            after = [order["clientOrderId"] for order in (await account(venue))["open_orders"]]
            evidence("GET /control/accounts .open_orders (before, after)", f"{before} {after}")
            assert after == before
            assert len(buys(venue)) == seen
            assert await pod.stop() == 0


@pytest.mark.asyncio
@pytest.mark.row("S0-151")
@pytest.mark.row("S0-108")
async def test_what_a_person_sold_of_the_position_is_in_the_book(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """The stop taken away and a part sold by hand: the ledger has the trade under its ids, a stop covers the rest."""
    async with running(simulator(), time.time) as venue:
        rendered = sandboxed(tmp_path, venue.url, strategy=AT_ONCE, engine={"check_interval": "5s"})
        async with bots.pod(tmp_path, rendered, KEY) as pod:
            await held(pod)
            trade = sold_by_hand(venue, Decimal("0.01"))
            coins = venue.exchange.accounts[KEY].balance("BTC")
            left = coins.free + coins.locked
            seen = await pod.until(lambda seen: Decimal(seen["positions"][0]["quantity"]) == left, 60)
            assert not [each for each in seen["outside"] if "lacks" in each]
            await pod.until(lambda seen: 0 <= left - Decimal(seen["positions"][0]["covered"]) < Decimal("0.00001"))
            asked = "SELECT trade_id, client_id, quantity FROM fills WHERE client_id LIKE 'foreign-%'"
            _, told, _ = await pod.atb("db", "query", "--json", asked)
            (row,) = json.loads(told)
            assert (row["trade_id"], row["client_id"]) == (str(trade.trade_id), f"foreign-{trade.order_id}")
            assert Decimal(row["quantity"]) == trade.quantity
            code, told, _ = await pod.atb("reconcile", "--unauthorized", "--since", "24h")
            evidence("atb reconcile --unauthorized --since 24h; echo $?", f"{told}{code}")
            assert (code, len(told.splitlines())) == (3, 2)
            assert f"sell 0.01 at {trade.price}, trade {trade.trade_id}, " in told
            evidence(f'sim order by hand: {trade}; atb db query "{asked}"', told)
            code, told, complaint = await pod.atb("reconcile", "--json")
            while "ask again" in complaint:
                code, told, complaint = await pod.atb("reconcile", "--json")
            evidence("atb reconcile --json", told)
            assert (code, json.loads(told)["positions"]) == (0, {"match": True})
            code, told, _ = await pod.atb("db", "verify")
            assert code == 0, told
            assert await pod.stop() == 0


def sold_by_hand(venue: Venue, quantity: Decimal) -> Trade:
    """A person has taken the stop away and sold *quantity* before the bot could say a word."""
    exchange = venue.exchange
    sender = Sender(KEY, "foreign", "", exchange.clock.now_ms())
    counter.cancel_all(exchange, "BTCUSDT", sender)
    placed = counter.place(exchange, NewOrder("BTCUSDT", Side.SELL, Kind.MARKET, quantity, client_id="web_7"), sender)
    assert isinstance(placed, Placed)
    (trade,) = placed.trades
    return trade


async def account(venue: Venue) -> dict[str, Any]:
    code, found = await bots.asked(f"{venue.url}/control/accounts/{KEY}")
    assert code == 200
    return dict(found)
