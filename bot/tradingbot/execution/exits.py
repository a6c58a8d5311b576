"""Leaving a position: within the exit budget, in one request with the stop, and verified by asking the venue."""

from decimal import Decimal

from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Refusal
from tradingbot.domain.order import (
    UNSETTLED,
    Cancel,
    Order,
    OrderStatus,
    OrderType,
    Outcome,
    Purpose,
    Refused,
    Side,
)
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.recount import recount
from tradingbot.execution.send import place
from tradingbot.execution.settle import collect, follow, may_repeat, repeats
from tradingbot.execution.stops import cover


def exit_order(book: Book, symbol: str, mark: Decimal, reason: str) -> Order | Refusal:
    """A market sell of all that fills left and no other sell may take, replacing the stop if one rests."""
    stops = book.orders(symbol, Purpose.STOP)
    if any(record.status in UNSETTLED for record in stops):
        return Refusal("Unsettled", f"a stop in {symbol} has no known outcome yet")
    replaced = next((r.write.client_id for r in stops if r.status is OrderStatus.OPEN), None)
    instrument = book.instruments[symbol]
    budget = book.there(symbol) - book.selling(symbol, but=replaced)
    quantity = instrument.market_quantity(budget)
    if instrument.is_dust(quantity, mark):
        return Refusal("NothingToSell", f"{max(budget, ZERO)} {instrument.base} is less than can be sold")
    return Order(
        symbol=symbol,
        side=Side.SELL,
        type=OrderType.MARKET,
        purpose=Purpose.EXIT,
        quantity=quantity,
        replaces=replaced,
        reason=reason,
    )


async def after_exit(desk: Desk, request: Order, outcome: Outcome) -> None:
    """If the exit was refused, the position is covered again before anything else."""
    if isinstance(outcome, Refused):
        await follow(desk, request.symbol)
        if request.replaces is None:
            await recount(desk, request.symbol)
        else:
            await cover(desk, request.symbol)


async def leave(desk: Desk, symbol: str, mark: Decimal, reason: str) -> Outcome | Refusal:
    """An exit of *symbol* was sent, or the reason why there is none; one that is refused is not repeated at once."""
    request = exit_order(desk.book, symbol, mark, reason)
    if isinstance(request, Refusal):
        return request
    if not may_repeat(desk, f"exit {symbol}"):
        return Refusal("Waits", "the venue has just refused this exit")
    outcome = await place(desk, request)
    repeats(desk, f"exit {symbol}", isinstance(outcome, Refused))
    await after_exit(desk, request, outcome)
    return outcome


async def drop_entries(desk: Desk, symbol: str, reason: str) -> None:
    """A cancel was sent for every settled entry of *symbol* that still works; what it had filled is in the ledger."""
    for record in desk.book.orders(symbol, Purpose.ENTRY):
        if record.status not in UNSETTLED:
            await place(desk, Cancel(symbol, record.write.client_id, reason))
            await follow(desk, symbol)


async def flatten(desk: Desk, symbol: str, mark: Decimal, reason: str = "flatten") -> bool:
    """One step towards flat was made; True when the venue itself says that nothing of ours is left but dust.

    Every exit carries *reason*.
    """
    await drop_entries(desk, symbol, "flatten")
    if desk.book.is_uncertain(symbol):
        return False
    if not is_flat(desk.book, symbol, mark):
        await leave(desk, symbol, mark, reason)
        await collect(desk, symbol)
    for record in desk.book.orders(symbol, Purpose.STOP):
        if record.status is OrderStatus.OPEN and is_flat(desk.book, symbol, mark):
            await place(desk, Cancel(symbol, record.write.client_id, "flat"))
            await follow(desk, symbol)
    return is_flat(desk.book, symbol, mark) and await nothing_open(desk, symbol)


def is_flat(book: Book, symbol: str, mark: Decimal) -> bool:
    """True when what is there of the position by fills is dust."""
    return book.instruments[symbol].is_dust(book.there(symbol), mark)


async def nothing_open(desk: Desk, symbol: str) -> bool:
    """True when the venue lists no order of this ledger; a venue that cannot be asked leaves it unverified."""
    try:
        listed = await desk.venue.open_orders(symbol)
    except VenueUnavailable:
        return False
    return not any(desk.book.record(report.client_id) for report in listed)
