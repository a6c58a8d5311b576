"""Parity in lockstep: the same bars give the same orders in sim, in paper and through ccxt on the simulator."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lockstep import Done, done, lockstep, step, trading
from trading import LIMITS, MemoryLedger, recorded, replay
from tradingbot.domain.intent import Decision
from tradingbot.domain.order import OrderStatus
from tradingbot.risk.limits import RiskLimits
from tradingbot.strategy import Strategy, strategy_of
from tradingbot.strategy.ml_basic import Model, model_of

pytestmark = pytest.mark.slow

KINDS = ("sim", "paper", "ccxt")
WARM_UP = 100
# Large orders against thin bars are filled in part, tight stops are hit or refused, and one case halts on its losses.
# The rate limit is out of the way: in sim and paper a fill is known a bar later, and with it the stop's place in time.
HARD = replace(
    LIMITS,
    max_order_notional=Decimal(6000),
    max_position_notional=Decimal(6000),
    order_fraction_percent=Decimal(50),
    stop_loss_percent=Decimal("0.03"),
    max_orders_per_minute=99,
    max_daily_loss=Decimal(9000),
    max_daily_loss_percent=Decimal(90),
    max_drawdown_percent=Decimal(90),
)
LOSING = replace(HARD, max_daily_loss=Decimal(400))


@dataclass(frozen=True)
class Case:
    strategy: Strategy
    symbol: str
    file: str
    bars: int
    limits: RiskLimits = HARD


@dataclass(frozen=True)
class Result:
    orders: list[Done]
    refused: list[tuple]
    stops_hit: int
    venue_refusals: int


def model() -> Model:
    content = (Path(__file__).parent / "models" / "ethusdt-2017-09.json").read_bytes()
    return model_of(content, hashlib.sha256(content).hexdigest())


CASES: Mapping[str, Case] = {
    "sma_cross": Case(strategy_of("sma_cross", {"fast": "1", "slow": "3"}), "BTC/USDT", "BTCUSDT-1m", 600),
    "rsi": Case(
        strategy_of("rsi", {"period": "4", "lower": "40", "upper": "55"}), "ETH/USDT", "ETHUSDT-1m-coinbase", 600
    ),
    "ml_basic": Case(
        strategy_of("ml_basic", {"enter": "0.376", "exit": "0.375"}, model()), "BTC/BUSD", "BTCBUSD-1m", 600, LOSING
    ),
}


def result(ledger: MemoryLedger) -> Result:
    stops = [r for r in ledger.orders() if r.write.request.purpose == "stop"]
    return Result(
        orders=done(ledger),
        refused=[refused(decision) for decision, _ in ledger.decisions if decision.refusal],
        stops_hit=sum(record.filled > 0 for record in stops),
        venue_refusals=sum(record.status is OrderStatus.REFUSED for record in ledger.orders()),
    )


def refused(decision: Decision) -> tuple:
    return decision.symbol, decision.bar, decision.intent.action, decision.refusal


def recording(case: Case) -> tuple[list, object]:
    candles = recorded(case.file, case.symbol)
    start = candles[0].open_time + WARM_UP * timedelta(minutes=1)
    return [bar for bar in candles if bar.close_time <= start + case.bars * timedelta(minutes=1)], start


def simulated(case: Case) -> Result:
    candles, start = recording(case)
    world = replay(candles, case.strategy, limits=case.limits, start=start)
    asyncio.run(world.engine.run())
    return result(world.ledger)


async def stepped(case: Case, kind: str) -> Result:
    _, start = recording(case)
    async with lockstep(int(start.timestamp() * 1000)) as simulator:
        async with trading(simulator, case.strategy, kind, case.limits, (case.symbol,)) as running:
            await step(running, case.bars)
        return result(running.ledger)


@pytest.fixture(scope="module", params=CASES)
def results(request) -> dict[str, Result]:
    case = CASES[request.param]
    return {"sim": simulated(case)} | {kind: asyncio.run(stepped(case, kind)) for kind in ("paper", "ccxt")}


TOTALS: dict[str, list[Result]] = {}


def test_the_same_bars_give_the_same_orders(results, request):
    """Equal (side, type, quantity, status, filled, price, fee, bar) in Decimal, order by order, and equal refusals."""
    TOTALS[request.node.callspec.params["results"]] = list(results.values())
    for kind in ("paper", "ccxt"):
        assert trimmed(results[kind].orders) == trimmed(results["sim"].orders), kind
        assert results[kind].refused == results["sim"].refused, kind


def trimmed(orders: list[Done]) -> list[Done]:
    """Without what was sent on the very last close: in sim the recording ends there, elsewhere it goes on."""
    last = max(order.bar for order in orders)
    return [order for order in orders[:-4] if order.bar <= last]


def test_parity_was_shown_on_enough_of_everything():
    """At least 1,000 orders, 50 stops that were hit, 50 partial fills and 20 refusals in sum, in each of the three."""
    assert set(TOTALS) == set(CASES)
    for index, kind in enumerate(KINDS):
        these = [totals[index] for totals in TOTALS.values()]
        orders = [order for one in these for order in one.orders]
        assert len(orders) >= 1000, kind
        assert sum(one.stops_hit for one in these) >= 50, kind
        assert sum(0 < order.filled < order.quantity for order in orders) >= 50, kind
        assert sum(len(one.refused) + one.venue_refusals for one in these) >= 20, kind
