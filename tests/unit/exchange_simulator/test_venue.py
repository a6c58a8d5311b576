"""Exchange and counter together, in lockstep and running, without wires."""

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest

from exchange_simulator import desk
from exchange_simulator.control.faults import Fault
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.events import BalanceEvent, ClosedEvent, OrderEvent, PriceEvent
from exchange_simulator.domain.numbers import ZERO
from exchange_simulator.domain.order import Kind, Order, Side, Status
from exchange_simulator.domain.refusal import Refusal
from exchange_simulator.domain.request import NewOrder, Sender, Target
from exchange_simulator.domain.rules import Fees, Rules
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import Mode, Pace, VenueClock
from exchange_simulator.market.pit import Pit
from exchange_simulator.market.recording import recording
from exchange_simulator.matching.path import path

MINUTE = 60_000
SENDER = Sender("k", "tests/1", "10.0.0.1", 7, "POST /api/v3/order")
BUY = NewOrder("BTCUSDT", Side.BUY, Kind.MARKET, quantity=Decimal(1), client_id="one")
LIMIT = replace(BUY, kind=Kind.LIMIT, price=Decimal(95))
STOP = NewOrder("BTCUSDT", Side.SELL, Kind.STOP_LOSS, quantity=Decimal(1), stop_price=Decimal(95), client_id="stop")


def candles(*rows):
    """Candles of (open, high, low, close) with a volume of 100."""
    return [Bar(index * MINUTE, *(Decimal(price) for price in row), Decimal(100)) for index, row in enumerate(rows)]


def venue(*rows, mode=Mode.LOCKSTEP, wall=lambda: 0.0, at=1):
    """A venue that stands before candle *at* of these candles, which then repeat."""
    clock = VenueClock.started(Pace(mode), wall, at * MINUTE, 0)
    pit = Pit(recording("BTCUSDT", "1m", candles(*rows)), Rules("BTCUSDT", "BTC", "USDT"), path)
    pit.set_to(at * MINUTE, standing=mode is Mode.LOCKSTEP)
    account = Account("k", "s", {"USDT": Balance(free=Decimal(10_000)), "BTC": Balance(free=Decimal(10))})
    return Exchange(clock, {"BTCUSDT": pit}, Fees(), itertools.count(1), accounts={"k": account})


FLAT = ((100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 99, 100))


def actions(exchange):
    return [(entry.action, entry.client_id, entry.outcome) for entry in exchange.log.entries]


def test_a_market_order_in_lockstep_fills_at_the_open_that_is_due():
    """Placed on the close of a candle, filled at the next open, before the step."""
    exchange = venue((100, 101, 99, 100), (103, 104, 102, 103))
    done = desk.place(exchange, BUY, SENDER)
    assert (done.order.status, done.trades[0].price, done.trades[0].time_ms) == (Status.FILLED, Decimal(103), MINUTE)


def test_a_running_venue_reveals_what_is_due_and_sells_at_the_last_price():
    """Twenty-five seconds into the candle the nearer extreme was shown; a buyer pays a tick more."""
    seconds = [0.0]
    exchange = venue(*FLAT, mode=Mode.WALL, wall=lambda: seconds[0])
    seconds[0] = 25.0
    exchange.advance()
    assert desk.place(exchange, BUY, SENDER).trades[0].price == Decimal("99.01")
    assert desk.place(exchange, replace(BUY, side=Side.SELL), SENDER).trades[0].price == Decimal(99)


def test_in_lockstep_nothing_happens_between_steps():
    """advance is for running clocks."""
    exchange = venue(*FLAT)
    heard = []
    exchange.listeners.append(heard.append)
    exchange.advance()
    assert heard == []
    exchange.step(1)
    assert [type(event) for event in heard] == [PriceEvent] * 4 + [ClosedEvent]
    assert exchange.clock.now_ms() == 2 * MINUTE


def test_a_waiting_stop_survives_the_open_of_the_candle_it_was_placed_before():
    """After the entry at the open, a stop below it is accepted though the last close was lower still."""
    exchange = venue((100, 101, 90, 91), (103, 104, 94, 103))
    desk.place(exchange, BUY, SENDER)
    assert isinstance(desk.place(exchange, STOP, SENDER), desk.Placed)
    exchange.step(1)
    assert exchange.register.open() == []
    assert [trade.price for trade in exchange.register.trades] == [Decimal(103), Decimal(95)]


def test_a_stop_jumped_by_the_next_open_is_accepted_and_fills_there():
    """Decided on the close at 100, met by the open at 94: the stop at 95 fills at 94."""
    exchange = venue((100, 101, 99, 100), (94, 96, 93, 95))
    assert desk.place(exchange, STOP, SENDER).order.status is Status.NEW
    exchange.step(1)
    assert exchange.register.trades[0].price == Decimal(94)
    assert [action for action, *_ in actions(exchange)] == ["order", "trigger", "fill"]


