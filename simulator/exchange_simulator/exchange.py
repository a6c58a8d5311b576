"""One page: time reveals prices, prices meet orders, orders move coins, and listeners hear of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from heapq import heapify, heappop, heappush
from itertools import count

from exchange_simulator.control.faults import Faults
from exchange_simulator.control.orderlog import OrderLog
from exchange_simulator.domain.account import Account
from exchange_simulator.domain.events import BalanceEvent, ClosedEvent, Event, OrderEvent, PriceEvent
from exchange_simulator.domain.numbers import ZERO, floored
from exchange_simulator.domain.order import Order, Side, Status, Trade
from exchange_simulator.domain.rules import Fees
from exchange_simulator.funds.lock import spent_asset
from exchange_simulator.funds.settle import commission, ended, settled
from exchange_simulator.market.candles import Candles
from exchange_simulator.market.clock import Mode, VenueClock
from exchange_simulator.market.pit import POINTS, Pit, Reveal
from exchange_simulator.matching.outcomes import Expired, Filled, Outcome, Triggered
from exchange_simulator.matching.path import Leg
from exchange_simulator.matching.travel import Terms, travel
from exchange_simulator.register import Register

# The share of a candle's volume that one account's orders may fill.
VOLUME_SHARE = Decimal("0.1")
# Public trades before the start have lower ids.
FIRST_PRINT = 1_000_001


@dataclass(slots=True)
class Exchange:
    """The whole venue but its wires."""

    clock: VenueClock
    pits: dict[str, Pit]
    fees: Fees
    ids: Iterator[int]
    accounts: dict[str, Account] = field(default_factory=dict)
    register: Register = field(default_factory=Register)
    log: OrderLog = field(default_factory=OrderLog)
    faults: Faults = field(default_factory=Faults)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    candles: dict[str, Candles] = field(default_factory=dict)
    used: dict[tuple[str, str], tuple[int, Decimal]] = field(default_factory=dict)
    trade_ids: Iterator[int] = field(default_factory=lambda: count(1))
    print_ids: Iterator[int] = field(default_factory=lambda: count(FIRST_PRINT))

    def __post_init__(self) -> None:
        self.candles = {symbol: Candles(pit) for symbol, pit in self.pits.items()}

    def wall_ms(self) -> int:
        """Wall time, by which faults end."""
        return int(self.clock.wall() * 1000)

    def tell(self, event: Event) -> None:
        """Every listener has heard of *event*."""
        for listener in self.listeners:
            listener(event)

    def advance(self) -> None:
        """Everything due by now has happened; in lockstep nothing happens between steps."""
        if self.clock.pace.mode is not Mode.LOCKSTEP:
            self.reveal_until(self.clock.now_ms(), standing=False)

    def step(self, bars: int) -> None:
        """The lockstep clock stands at the close of the candle *bars* later; the next open is due but not met."""
        base = min(pit.step_ms for pit in self.pits.values())
        for _ in range(bars):
            target = self.clock.now_ms() + base
            self.reveal_until(target, standing=True)
            self.clock.move_to(target)

    def reveal_until(self, target_ms: int, *, standing: bool) -> None:
        """All due by *target_ms* has happened, in order of time; when *standing*, opens due exactly then wait."""

        def due(pit: Pit) -> list[tuple[int, bool, str]]:
            at = pit.due_ms
            is_due = at < target_ms or (at == target_ms and not (standing and pit.phase == 0))
            return [(at, pit.phase != POINTS, pit.rules.symbol)] if is_due else []

        # Only what was revealed has another time after it: two hundred symbols are not looked through for each of them.
        waiting = [each for pit in self.pits.values() for each in due(pit)]
        heapify(waiting)
        while waiting:
            pit = self.pits[heappop(waiting)[2]]
            self.meet(pit, pit.reveal())
            for each in due(pit):
                heappush(waiting, each)

    def meet(self, pit: Pit, reveal: Reveal) -> None:
        """Orders have met the revealed price, and listeners have heard of it."""
        symbol = pit.rules.symbol
        if reveal.price is None:
            if reveal.open_ms is not None:
                self.tell(ClosedEvent(symbol, reveal.open_ms, pit.bar(reveal.open_ms), reveal.time_ms))
            return
        self.tell(PriceEvent(symbol, reveal.price, reveal.quantity, next(self.print_ids), reveal.time_ms))
        leg = Leg(reveal.previous, reveal.price, reveal.jump, reveal.ahead)
        terms = Terms(pit.rules.tick, self.spread(pit), self.room)
        self.apply(travel(leg, self.register.open(symbol), terms), reveal.time_ms)

    def spread(self, pit: Pit) -> Decimal:
        """What a buyer pays above the last price: a tick, or nothing in lockstep, where fills are exact by contract."""
        return ZERO if self.clock.pace.mode is Mode.LOCKSTEP else pit.rules.tick

    def room(self, order: Order, price: Decimal) -> Decimal:
        """How much of *order* may be filled at *price*: its share of the candle, and what its account can pay."""
        pit = self.pits[order.symbol]
        open_ms, used = self.used.get((order.account, order.symbol), (pit.open_ms, ZERO))
        share = pit.liquidity * VOLUME_SHARE - (used if open_ms == pit.open_ms else ZERO)
        if order.side is Side.BUY:
            held = self.accounts[order.account].balance(pit.rules.quote).free + order.locked
            share = min(share, held / price)
        fault = self.faults.find("partial_ratio", "", self.wall_ms())
        if fault is not None:
            share = min(share, order.remaining * Decimal(str(fault.parameters.get("ratio", "0.5"))))
        return max(ZERO, floored(share, pit.rules.step))

    def apply(self, outcomes: Iterable[Outcome], now_ms: int) -> list[Trade]:
        """Each outcome has moved its order and coins before the next is asked for."""
        trades = []
        for outcome in outcomes:
            match outcome:
                case Filled():
                    trades.append(self.fill(outcome, now_ms))
                case Triggered(order=order):
                    self.register.put(replace(self.register.orders[order.order_id], triggered=True, updated_ms=now_ms))
                    self.note("trigger", order, now_ms, price=outcome.price)
                case Expired(order=order):
                    self.end(self.register.orders[order.order_id], Status.EXPIRED, now_ms)
                    self.note("expire", self.register.orders[order.order_id], now_ms)
        return trades

    def fill(self, filled: Filled, now_ms: int) -> Trade:
        """The fill stands in the register, in the balances and in the log."""
        order = self.register.orders[filled.order.order_id]
        account, pit = self.accounts[order.account], self.pits[order.symbol]
        paid = commission(order, (filled.price, filled.quantity, filled.maker), account, (pit.rules, self.fees))
        trade = Trade(
            next(self.trade_ids), order.order_id, order.account, order.symbol, order.side,
            filled.price, filled.quantity, paid.amount, paid.asset, now_ms, filled.maker,
        )  # fmt: skip
        account, order = settled(account, order, trade, pit.rules)
        self.accounts[order.account] = account
        self.register.put(order)
        self.register.trades.append(trade)
        open_ms, used = self.used.get((order.account, order.symbol), (pit.open_ms, ZERO))
        self.used[(order.account, order.symbol)] = (
            pit.open_ms,
            trade.quantity + (used if open_ms == pit.open_ms else ZERO),
        )
        self.note("fill", order, now_ms, price=trade.price, trade=trade)
        self.tell(OrderEvent("TRADE", order, now_ms, trade))
        self.tell(BalanceEvent(order.account, (pit.rules.base, pit.rules.quote, trade.commission_asset), now_ms))
        return trade

    def end(self, order: Order, status: Status, now_ms: int, cancel_client_id: str = "") -> Order:
        """The order is over with *status*, its lock is free."""
        rules = self.pits[order.symbol].rules
        account, order = ended(self.accounts[order.account], order, status, now_ms, rules)
        self.accounts[order.account] = account
        self.register.put(order)
        self.tell(OrderEvent(status.value, order, now_ms, cancel_client_id=cancel_client_id))
        self.tell(BalanceEvent(order.account, (spent_asset(order, rules),), now_ms))
        return order

    def note(
        self, action: str, order: Order, now_ms: int, price: Decimal | None = None, trade: Trade | None = None
    ) -> None:
        """What became of an order stands in the log."""
        self.log.append(
            arrived_ms=now_ms, at_ms=now_ms, sender="exchange", address="", api_key=order.account, action=action,
            symbol=order.symbol, client_id=order.client_id, order_id=order.order_id, side=order.side.value,
            type=order.kind.value, quantity=order.quantity if trade is None else trade.quantity,
            price=order.price if price is None else price, stop_price=order.stop_price, outcome=order.status.value,
            trade_id=None if trade is None else trade.trade_id,
            commission=None if trade is None else trade.commission,
            commission_asset="" if trade is None else trade.commission_asset,
            maker=None if trade is None else trade.maker,
        )  # fmt: skip
