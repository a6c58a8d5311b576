"""Risk: each check passes and refuses, the first refusal wins, exits pass, sizes stay inside every limit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, LIMITS, START, instrument, order
from tradingbot.domain.exposure import Exposure, Working
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.intent import Action, Intent, Refusal
from tradingbot.domain.order import OrderType, Purpose, Side
from tradingbot.domain.position import Position
from tradingbot.risk.checks import checks, refusal
from tradingbot.risk.limits import broken, outlived
from tradingbot.risk.sizing import (
    above_minimum,
    cash_enough,
    entry_order,
    order_within,
    position_within,
    protected,
    sized,
)

ETH = "ETH/USDT"
D = Decimal


def exposure(**changes: object) -> Exposure:
    """Flat, fresh and rich."""
    flat = Exposure(
        now=START,
        instruments={BTC: instrument(), ETH: instrument(ETH)},
        positions={BTC: Position(BTC), ETH: Position(ETH)},
        marks={BTC: D(100), ETH: D(10)},
        free_cash=D(10000),
        equity=D(10000),
        day_start_equity=D(10000),
        peak_equity=D(10000),
        orders_last_minute=0,
        data_seen_at={BTC: START},
        filters_at=START,
    )
    return replace(flat, **changes)


def intent(action: Action = Action.ENTER, **changes: object) -> Intent:
    return replace(Intent(BTC, "sma_cross", START, action, D(100), START, "because"), **changes)


def verdict(exposure_: Exposure, action: Action = Action.ENTER, limits=LIMITS) -> Refusal | None:
    return refusal(intent(action), exposure_, checks(limits))


def held(quantity: str, symbol: str = BTC) -> Position:
    return Position(symbol, D(quantity), D(quantity) * 100)


def working(side: Side = Side.BUY, symbol: str = BTC, *, unsettled: bool = False, notional: str = "500") -> Working:
    return Working(symbol, side, D(5), D(notional), unsettled)


def test_an_entry_on_a_clean_picture_passes():
    """Nothing refuses without a reason."""
    assert verdict(exposure()) is None


@pytest.mark.parametrize("kind", list(HaltKind))
def test_entries_are_refused_while_halted(kind):
    """Every kind of halt refuses entries."""
    assert verdict(exposure(halt=kind)) == Refusal("Halted", f"trading is halted ({kind})")


@pytest.mark.parametrize(
    ("kind", "reason"), [(None, None), (HaltKind.REDUCE, None), (HaltKind.HALT, "Halted"), (HaltKind.FLATTEN, "Halted")]
)
def test_exits_pass_a_reduce_halt_only(kind, reason):
    """Reduce lets exits pass; under halt and flatten the strategy sends nothing."""
    found = verdict(exposure(halt=kind), Action.EXIT)
    assert (found and found.reason) == reason


REFUSED = {
    "Blocked": (exposure(blocks=("the clock is off",)), "entries wait: the clock is off"),
    "BreakerOpen": (exposure(breakers=("binance/enter failed 5 times",)), "entries wait: binance/enter failed 5 times"),
    "Spaced": (
        exposure(spacing=timedelta(seconds=2)),
        "the last order is less than 2 s old, which somebody wishes between two",
    ),
    "StaleData": (
        exposure(now=START + timedelta(seconds=121)),
        "data of BTC/USDT is 121 s old, at most 120 s",
    ),
    "FiltersStale": (
        exposure(filters_at=START - timedelta(days=30, seconds=1)),
        "the venue's steps and bounds are 30 days old, at most 30 days",
    ),
    "DailyLoss": (exposure(equity=D(9800)), "lost 200 today, the limit is 200"),
    "Drawdown": (
        exposure(equity=D(10000), peak_equity=D("11111.2")),
        "equity is 1111.2 below its peak, the limit is 1111.12",
    ),
    "Unsettled": (
        exposure(working=(working(Side.SELL, unsettled=True),)),
        "an order in BTC/USDT has no known outcome yet",
    ),
    "EntryWorking": (exposure(working=(working(),)), "an entry in BTC/USDT is still working"),
    "TooManyOrders": (exposure(orders_last_minute=10), "10 orders in a minute, at most 10"),
}


@pytest.mark.parametrize(("reason", "case"), REFUSED.items(), ids=REFUSED)
def test_each_check_refuses_an_entry_and_no_exit(reason, case):
    """The refusal names the numbers; an exit on the same picture passes."""
    picture, message = case
    assert verdict(picture) == Refusal(reason, message)
    assert verdict(picture, Action.EXIT) is None


PASSING = {
    "data just fresh enough": exposure(now=START + timedelta(seconds=120)),
    "steps and bounds just young enough": exposure(filters_at=START - timedelta(days=30)),
    "a cent less than the daily limit": exposure(equity=D("9800.01")),
    "a gain": exposure(equity=D(20000), peak_equity=D(20000)),
    "less than the drawdown limit": exposure(peak_equity=D(11111)),
    "a daily loss that a person has waived": exposure(
        equity=D(9800), waived=frozenset({"daily-loss-2022-12-13T00:00:00+00:00"})
    ),
    "a drawdown that a person has waived": exposure(peak_equity=D(12000), waived=frozenset({"drawdown-12000"})),
    "an unsettled order elsewhere": exposure(working=(working(Side.SELL, ETH, unsettled=True),)),
    "nine orders in a minute": exposure(orders_last_minute=9),
}


@pytest.mark.parametrize("picture", PASSING.values(), ids=PASSING)
def test_each_check_passes_at_its_limit(picture):
    """The other side of each refusal."""
    assert verdict(picture) is None


def test_data_that_never_came_is_stale():
    """Without a datum there is nothing to decide on."""
    message = "data of BTC/USDT never came, at most 120 s"
    assert verdict(exposure(data_seen_at=None)) == Refusal("StaleData", message)


def test_steps_and_bounds_that_were_never_read_are_stale():
    """No entry rests on what nobody has told; an exit does not wait for it."""
    picture = exposure(filters_at=None)
    message = "the venue's steps and bounds were never read, at most 30 days"
    assert verdict(picture) == Refusal("FiltersStale", message)
    assert verdict(picture, Action.EXIT) is None


def test_the_tighter_of_the_two_daily_limits_rules():
    """Two percent of 5000 is less than 200."""
    picture = exposure(day_start_equity=D(5000), equity=D(4900))
    assert verdict(picture) == Refusal("DailyLoss", "lost 100 today, the limit is 100")


def test_no_position_beyond_the_most_allowed():
    """A held and an arriving position count; dust does not; adding to one's own is not another."""
    one = replace(LIMITS, max_open_positions=1)
    full = exposure(positions={BTC: Position(BTC), ETH: held("5", ETH)})
    arriving = exposure(working=(working(symbol=ETH),))
    dust = exposure(positions={BTC: Position(BTC), ETH: held("0.4", ETH)})
    own = exposure(positions={BTC: held("5"), ETH: Position(ETH)})
    assert verdict(full, limits=one) == Refusal("TooManyPositions", "1 positions are open, at most 1")
    assert verdict(arriving, limits=one) == Refusal("TooManyPositions", "1 positions are open, at most 1")
    assert verdict(dust, limits=one) is None
    assert verdict(own, limits=one) is None


