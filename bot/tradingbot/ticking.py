"""One decision of a strategy that decides on a timer: its event id is the venue's time in milliseconds."""

from dataclasses import replace
from decimal import Decimal

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Action, Decision, Intent, Refusal
from tradingbot.domain.order import UNSETTLED, Accepted, Cancel, Order, OrderType, Purpose, Side
from tradingbot.execution import exits, send
from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor
from tradingbot.risk import checks, sizing
from tradingbot.strategy import metronome
from tradingbot.strategy.metronome import Metronome, Step, Style

Request = Order | Cancel


async def tick(floor: Floor, desk: Desk, symbol: str) -> bool:
    """The beat is decided, once, and what it asked for was sent; True when the position may have changed.

    An order in passing was taken back, by a decision of its own.
    """
    beat, newest = floor.parts.strategy.metronome, floor.bars.newest(symbol)
    if beat is None or newest is None:
        return False
    now = floor.parts.clock.now()
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    resting = [r.write.client_id for r in desk.book.orders(symbol, Purpose.ENTRY) if r.status not in UNSETTLED]
    step = metronome.step(beat, resting, exits.is_flat(desk.book, symbol, newest.close))
    action = Action.EXIT if step in (Step.SELL, Step.TAKE_BACK) else Action.ENTER
    if action is Action.ENTER and floor.parts.strategy.name in floor.guard.halts.off:
        return False
    intent = Intent(symbol, floor.parts.strategy.name, at, action, newest.close, at, step)
    request, refusal = _verdict(floor, desk, intent, resting)
    outcome = await send.decide(desk, Decision(intent.strategy, symbol, at, intent, refusal), request)
    floor.teller.ticked(Decision(intent.strategy, symbol, at, intent, refusal), outcome)
    if step is Step.PLACE and beat.style is Style.PASSING and isinstance(outcome, Accepted):
        return await tick(floor, desk, symbol)
    return step in (Step.BUY, Step.SELL)


def _verdict(floor: Floor, desk: Desk, intent: Intent, resting: list[str]) -> tuple[Request | None, Refusal | None]:
    exposure = floor.guard.exposure(desk, counted=intent.action is Action.ENTER)
    refusal = checks.refusal(intent, exposure, floor.beat_checks)
    floor.guard.judged(intent, refusal, exposure)
    if refusal is not None:
        return None, refusal
    beat = floor.parts.strategy.metronome
    if intent.reason == Step.TAKE_BACK:
        return Cancel(intent.symbol, resting[0], "metronome"), None
    if intent.reason == Step.SELL or beat is None:
        wanted = exits.exit_order(desk.book, intent.symbol, intent.price, intent.reason)
        return (None, wanted) if isinstance(wanted, Refusal) else (wanted, None)
    order = _buy(floor, desk, intent, beat)
    for check in sizing.order_checks(floor.parts.limits):
        refusal = check(order, order.price or intent.price, exposure)
        if refusal is not None:
            return None, refusal
    return order, None


def _buy(floor: Floor, desk: Desk, intent: Intent, beat: Metronome) -> Order:
    """A buy at the market, with the stop that is to follow it, or one that rests."""
    instrument = desk.book.instruments[intent.symbol]
    rests = intent.reason == Step.PLACE
    price = instrument.floor_price(intent.price * metronome.RESTS_AT) if rests else intent.price
    worth = beat.notional if rests or beat.style is Style.MARKET else beat.holds
    order = Order(
        symbol=intent.symbol,
        side=Side.BUY,
        type=OrderType.LIMIT if rests else OrderType.MARKET,
        purpose=Purpose.ENTRY,
        quantity=_enough(instrument.market_quantity(worth / price), price, worth, instrument.quantity_step),
        price=price if rests else None,
        seen_at=intent.seen_at,
        reason=intent.reason,
    )
    if rests:
        return order
    return replace(order, stop_price=instrument.floor_price(price * (1 - floor.parts.limits.stop_loss_percent / 100)))


def _enough(quantity: Decimal, price: Decimal, worth: Decimal, step: Decimal) -> Decimal:
    """*quantity*, one step more when rounding down left it below *worth*."""
    return quantity if quantity * price >= worth or step == ZERO else quantity + step
