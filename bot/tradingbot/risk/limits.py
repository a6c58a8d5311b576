"""The limits a person has set, as one frozen value, and the halts that follow when one is broken."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

from tradingbot.domain.exposure import Exposure
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.instrument import ZERO

HUNDRED = Decimal(100)
DAILY_LOSS = "daily-loss-"
TOO_MANY_ORDERS = "TooManyOrders"
TOO_MANY_SIGNALS = "TooManySignals"


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Money is in the capital's currency; *stale_after* is venue time.

    Not *enabled*: what was lost, how many positions and how many orders halt and refuse nothing; sizes and stops stay.
    """

    max_order_notional: Decimal
    max_position_notional: Decimal
    max_open_positions: int
    max_orders_per_minute: int
    max_daily_loss: Decimal
    max_daily_loss_percent: Decimal
    max_drawdown_percent: Decimal
    stale_after: timedelta
    stop_loss_percent: Decimal
    order_fraction_percent: Decimal
    flash_drawdown_percent: Decimal = Decimal(20)
    min_win_rate_percent: Decimal | None = None
    min_trades: int = 20
    recovery_percent: Decimal = HUNDRED
    filters_last: timedelta = timedelta(days=30)
    enabled: bool = True
    max_signals_per_second: Decimal | None = None

    def recovering(self) -> "RiskLimits":
        """The same with smaller orders and positions, for a bot that came back from a crash."""
        names = ("max_order_notional", "max_position_notional", "order_fraction_percent")
        smaller = {name: getattr(self, name) * self.recovery_percent / HUNDRED for name in names}
        return replace(self, **smaller)

    @property
    def signals(self) -> tuple[int, timedelta] | None:
        """So many wishes to enter may come within so much wall time; None: any number."""
        if self.max_signals_per_second is None:
            return None
        most = ceil(self.max_signals_per_second)
        return most, timedelta(seconds=float(most / self.max_signals_per_second))

    def daily_loss(self, exposure: Exposure) -> Decimal:
        """The tighter of the absolute and the relative daily limit."""
        return min(self.max_daily_loss, exposure.day_start_equity * self.max_daily_loss_percent / HUNDRED)

    def drawdown(self, exposure: Exposure) -> Decimal:
        return exposure.peak_equity * self.max_drawdown_percent / HUNDRED


def daily_loss_id(day_start: datetime) -> str:
    return f"{DAILY_LOSS}{day_start.isoformat()}"


def drawdown_id(peak: Decimal) -> str:
    # Named by the peak: once a person has resumed, the same fall does not halt again, a fall from a new peak does.
    return f"drawdown-{peak.normalize():f}"


def broken(limits: RiskLimits, exposure: Exposure, day_start: datetime) -> tuple[Halt, ...]:
    """The limit halts that *exposure* calls for; their ids are the same however often this is asked."""
    halts: list[Halt] = []
    if not limits.enabled:
        return ()
    lost = exposure.day_start_equity - exposure.equity
    if lost > ZERO and lost >= limits.daily_loss(exposure):
        reason = f"lost {lost} since {day_start.isoformat()}, the limit is {limits.daily_loss(exposure)}"
        halts.append(Halt(daily_loss_id(day_start), HaltKind.REDUCE, "limit", reason, exposure.now, limit=True))
    fall = exposure.peak_equity - exposure.equity
    if fall > ZERO and fall >= limits.drawdown(exposure):
        reason = f"equity {exposure.equity} is {fall} below its peak, the limit is {limits.drawdown(exposure)}"
        halts.append(Halt(drawdown_id(exposure.peak_equity), HaltKind.REDUCE, "limit", reason, exposure.now))
    return (*halts, *flash_drawdown(limits, exposure), *low_win_rate(limits, exposure, day_start))


def flash_drawdown(limits: RiskLimits, exposure: Exposure) -> tuple[Halt, ...]:
    """So much was lost within one hour that nothing is waited for: everything is closed, until a person resumes."""
    highest = exposure.hour_peak_equity
    fall = highest - exposure.equity
    if fall <= ZERO or fall < highest * limits.flash_drawdown_percent / HUNDRED:
        return ()
    reason = f"lost {fall} within an hour, {limits.flash_drawdown_percent} % of {highest} is the limit"
    # Named by the height it fell from, as a drawdown is.
    halt_id = f"flash-drawdown-{highest.normalize():f}"
    return (Halt(halt_id, HaltKind.FLATTEN, "limit", reason, exposure.now),)


def low_win_rate(limits: RiskLimits, exposure: Exposure, day_start: datetime) -> tuple[Halt, ...]:
    """Of enough round trips of a day that lost money too few won: no entry more, until a person resumes."""
    results = exposure.day_results
    if limits.min_win_rate_percent is None or len(results) < limits.min_trades or sum(results, ZERO) >= ZERO:
        return ()
    won = sum(result > ZERO for result in results)
    if won * HUNDRED >= limits.min_win_rate_percent * len(results):
        return ()
    reason = f"{won} of {len(results)} trades won today, at least {limits.min_win_rate_percent} % must"
    return (Halt(f"low-win-rate-{day_start.isoformat()}", HaltKind.REDUCE, "limit", reason, exposure.now),)


def runaway(limits: RiskLimits, exposure: Exposure) -> Halt:
    """The halt of a strategy that asks for more orders than a minute may have: it is wrong, not busy."""
    reason = (
        f"{exposure.orders_last_minute} orders within a minute and one more asked for, "
        f"{limits.max_orders_per_minute} are the limit"
    )
    return Halt(f"runaway-{exposure.now.isoformat()}", HaltKind.REDUCE, "limit", reason, exposure.now)


def outlived(halts: tuple[Halt, ...], day_start: datetime) -> tuple[Halt, ...]:
    """The limit halts of earlier trading days, which the new day clears."""
    return tuple(halt for halt in halts if halt.limit and halt.since < day_start)
