"""Checks on an intent before it has a size. Each one looks at one thing; exits pass all but the halt."""

from collections.abc import Callable
from functools import partial

from tradingbot.domain.exposure import Exposure
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Action, Intent, Refusal
from tradingbot.domain.order import Side
from tradingbot.risk.limits import DAILY_LOSS, TOO_MANY_ORDERS, TOO_MANY_SIGNALS, RiskLimits, drawdown_id

Check = Callable[[Intent, Exposure], Refusal | None]


def not_halted(intent: Intent, exposure: Exposure) -> Refusal | None:
    """Nothing is sent while halted; a reduce halt still lets exits pass."""
    if exposure.halt is None or (exposure.halt is HaltKind.REDUCE and intent.action is Action.EXIT):
        return None
    return Refusal("Halted", f"trading is halted ({exposure.halt})")


def entry(check: Check) -> Check:
    """*check* for entries only: an exit is never refused for risk."""

    def for_entries(intent: Intent, exposure: Exposure) -> Refusal | None:
        return check(intent, exposure) if intent.action is Action.ENTER else None

    return for_entries


def not_blocked(_: Intent, exposure: Exposure) -> Refusal | None:
    if not exposure.blocks:
        return None
    return Refusal("Blocked", f"entries wait: {'; '.join(exposure.blocks)}")


def no_breaker_open(_: Intent, exposure: Exposure) -> Refusal | None:
    if not exposure.breakers:
        return None
    return Refusal("BreakerOpen", f"entries wait: {'; '.join(exposure.breakers)}")


def spaced(_: Intent, exposure: Exposure) -> Refusal | None:
    if not exposure.spacing:
        return None
    apart = f"{exposure.spacing.total_seconds():g} s"
    return Refusal("Spaced", f"the last order is less than {apart} old, which somebody wishes between two")


def fresh_data(limits: RiskLimits, intent: Intent, exposure: Exposure) -> Refusal | None:
    seen_at = (exposure.data_seen_at or {}).get(intent.symbol)
    if seen_at is not None and exposure.now - seen_at <= limits.stale_after:
        return None
    age = "never came" if seen_at is None else f"is {(exposure.now - seen_at).total_seconds():g} s old"
    return Refusal("StaleData", f"data of {intent.symbol} {age}, at most {limits.stale_after.total_seconds():g} s")


def fresh_filters(limits: RiskLimits, _: Intent, exposure: Exposure) -> Refusal | None:
    read_at = exposure.filters_at
    if read_at is not None and exposure.now - read_at <= limits.filters_last:
        return None
    age = "were never read" if read_at is None else f"are {(exposure.now - read_at).days} days old"
    return Refusal("FiltersStale", f"the venue's steps and bounds {age}, at most {limits.filters_last.days} days")


def within_daily_loss(limits: RiskLimits, _: Intent, exposure: Exposure) -> Refusal | None:
    lost = exposure.day_start_equity - exposure.equity
    waived = any(halt.startswith(DAILY_LOSS) for halt in exposure.waived)
    if lost <= ZERO or lost < limits.daily_loss(exposure) or waived:
        return None
    return Refusal("DailyLoss", f"lost {lost} today, the limit is {limits.daily_loss(exposure)}")


def within_drawdown(limits: RiskLimits, _: Intent, exposure: Exposure) -> Refusal | None:
    fall = exposure.peak_equity - exposure.equity
    if fall <= ZERO or fall < limits.drawdown(exposure) or drawdown_id(exposure.peak_equity) in exposure.waived:
        return None
    return Refusal("Drawdown", f"equity is {fall} below its peak, the limit is {limits.drawdown(exposure)}")


def nothing_unsettled(intent: Intent, exposure: Exposure) -> Refusal | None:
    if not any(order.unsettled and order.symbol == intent.symbol for order in exposure.working):
        return None
    return Refusal("Unsettled", f"an order in {intent.symbol} has no known outcome yet")


def no_entry_working(intent: Intent, exposure: Exposure) -> Refusal | None:
    if not any(order.side is Side.BUY and order.symbol == intent.symbol for order in exposure.working):
        return None
    return Refusal("EntryWorking", f"an entry in {intent.symbol} is still working")


def room_for_position(limits: RiskLimits, intent: Intent, exposure: Exposure) -> Refusal | None:
    taken = {symbol for symbol in exposure.positions if is_held(symbol, exposure)}
    taken |= {order.symbol for order in exposure.working if order.side is Side.BUY}
    if intent.symbol in taken or len(taken) < limits.max_open_positions:
        return None
    return Refusal("TooManyPositions", f"{len(taken)} positions are open, at most {limits.max_open_positions}")


def is_held(symbol: str, exposure: Exposure) -> bool:
    """True when more than dust is held: a rest below the venue's minimum is no position."""
    return not exposure.instruments[symbol].is_dust(exposure.quantity(symbol), exposure.marks.get(symbol, ZERO))


def rate_within(limits: RiskLimits, _: Intent, exposure: Exposure) -> Refusal | None:
    if exposure.orders_last_minute < limits.max_orders_per_minute:
        return None
    return Refusal(
        TOO_MANY_ORDERS, f"{exposure.orders_last_minute} orders in a minute, at most {limits.max_orders_per_minute}"
    )


def signals_within(limits: RiskLimits, _: Intent, exposure: Exposure) -> Refusal | None:
    if limits.signals is None or exposure.recent_signals < limits.signals[0]:
        return None
    within = f"within {limits.signals[1].total_seconds():g} s"
    return Refusal(TOO_MANY_SIGNALS, f"{exposure.recent_signals} wishes to enter {within}, which is the most")


def checks(limits: RiskLimits, several: bool = False) -> tuple[Check, ...]:
    """In this order; the first refusal wins. What is dropped as too much is no signal, so that check is the first."""
    limited = (within_daily_loss, within_drawdown) if limits.enabled else ()
    counted = (room_for_position, rate_within) if limits.enabled else ()
    return (
        entry(partial(signals_within, limits)),
        not_halted,
        entry(not_blocked),
        entry(no_breaker_open),
        entry(spaced),
        entry(partial(fresh_data, limits)),
        entry(partial(fresh_filters, limits)),
        *(entry(partial(check, limits)) for check in limited),
        entry(nothing_unsettled),
        *(() if several else (entry(no_entry_working),)),
        *(entry(partial(check, limits)) for check in counted),
    )


def beat_checks(limits: RiskLimits) -> tuple[Check, ...]:
    """The same without *no_entry_working*, for a strategy that keeps several entries working at once."""
    return checks(limits, several=True)


def refusal(intent: Intent, exposure: Exposure, ordered: tuple[Check, ...]) -> Refusal | None:
    """The first refusal of *ordered*, or None."""
    for check in ordered:
        found = check(intent, exposure)
        if found is not None:
            return found
    return None