def test_everything_about_an_order_is_told_to_listeners_in_order():
    """New, trade, balances; each with the state after it."""
    exchange = venue(*FLAT)
    heard = []
    exchange.listeners.append(heard.append)
    desk.place(exchange, BUY, SENDER)
    assert [event.execution for event in heard if isinstance(event, OrderEvent)] == ["NEW", "TRADE"]
    assert [event.assets for event in heard if isinstance(event, BalanceEvent)] == [("USDT",), ("BTC", "USDT", "BTC")]


def test_a_symbol_nobody_lists_is_refused_everywhere():
    """Placing, replacing and testing answer -1121; the first two stand in the log."""
    exchange = venue(*FLAT)
    wish = replace(BUY, symbol="DOGEUSDT")
    invalid = Refusal(-1121, "Invalid symbol.")
    assert desk.place(exchange, wish, SENDER) == invalid
    assert desk.tried(exchange, wish, "k") == invalid
    assert desk.cancel_replace(exchange, desk.Replacement(Target("BTCUSDT", 1), wish, True), SENDER) == invalid
    assert actions(exchange) == [("refuse", "one", "refused")] * 2


def test_a_tried_order_changes_nothing():
    """None for a good order; no log, no order."""
    exchange = venue(*FLAT)
    assert desk.tried(exchange, BUY, "k") is None
    assert desk.tried(exchange, replace(BUY, quantity=Decimal(1000)), "k") is not None
    assert (exchange.log.entries, exchange.register.orders) == ([], {})


def test_an_order_without_a_client_id_gets_one():
    """Unique and remembered."""
    exchange = venue(*FLAT)
    first = desk.place(exchange, replace(BUY, client_id=""), SENDER).order
    second = desk.place(exchange, replace(BUY, client_id=""), SENDER).order
    assert first.client_id != second.client_id


@pytest.mark.parametrize(("side", "quantity"), [(Side.BUY, "0.33333"), (Side.SELL, "0.33333")])
def test_a_cost_becomes_whole_steps(side, quantity):
    """What 33.3334 pays for at 100."""
    exchange = venue(*FLAT)
    wish = NewOrder("BTCUSDT", side, Kind.MARKET, quote_quantity=Decimal("33.3334"))
    assert desk.place(exchange, wish, SENDER).order.quantity == Decimal(quantity)


def test_a_cancel_restricted_to_other_states_is_refused():
    """The order stays open."""
    exchange = venue(*FLAT)
    placed = desk.place(exchange, LIMIT, SENDER)
    target = Target("BTCUSDT", placed.order.order_id)
    refusal = desk.cancel(exchange, target, SENDER, lambda order: order.status is Status.PARTIALLY_FILLED)
    assert (refusal.code, len(exchange.register.open())) == (-2011, 1)
    assert isinstance(desk.cancel(exchange, target, SENDER), Order)
    assert isinstance(desk.cancel(exchange, target, SENDER), Refusal)


def test_cancel_all_tells_each_cancel_and_refuses_when_there_is_none():
    """Both cancels stand in the log."""
    exchange = venue(*FLAT)
    for name in ("a", "b"):
        desk.place(exchange, replace(LIMIT, client_id=name), SENDER)
    assert [order.client_id for order in desk.cancel_all(exchange, "BTCUSDT", SENDER)] == ["a", "b"]
    assert isinstance(desk.cancel_all(exchange, "BTCUSDT", SENDER), Refusal)
    assert actions(exchange)[2:] == [
        ("cancel", "a", "accepted"),
        ("cancel", "b", "accepted"),
        ("refuse", "", "refused"),
    ]


def test_a_replaced_stop_frees_its_coins_for_the_new_one():
    """All coins are locked by the stop; the replacement locks the same coins."""
    exchange = venue(*FLAT)
    whole = replace(STOP, quantity=Decimal(10))
    old = desk.place(exchange, whole, SENDER).order
    wish = replace(whole, stop_price=Decimal(96))
    done = desk.cancel_replace(exchange, desk.Replacement(Target("BTCUSDT", old.order_id), wish, True), SENDER)
    assert (done.cancelled.status, done.placed.order.stop_price) == (Status.CANCELED, Decimal(96))
    assert exchange.accounts["k"].balance("BTC") == Balance(Decimal(0), Decimal(10))
    assert [action for action, *_ in actions(exchange)] == ["order", "cancel", "cancelReplace"]


