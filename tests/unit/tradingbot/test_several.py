"""Several strategies on one bot: each trades its own markets, and all of them share one cash and one set of limits."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desks import IDENTITY, WELL, desk
from trading import BTC, LIMITS, MemoryLedger, Replay, bars, replay, sma
from tradingbot.api import view
from tradingbot.api.gauges import Gauges
from tradingbot.api.metrics import Counters, base_labels, registry
from tradingbot.domain.candle import Candle
from tradingbot.domain.halt import Halt, HaltKind, switch_id
from tradingbot.domain.order import Side
from tradingbot.domain.trade import Trade, Walked, by_strategy, total, walk
from tradingbot.strategy import strategy_of

ETH, SOL = "ETH/USDT", "SOL/USDT"
RISE = (100, 100, 101, 103, 104, 105, 106)
D = Decimal
GREEDY = replace(LIMITS, max_order_notional=D(100000), max_position_notional=D(100000), order_fraction_percent=D(60))
WEAK = strategy_of("rsi", {"period": "2", "lower": "99.9", "upper": "100"})
TWO = replace(IDENTITY, symbols=(BTC, ETH, SOL), others=((ETH, "rsi"), (SOL, "rsi")))


def market(symbol: str, closes: tuple[int, ...]) -> list[Candle]:
    return [replace(bar, symbol=symbol) for bar in bars(*closes)]


def together(ledger: MemoryLedger | None = None, **closes: tuple[int, ...]) -> Replay:
    """An engine with sma_cross on BTC and rsi on the others, that has traded *closes* to their end."""
    named = {"BTC": BTC, "ETH": ETH, "SOL": SOL}
    candles = [bar for name, prices in closes.items() for bar in market(named[name], prices)]
    candles.sort(key=lambda bar: bar.open_time)
    world = replay(candles, sma(), GREEDY, ledger=ledger, capital=D(1000), others={ETH: WEAK, SOL: WEAK})
    asyncio.run(world.engine.run())
    return world


def deciders(ledger: MemoryLedger) -> dict[str, str]:
    """Who has decided which order."""
    return {write.client_id: decision.strategy for decision, write in ledger.decisions if write}


def trades(ledger: MemoryLedger) -> list[Trade]:
    """What every sell has brought, with who had entered."""
    walks, found, by = {}, [], deciders(ledger)
    for fill in ledger.fills():
        before = walks.get(fill.symbol) or Walked(fill.symbol)
        walks[fill.symbol], trade = walk(before, fill, by.get(fill.client_id, ""))
        found += [trade] if trade else []
    return found


def test_each_market_is_decided_by_its_own_strategy() -> None:
    """Every bar of a market once, by one, with a cursor of its own."""
    world = together(BTC=RISE, ETH=RISE)
    decided = {(decision.strategy, decision.symbol) for decision, _ in world.ledger.decisions}
    assert decided == {("sma_cross", BTC), ("rsi", ETH)}


def test_one_that_is_switched_off_does_not_keep_the_other_from_trading() -> None:
    ledger = MemoryLedger()
    ledger.latch(Halt(switch_id("rsi", "h1"), HaltKind.REDUCE, "http", "it loses", bars(1)[0].open_time))
    world = together(ledger, BTC=RISE, ETH=(100, 99, 98, 97, 96, 95, 94))
    bought = {fill.symbol for fill in world.ledger.fills() if fill.side is Side.BUY}
    assert bought == {BTC}


CLOSES = st.lists(st.integers(80, 120), min_size=4, max_size=14).map(tuple)


@settings(max_examples=30, deadline=None)
@given(CLOSES, CLOSES, CLOSES)
def test_they_share_one_cash_and_their_results_are_the_bots(btc, eth, sol) -> None:
    """Each wants more than half of the equity: what all hold never costs more than there is, and every result is
    somebody's.
    """
    world = together(BTC=btc, ETH=eth, SOL=sol)
    cash = D(1000)
    for fill in world.ledger.fills():
        cost = fill.quantity * fill.price
        cash += cost - fill.commission if fill.side is Side.SELL else -cost
        assert cash >= 0
    ended = trades(world.ledger)
    parts = by_strategy(ended)
    assert set(parts) <= {"sma_cross", "rsi"}
    assert sum((total(part) for part in parts.values()), D(0)) == total(ended)


def test_each_is_shown_with_its_markets() -> None:
    shown = view.strategies(TWO, replace(WELL, disabled=frozenset({"rsi"})), None)
    assert [(each["name"], each["enabled"], each["symbols"]) for each in shown] == [
        ("sma_cross", True, [BTC]),
        ("rsi", False, [ETH, SOL]),
    ]


def test_each_has_its_series_from_the_start() -> None:
    """Decisions of a market by who decides there, and by nobody else."""
    made = registry(Gauges(desk(identity=TWO)))
    Counters(made, TWO)
    base = dict(zip(("bot", "namespace", "mode", "colour"), base_labels(TWO), strict=True))

    def counted(strategy: str, symbol: str) -> float | None:
        labels = {**base, "strategy": strategy, "symbol": symbol, "action": "enter"}
        return made.get_sample_value("tradingbot_decisions_total", labels)

    assert [counted("rsi", ETH), counted("sma_cross", BTC), counted("sma_cross", ETH)] == [0, 0, None]
    enabled = made.get_sample_value("tradingbot_strategy_enabled", {**base, "strategy": "rsi"})
    assert enabled == 1


@pytest.mark.parametrize("symbol", [BTC, ETH])
def test_a_standby_and_a_trader_ask_the_same_strategy(symbol: str) -> None:
    world = replay(market(symbol, RISE), sma(), others={ETH: WEAK})
    assert world.engine.parts.decider(symbol).name == {BTC: "sma_cross", ETH: "rsi"}[symbol]
