"""Whatever is asked of the venue, no balance falls below zero and no coin appears or vanishes."""

import dataclasses
import itertools
from decimal import Decimal
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exchange_simulator import desk
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.numbers import ZERO, floored
from exchange_simulator.domain.order import LIMITED_KINDS, TRIGGERED_KINDS, Kind, Side, Status, TimeInForce
from exchange_simulator.domain.request import NewOrder, Sender, Target
from exchange_simulator.domain.rules import Fees
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import Mode, Pace, VenueClock
from exchange_simulator.market.pit import Pit
from exchange_simulator.market.recording import recording, rows, rules_of
from exchange_simulator.matching.path import path
from exchange_simulator.settings import DATA

CANDLES = recording("BTCUSDT", "1m", rows(next(Path(DATA).glob("BTCUSDT-1m-*.csv"))))
START = {"USDT": Decimal(2_000), "BTC": Decimal("0.2"), "BNB": Decimal("0.01")}
SENDER = Sender("k", "test", "", 0)
WISHES = {
    "kind": st.sampled_from(Kind),
    "side": st.sampled_from(Side),
    "quantity": st.integers(1, 250),
    "offsets": st.tuples(st.integers(-15, 15), st.integers(-15, 15)),
    "tif": st.sampled_from(TimeInForce),
}


def venue(pace, start_ms, fee_asset, wall=lambda: 0.0):
    """A venue with one account on recorded candles."""
    clock = VenueClock.started(pace, wall, start_ms, start_ms)
    pit = Pit(CANDLES, rules_of("BTCUSDT"), path)
    pit.set_to(start_ms, standing=pace.mode is Mode.LOCKSTEP)
    account = Account("k", "s", {asset: Balance(free=amount) for asset, amount in START.items()}, fee_asset=fee_asset)
    return Exchange(clock, {"BTCUSDT": pit}, Fees(), itertools.count(1), accounts={"k": account})