def test_a_replacement_counts_against_stop_limits_only_after_its_cancel():
    """With five stops waiting, one of them can still be replaced."""
    exchange = venue(*FLAT)
    stops = [desk.place(exchange, replace(STOP, client_id=f"s{n}"), SENDER).order for n in range(5)]
    wish = replace(STOP, client_id="new")
    done = desk.cancel_replace(exchange, desk.Replacement(Target("BTCUSDT", stops[0].order_id), wish, True), SENDER)
    assert isinstance(done.placed, desk.Placed)


def test_two_accounts_have_a_share_of_the_candle_each():
    """What one account takes is not missing for another."""
    exchange = venue(*FLAT)
    exchange.accounts["b"] = replace(exchange.accounts["k"], key="b")
    for key in ("k", "b"):
        done = desk.place(exchange, replace(BUY, quantity=Decimal(10)), replace(SENDER, account=key))
        assert done.order.status is Status.FILLED


def test_a_triggered_buy_is_cut_to_what_the_account_can_pay():
    """A stop-buy jumped far above its price never overdraws: the rest expires."""
    exchange = venue((100, 101, 99, 100), (200, 210, 199, 200))
    exchange.accounts["k"] = Account("k", "s", {"USDT": Balance(free=Decimal(1010))})
    wish = replace(STOP, side=Side.BUY, quantity=Decimal(10), stop_price=Decimal(101))
    desk.place(exchange, wish, SENDER)
    exchange.step(1)
    (order,) = exchange.register.orders.values()
    assert (order.executed, order.status) == (Decimal("5.05"), Status.EXPIRED)
    assert exchange.accounts["k"].balance("USDT") == Balance(Decimal(0), Decimal(0))


def test_a_refused_stop_and_a_hidden_order_are_faults_of_one_request():
    """stop_refused spares other orders; invisible marks when the order may be seen."""
    exchange = venue(*FLAT)
    exchange.faults.add(Fault(0, "stop_refused", count=1, parameters={"message": "no stops today"}))
    exchange.faults.add(Fault(0, "invisible", count=1, parameters={"ms": 500}))
    assert desk.place(exchange, LIMIT, SENDER).order.visible_ms == MINUTE + 500
    assert desk.place(exchange, STOP, SENDER).message == "no stops today"
    assert desk.place(exchange, STOP, SENDER).order.visible_ms == 0


def test_a_partial_ratio_is_a_share_of_each_order():
    """A third of the remaining quantity at each fill; the limit goes on resting."""
    exchange = venue((100, 101, 99, 100), (100, 101, 90, 100), (100, 101, 90, 100))
    exchange.faults.add(Fault(0, "partial_ratio", parameters={"ratio": "0.25"}))
    desk.place(exchange, LIMIT, SENDER)
    exchange.step(2)
    assert [trade.quantity for trade in exchange.register.trades][:2] == [Decimal("0.25"), Decimal("0.1875")]


def test_the_average_price_is_weighed_by_volume_and_falls_back_to_the_last():
    """Five minutes; where nothing traded, the last price."""
    exchange = venue(*FLAT)
    assert desk.average(exchange, "BTCUSDT") == Decimal(100)
    quiet = venue(*FLAT)
    quiet.pits["BTCUSDT"].recording = recording("BTCUSDT", "1m", [Bar(0, *(Decimal(7),) * 4, ZERO)])
    assert desk.average(quiet, "BTCUSDT") == Decimal(100)


def test_a_halted_symbol_stands_still():
    """No price, no candle, no match, no new order; a cancel is still possible."""
    exchange = venue((100, 101, 99, 100), (100, 101, 90, 100))
    resting = desk.place(exchange, LIMIT, SENDER)
    exchange.pits["BTCUSDT"].halted = True
    heard = []
    exchange.listeners.append(heard.append)
    exchange.step(1)
    assert heard == []
    assert desk.place(exchange, BUY, SENDER).message == "Market is closed."
    assert desk.cancel(exchange, Target("BTCUSDT", resting.order.order_id), SENDER).status is Status.CANCELED


def test_two_symbols_are_revealed_in_order_of_time():
    """A minute candle and an hour candle: the earlier price first, ends before opens."""
    exchange = venue(*FLAT)
    hours = [Bar(index * 60 * MINUTE, *(Decimal(5),) * 4, Decimal(1)) for index in range(3)]
    pit = Pit(recording("ETHUSDT", "1h", hours), Rules("ETHUSDT", "ETH", "USDT"), path)
    pit.set_to(MINUTE, standing=True)
    exchange.pits["ETHUSDT"] = pit
    times = []
    exchange.listeners.append(lambda event: times.append((event.time_ms, event.symbol)))
    exchange.step(25)
    assert times == sorted(times, key=lambda one: one[0])
    assert (20 * MINUTE, "ETHUSDT") in times