def test_limits_that_are_off_refuse_and_halt_nothing_and_sizes_stay():
    """What is unknown, stale or halted refuses all the same."""
    off = replace(LIMITS, enabled=False, max_open_positions=1)
    lost = exposure(equity=D(5000), peak_equity=D(20000), orders_last_minute=99, working=(working(symbol=ETH),))
    assert verdict(lost, limits=off) is None
    assert broken(off, lost, START) == ()
    assert verdict(exposure(halt=HaltKind.REDUCE), limits=off) == Refusal("Halted", "trading is halted (reduce)")
    assert sized(intent(), exposure(equity=D(100000)), off).quantity * 100 <= LIMITS.max_order_notional


@pytest.mark.parametrize(
    ("a_second", "recent", "message"),
    [
        (None, 99, None),
        ("2", 1, None),
        ("2", 2, "2 wishes to enter within 1 s, which is the most"),
        ("2.5", 2, None),
        ("2.5", 3, "3 wishes to enter within 1.2 s, which is the most"),
        ("0.5", 1, "1 wishes to enter within 2 s, which is the most"),
    ],
)
def test_no_more_wishes_to_enter_than_a_second_may_have(a_second, recent, message):
    """Before every other check, so that what is dropped is seen as nothing else; exits are never dropped."""
    limits = replace(LIMITS, max_signals_per_second=a_second and D(a_second))
    halted = exposure(recent_signals=recent, halt=HaltKind.REDUCE)
    assert verdict(exposure(recent_signals=recent), limits=limits) == (message and Refusal("TooManySignals", message))
    assert verdict(halted, limits=limits).reason == ("TooManySignals" if message else "Halted")
    assert verdict(halted, Action.EXIT, limits) is None


