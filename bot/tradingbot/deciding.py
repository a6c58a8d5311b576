"""What is wanted on a closed bar and what risk makes of it: the same for the trader and for a standby's shadow."""

from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.exposure import Exposure
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Action, Intent, Refusal
from tradingbot.domain.order import Order
from tradingbot.execution import exits
from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor
from tradingbot.risk import checks, sizing
from tradingbot.strategy.registry import inside_training

UNCOVERED = "the venue refuses a stop"


def intent(floor: Floor, desk: Desk, bar: Candle, covered: bool) -> Intent | None:
    """What the strategy wants on *bar*, which is the newest; a position that nothing covers is to be left."""
    strategy, flat = floor.parts.decider(bar.symbol), exits.is_flat(desk.book, bar.symbol, bar.close)
    if not covered and not flat:
        close = (bar.close, bar.close_time)
        return Intent(bar.symbol, strategy.name, bar.open_time, Action.EXIT, *close, reason=UNCOVERED)
    window = floor.bars.window(bar.symbol, strategy.bars)
    if len(window.closes) < strategy.bars:
        return None
    overlap = inside_training(strategy, bar.open_time, bar.open_time)
    if overlap is not None:
        raise Misconfigured(overlap)
    wish = strategy.decide(window, ZERO if flat else desk.book.positions[bar.symbol].quantity)
    # What is switched off says nothing of what it would enter, and still leaves what it holds.
    return None if wish and wish.action is Action.ENTER and strategy.name in floor.guard.halts.off else wish


def verdict(floor: Floor, desk: Desk, wish: Intent) -> tuple[Order | None, Refusal | None]:
    """The order that *wish* becomes, or why there is none; a refusal for the number of orders halts."""
    exposure = floor.guard.exposure(desk, counted=wish.action is Action.ENTER)
    order, refusal = weighed(floor, desk, wish, exposure)
    floor.guard.judged(wish, refusal, exposure)
    return order, refusal


def weighed(floor: Floor, desk: Desk, wish: Intent, exposure: Exposure) -> tuple[Order | None, Refusal | None]:
    """The same, without a consequence."""
    usual = floor.parts.limits
    limits = usual.recovering() if floor.guard.recovering_until(exposure.now) else usual
    wanted: Order | Refusal | None = checks.refusal(wish, exposure, floor.checks)
    if wanted is None and wish.action is Action.ENTER:
        wanted = sizing.sized(wish, exposure, limits)
    elif wanted is None:
        wanted = exits.exit_order(desk.book, wish.symbol, wish.price, wish.reason)
    return (None, wanted) if isinstance(wanted, Refusal) else (wanted, None)
