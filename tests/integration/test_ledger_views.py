"""The names of the runbooks in the ledger: each view tells what the fills, the equity and the lease say."""

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ledgers import NOW, Place, claimed, each_place, fill, migrated_file, running_server  # noqa: F401
from tradingbot.domain.order import Fill, Side
from tradingbot.domain.position import position_of
from tradingbot.ledger import query
from tradingbot.ledger.tables import VIEWS

# SQLite counts in floats.
NEAR = Decimal("1e-6")


def traded(place: Place, fills: Sequence[Fill]) -> None:
    ledger = place.open()
    lease = claimed(ledger)
    ledger.record_equity(lease, NOW, Decimal(10000))
    ledger.record_fills(lease, fills)
    ledger.record_equity(lease, NOW + timedelta(days=1), Decimal("9990.5"))


def told(place: Place, statement: str) -> list[dict[str, Any]]:
    answer = query(place.url, statement)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def drawn(seed: int) -> list[Fill]:
    """Buys and sells of any size, more often too little than too much, the fee in one coin or another."""
    draw = random.Random(seed)
    fills = []
    for number in range(1, 60):
        side = Side.BUY if draw.random() < 0.6 else Side.SELL
        quantity, price = Decimal(draw.randint(1, 5000)) / 1000, Decimal(draw.randint(100, 90_000)) / 100
        fee = {"commission": quantity / 1000, "commission_asset": draw.choice(["BTC", "USDT", "BNB"])}
        fills.append(fill(number, str(quantity), side, price=price, client_id=f"order-{number // 2}", **fee))
    return fills


def test_what_the_views_add_up_is_what_the_engine_adds_up(place: Place) -> None:
    """Holding, cost and result are those of the fills, whatever was bought, sold and paid in whichever coin."""
    fills = drawn(7)
    traded(place, fills)
    position = position_of("BTC/USDT", fills, "BTC", "USDT")
    (held,) = told(place, "SELECT size, size * entry_price AS cost FROM positions WHERE status = 'OPEN'")
    (ended,) = told(place, "SELECT sum(pnl) AS pnl, sum(fees) AS fees FROM trades")
    (walked,) = told(place, "SELECT fees FROM walked_fills ORDER BY n DESC LIMIT 1")
    assert abs(Decimal(held["size"]) - position.quantity) < NEAR
    assert abs(Decimal(held["cost"]) - position.cost) < NEAR
    assert abs(Decimal(ended["pnl"]) - Decimal(walked["fees"]) - position.realised) < NEAR
    assert abs(Decimal(ended["fees"]) + Decimal(walked["fees"]) - position.fees_quote) < NEAR


def test_a_trade_is_what_one_sell_brought(place: Place) -> None:
    """Bought for 100 and 110, half sold for 120: the entry is their average, the fees of both sides are in it."""
    bought = {"client_id": "b", "commission": Decimal(1)}
    sold = {"client_id": "s", "commission": Decimal("0.5")}
    fills = [
        fill(1, "1", price=Decimal(100), **bought),
        fill(2, "1", price=Decimal(110), **bought),
        fill(3, "0.5", Side.SELL, price=Decimal(120), **sold),
        fill(4, "0.5", Side.SELL, price=Decimal(120), **sold),
    ]
    traded(place, fills)
    (trade,) = told(place, "SELECT symbol, side, size, entry_price, exit_price, pnl, fees, session_id, id FROM trades")
    numbers = {
        name: round(Decimal(trade.pop(name)), 9) for name in ("size", "entry_price", "exit_price", "pnl", "fees")
    }
    assert trade == {"symbol": "BTC/USDT", "side": "long", "session_id": 1, "id": "s"}
    assert numbers == {
        "size": Decimal(1),
        "entry_price": Decimal(105),
        "exit_price": Decimal(120),
        "pnl": Decimal(13),
        "fees": Decimal(2),
    }
    (position,) = told(place, "SELECT symbol, side, status, size, current_price, unrealized_pnl FROM positions")
    assert Decimal(position.pop("size")) == 1
    # The price of this moment is not in the ledger.
    assert position == {
        "symbol": "BTC/USDT",
        "side": "long",
        "status": "OPEN",
        "current_price": None,
        "unrealized_pnl": None,
    }


def test_days_sessions_and_balances_are_those_of_the_equity(place: Place) -> None:
    """A session begins with the balance of its first mark; a day without a trade has none, and no result."""
    traded(place, [fill(1, "1", price=Decimal(100)), fill(2, "1", Side.SELL, price=Decimal(99), client_id="s")])
    days = told(place, "SELECT date, trades, wins, pnl FROM performance_metrics ORDER BY date")
    assert [(str(day["date"]), day["trades"], day["wins"], round(Decimal(day["pnl"]), 9)) for day in days] == [
        ("2026-11-21", 1, 0, Decimal("-1.1")),
        ("2026-11-22", 0, 0, Decimal(0)),
    ]
    (session,) = told(place, "SELECT id, mode, initial_balance, end_time FROM trading_sessions")
    assert (session["id"], session["mode"], Decimal(session["initial_balance"])) == (1, "paper", 10000)
    assert session["end_time"] is None
    balances = told(place, "SELECT balance FROM account_balances ORDER BY timestamp DESC LIMIT 20")
    assert [Decimal(row["balance"]) for row in balances] == [Decimal("9990.5"), Decimal(10000)]
    executions = told(place, "SELECT side, price, is_paper_trade FROM trade_executions ORDER BY executed_at")
    assert [(row["side"], Decimal(row["price"]), bool(row["is_paper_trade"])) for row in executions] == [
        ("buy", Decimal(100), True),
        ("sell", Decimal(99), True),
    ]
    versions = told(place, "SELECT * FROM schema_migrations ORDER BY version DESC LIMIT 5")
    assert [row["version"] for row in versions] == ["0005", "0004", "0003", "0002"]


def test_an_empty_ledger_has_empty_views(place: Place) -> None:
    """Nothing traded is no row, and no division by nothing."""
    place.open()
    rows = {name: told(place, f"SELECT * FROM {name}") for name in VIEWS if name != "schema_migrations"}
    assert rows == {name: [] for name in VIEWS if name != "schema_migrations"}