def test_the_first_refusal_wins():
    """Halted is said before anything else."""
    assert verdict(exposure(halt=HaltKind.HALT, equity=D(1), orders_last_minute=99)).reason == "Halted"


def test_an_entry_takes_its_share_of_the_equity_and_brings_its_stop():
    """Ten percent of 10000 at 100, with the stop two percent below."""
    made = entry_order(intent(), exposure(), LIMITS)
    assert made == order(
        type=OrderType.MARKET,
        purpose=Purpose.ENTRY,
        quantity=D(10),
        stop_price=D("98.00"),
        seen_at=START,
        reason="because",
    )


def test_a_strategy_may_ask_for_its_own_stop():
    """Its price is taken, on the venue's step."""
    assert entry_order(intent(stop_price=D("97.777")), exposure(), LIMITS).stop_price == D("97.77")


@pytest.mark.parametrize(
    ("picture", "quantity"),
    [
        (exposure(equity=D(50000)), D(10)),  # the largest order
        (exposure(positions={BTC: held("15")}), D(5)),  # the largest position
        (exposure(free_cash=D(100)), D("0.99")),  # cash, less what fees may take
        (exposure(positions={BTC: held("50")}), D(0)),
        (exposure(instruments={BTC: instrument(maximum_quantity=D(3))}), D(3)),
        (exposure(instruments={BTC: instrument(market_quantity_step=D(4))}), D(8)),
    ],
)
def test_an_entry_is_cut_to_what_every_limit_leaves(picture, quantity):
    """The tightest bound decides."""
    assert entry_order(intent(), picture, LIMITS).quantity == quantity


ORDER_CHECKS = {
    "below the quantity": (above_minimum, order(quantity=D("0.000001")), "BelowMinimum"),
    "nothing": (above_minimum, order(quantity=D(0)), "BelowMinimum"),
    "below the notional": (above_minimum, order(quantity=D("0.04999")), "BelowMinimum"),
    "just the notional": (above_minimum, order(quantity=D("0.05")), None),
    "too large": (lambda *a: order_within(LIMITS, *a), order(quantity=D("10.00001")), "OrderTooLarge"),
    "the largest order": (lambda *a: order_within(LIMITS, *a), order(quantity=D(10)), None),
    "too much held": (lambda *a: position_within(LIMITS, *a), order(quantity=D("20.1")), "PositionTooLarge"),
    "the largest position": (lambda *a: position_within(LIMITS, *a), order(quantity=D(20)), None),
    "too dear": (cash_enough, order(quantity=D("100.01")), "NotEnoughCash"),
    "all the cash": (cash_enough, order(quantity=D(100)), None),
}


STOPS = {
    "none": (None, "StopInvalid"),
    "nothing": (D(0), "StopInvalid"),
    "above the price": (D("100.01"), "StopInvalid"),
    "at the price": (D(100), "StopInvalid"),
    "less than a step below": (D("99.995"), "StopInvalid"),
    "a step below": (D("99.99"), None),
    "far below": (D("0.01"), None),
}


@pytest.mark.row("S0-093")
@pytest.mark.parametrize(("stop", "reason"), STOPS.values(), ids=STOPS)
def test_entry_without_stop_rejected(stop, reason, evidence):
    """A stop has to stand below the price, by a step at least, and above zero."""
    found = protected(order(stop_price=stop), D(100), exposure())
    evidence(f"protected(entry at 100 with stop {stop})", str(found))
    assert (found and found.reason) == reason


def test_an_entry_whose_stop_is_on_the_wrong_side_is_not_made():
    """Whatever a strategy wishes; so is one of a coin too cheap for a stop below it."""
    wished = sized(intent(stop_price=D(101)), exposure(), LIMITS)
    sentence = "the stop 101 is not above zero and at least 0.01 below the price 100"
    assert wished == Refusal("StopInvalid", sentence)


@pytest.mark.parametrize(("check", "asked", "reason"), ORDER_CHECKS.values(), ids=ORDER_CHECKS)
def test_order_checks_hold_the_finished_order(check, asked, reason):
    """One passes and one refuses, each."""
    found = check(asked, D(100), exposure())
    assert (found and found.reason) == reason


def test_a_working_buy_counts_as_filled_at_its_worst():
    """Its notional takes room from the position."""
    picture = exposure(working=(working(notional="1500"), working(Side.SELL)))
    assert position_within(LIMITS, order(quantity=D("5.01")), D(100), picture).reason == "PositionTooLarge"
    assert position_within(LIMITS, order(quantity=D(5)), D(100), picture) is None


