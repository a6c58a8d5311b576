"""Venues that cannot cancel and place in one request, and answer an order with its number only. Pure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import (
    WORKING,
    Accepted,
    Cancel,
    Fill,
    Order,
    OrderReport,
    OrderStatus,
    OrderType,
    Outcome,
    Refused,
    Unknown,
    VenueWrite,
)
from tradingbot.venues.binance import TRIGGERED, plain
from tradingbot.venues.consequence import Answered
from tradingbot.venues.dialect import Lost, NotConnected, Talk

# A cancel that was taken on is looked after so often before nobody can say what became of it.
LOOKS = 5
# The venue dates a trade by its own clock.
SKEW = timedelta(seconds=1)

Look = Callable[[], Talk[OrderReport | None]]


def gone(look: Look) -> Talk[OrderReport]:
    """How the order ended whose cancel was taken on; raises Lost while it still works, or when nobody can say."""
    for _ in range(LOOKS):
        try:
            standing = yield from look()
        except Answered as answer:
            raise Lost(f"the cancel was taken on; how the order stands is not known: {answer}") from answer
        if standing is not None and standing.status not in WORKING:
            return standing
    raise Lost("the cancel was taken on, and the order still works")


def one_write(
    write: VenueWrite,
    take_back: Callable[[str, str], Talk[OrderReport]],
    place: Callable[[Order], Talk[Accepted]],
    judged: Callable[[Answered], Refused | Unknown],
) -> Talk[Outcome]:
    """*write* as its steps: what it replaces is taken back first, and nothing is placed unless that was untouched."""
    request = write.request
    if isinstance(request, Cancel):
        return Accepted((yield from take_back(request.symbol, request.client_id)))
    if request.type in TRIGGERED and request.stop_price is None:
        return Refused("NoStopPrice", "a stop without its price would be executed at once")
    if request.replaces is not None and (
        refused := (yield from _made_way(take_back(request.symbol, request.replaces)))
    ):
        return refused
    try:
        return (yield from place(request))
    except Answered as answer:
        outcome = judged(answer)
    except NotConnected as error:
        outcome = Refused("NotConnected", str(error))
    if isinstance(outcome, Refused) and request.replaces is not None:
        return replace(outcome, cancelled_first=True)
    return outcome


def _made_way(take_back: Talk[OrderReport]) -> Talk[Refused | None]:
    """Why nothing may be placed; whoever asks how the old order stands gets it from the venue, not from here."""
    try:
        old = yield from take_back
    except (Answered, Lost) as error:
        return Refused("NotReplaced", f"nothing was placed: {error}")
    if old.filled > ZERO or old.status is OrderStatus.FILLED:
        return Refused("NotReplaced", f"nothing was placed: {plain(old.filled)} of the old order had been filled")
    return None


def standing(write: VenueWrite, request: Order, venue_id: str) -> OrderReport:
    """*request* as an order the venue has just taken on."""
    return OrderReport(
        symbol=request.symbol,
        client_id=write.client_id,
        venue_id=venue_id,
        status=OrderStatus.OPEN,
        side=request.side,
        type=request.type,
        quantity=request.quantity,
        filled=ZERO,
        price=request.price,
        stop_price=request.stop_price,
        at=write.timestamp,
    )


def taken_on(taken: OrderReport, look: Look, fills: Callable[[datetime], Talk[tuple[Fill, ...]]]) -> Talk[Accepted]:
    """An order that was taken on; one that takes from the book at once comes with its fills, if the venue tells now."""
    if taken.type is not OrderType.MARKET:
        return Accepted(taken)
    try:
        report = yield from look()
        if report is None or report.filled == ZERO:
            return Accepted(report or taken)
        own = [fill for fill in (yield from fills(taken.at - SKEW)) if fill.client_id == taken.client_id]
    except (Answered, Lost):
        return Accepted(taken)
    return Accepted(report, tuple(own))