class Trading(RuleBasedStateMachine):
    """Orders of every kind, cancels, replacements, steps and shocks, in any order."""

    @initialize(bar=st.integers(0, 1439), fee_asset=st.sampled_from(["", "BNB"]), spread=st.booleans())
    def begin(self, bar, fee_asset, spread):
        start_ms = CANDLES.first_ms + bar * CANDLES.step_ms
        self.seconds = 0.0
        pace = Pace(Mode.FREE, 1.0) if spread else Pace(Mode.LOCKSTEP)
        self.exchange = venue(pace, start_ms, fee_asset, lambda: self.seconds)

    def wish(self, kind, side, quantity, offsets, tif):
        price = self.exchange.pits["BTCUSDT"].last
        limit = floored(price * (1 + Decimal(offsets[0]) / 1000), Decimal("0.01"))
        stop = floored(price * (1 + Decimal(offsets[1]) / 1000), Decimal("0.01"))
        return NewOrder(
            "BTCUSDT", side, kind, quantity=Decimal(quantity) / 1000,
            price=limit if kind in LIMITED_KINDS else ZERO,
            stop_price=stop if kind in TRIGGERED_KINDS else ZERO,
            time_in_force=tif if kind in LIMITED_KINDS else TimeInForce.GTC,
        )  # fmt: skip

    @rule(**WISHES)
    def place(self, kind, side, quantity, offsets, tif):
        desk.place(self.exchange, self.wish(kind, side, quantity, offsets, tif), SENDER)

    @rule(kind=st.sampled_from([Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT, Kind.LIMIT]), above=st.integers(1, 15))
    def stake_everything(self, kind, above):
        """A buy of all that is free: the order with the least to spare."""
        wish = self.wish(kind, Side.BUY, 1, (above, above), TimeInForce.GTC)
        free = self.exchange.accounts["k"].balance("USDT").free
        quantity = floored(free / (wish.price or wish.stop_price), Decimal("0.00001"))
        desk.place(self.exchange, dataclasses.replace(wish, quantity=quantity), SENDER)

    @rule(cost=st.integers(5, 5000), side=st.sampled_from(Side))
    def place_by_cost(self, cost, side):
        desk.place(self.exchange, NewOrder("BTCUSDT", side, Kind.MARKET, quote_quantity=Decimal(cost)), SENDER)

    @rule(which=st.integers(0, 20), stop_on_failure=st.booleans(), **WISHES)
    def replace(self, which, stop_on_failure, kind, side, quantity, offsets, tif):
        ids = [order.order_id for order in self.exchange.register.open()] or [-1]
        target = Target("BTCUSDT", ids[which % len(ids)])
        wish = self.wish(kind, side, quantity, offsets, tif)
        desk.cancel_replace(self.exchange, desk.Replacement(target, wish, stop_on_failure), SENDER)

    @rule(which=st.integers(0, 20))
    def cancel(self, which):
        ids = [order.order_id for order in self.exchange.register.open()] or [-1]
        desk.cancel(self.exchange, Target("BTCUSDT", ids[which % len(ids)]), SENDER)

    @rule(bars=st.integers(1, 30))
    def time_passes(self, bars):
        if self.exchange.clock.pace.mode is Mode.LOCKSTEP:
            self.exchange.step(bars)
        else:
            self.seconds += bars * 17
            self.exchange.advance()

    @rule(percent=st.integers(-30, 60))
    def shock(self, percent):
        pit = self.exchange.pits["BTCUSDT"]
        revealed = pit.shock(1 + Decimal(percent) / 100, self.exchange.clock.now_ms())
        self.exchange.meet(pit, revealed)

    @invariant()
    def coins_are_conserved(self):
        """What the account holds is what it began with, plus and minus its trades, minus its commissions."""
        if not hasattr(self, "exchange"):
            return
        expected = dict(START)
        for trade in self.exchange.register.trades:
            sign = 1 if trade.side is Side.BUY else -1
            expected["BTC"] += sign * trade.quantity
            expected["USDT"] -= sign * trade.price * trade.quantity
            expected[trade.commission_asset] -= trade.commission
        balances = self.exchange.accounts["k"].balances
        assert {asset: one.free + one.locked for asset, one in balances.items()} == expected

    @invariant()
    def nothing_is_below_zero_and_locks_are_those_of_open_orders(self):
        """Free and locked are never negative; every locked coin belongs to an open order."""
        if not hasattr(self, "exchange"):
            return
        balances = self.exchange.accounts["k"].balances
        assert all(one.free >= 0 and one.locked >= 0 for one in balances.values())
        held = {"BTC": ZERO, "USDT": ZERO, "BNB": ZERO}
        for order in self.exchange.register.open():
            held["USDT" if order.side is Side.BUY else "BTC"] += order.locked
        assert {asset: one.locked for asset, one in balances.items()} == held

    @invariant()
    def orders_agree_with_their_trades(self):
        """Executed amounts are sums of trades; filled means whole; nobody is filled beyond the order or its limit."""
        if not hasattr(self, "exchange"):
            return
        register = self.exchange.register
        for order in register.orders.values():
            trades = [trade for trade in register.trades if trade.order_id == order.order_id]
            assert order.executed == sum((trade.quantity for trade in trades), ZERO) <= order.quantity
            assert (order.status is Status.FILLED) == (order.executed == order.quantity)
            for trade in trades:
                worse = trade.price > order.price if order.side is Side.BUY else trade.price < order.price
                assert not (order.is_limited and worse)

    @invariant()
    def no_candle_gives_more_than_its_share(self):
        """All fills within one candle are at most a tenth of its volume."""
        if not hasattr(self, "exchange"):
            return
        filled: dict[int, Decimal] = {}
        for trade in self.exchange.register.trades:
            bar = trade.time_ms // 60_000 * 60_000
            filled[bar] = filled.get(bar, ZERO) + trade.quantity
        for open_ms, quantity in filled.items():
            assert quantity <= CANDLES.bar(open_ms).volume / 10


TestTrading = Trading.TestCase
TestTrading.settings = settings(stateful_step_count=30)