def test_an_entry_too_small_for_the_venue_is_refused():
    """Flooring came first, the minimum is checked after it."""
    assert sized(intent(), exposure(free_cash=D(5)), LIMITS) == Refusal(
        "BelowMinimum", "notional 4.9500 is below the venue's 5: free cash leaves 4.95"
    )


@pytest.mark.parametrize(
    ("name", "limits", "held", "left"),
    [
        ("max_order_notional", {"max_order_notional": D(1)}, 0, "1"),
        ("max_position_notional", {}, 2000, "0"),
        ("order_fraction_percent", {"order_fraction_percent": D("0.01")}, 0, "1.00"),
    ],
)
def test_what_made_an_entry_too_small_is_named(name, limits, held, left):
    """As the settings call it, so that a person knows what to change."""
    picture = exposure(positions={BTC: Position(BTC, D(held) / 100)})
    refused = sized(intent(), picture, replace(LIMITS, **limits))
    assert (refused.reason, refused.message.partition(": ")[2]) == ("BelowMinimum", f"{name} leaves {left}")


def test_a_sized_entry_is_an_order():
    """The whole path for a plain entry."""
    assert sized(intent(), exposure(), LIMITS).quantity == D(10)


@given(
    equity=st.decimals("1", "1e6", places=2),
    cash=st.decimals("0", "1e6", places=2),
    price=st.decimals("0.01", "1e5", places=2),
    owned=st.decimals("0", "10", places=5),
)
def test_no_sized_entry_breaks_a_limit(equity, cash, price, owned):
    """Whatever the picture, order, position and cash limits hold, on the venue's steps."""
    picture = exposure(equity=equity, free_cash=cash, marks={BTC: price}, positions={BTC: Position(BTC, owned)})
    made = sized(intent(price=price), picture, LIMITS)
    if isinstance(made, Refusal):
        return
    assert made.quantity * price <= min(D(1000), cash)
    assert (owned + made.quantity) * price <= D(2000)
    assert made.quantity * price <= equity / 10
    assert made.quantity % D("0.00001") == 0
    assert made.stop_price < price


def test_a_broken_daily_loss_halts_entries_for_the_day():
    """The halt is named by the day, so the same day halts once; exits stay possible."""
    (halt,) = broken(LIMITS, exposure(equity=D(9800)), START)
    assert halt.id == "daily-loss-2022-12-13T00:00:00+00:00"
    assert (halt.kind, halt.source, halt.limit) == (HaltKind.REDUCE, "limit", True)
    assert halt.reason == "lost 200 since 2022-12-13T00:00:00+00:00, the limit is 200"


def test_a_broken_drawdown_halts_until_a_person_resumes():
    """It is named by the peak and does not clear with the day."""
    (halt,) = broken(LIMITS, exposure(peak_equity=D("12000.00")), START)
    assert (halt.id, halt.kind, halt.limit) == ("drawdown-12000", HaltKind.REDUCE, False)
    assert halt.reason == "equity 10000 is 2000.00 below its peak, the limit is 1200.00"


def test_unbroken_limits_halt_nothing():
    """A gain, and a loss below the limits."""
    assert broken(LIMITS, exposure(equity=D(10001), peak_equity=D(10001)), START) == ()
    assert broken(LIMITS, exposure(equity=D(9999)), START) == ()


def test_only_limit_halts_of_earlier_days_are_outlived():
    """A person's halt and today's limit stay."""
    yesterday, today = START - timedelta(hours=1), START + timedelta(hours=1)
    old = Halt("a", HaltKind.REDUCE, "limit", "", yesterday, limit=True)
    new = Halt("b", HaltKind.REDUCE, "limit", "", today, limit=True)
    person = Halt("c", HaltKind.HALT, "http", "", yesterday)
    assert outlived((old, new, person), START) == (old,)


def test_after_a_crash_orders_and_positions_are_smaller():
    """By the share that is asked for; what limits a loss stays as it is."""
    usual = replace(LIMITS, max_order_notional=D(1000), max_position_notional=D(2000), order_fraction_percent=D(10))
    smaller = replace(usual, recovery_percent=D(25)).recovering()
    assert (smaller.max_order_notional, smaller.max_position_notional) == (D(250), D(500))
    assert smaller.order_fraction_percent == D("2.5")
    assert (smaller.max_daily_loss, smaller.max_orders_per_minute) == (LIMITS.max_daily_loss, 10)
    assert usual.recovering() == usual
