"""Unknown outcomes end by query, never by hope; working orders are followed the same way."""

from datetime import datetime, timedelta

from tradingbot.domain.order import WORKING, Cancel, OrderRecord, OrderReport, OrderStatus, Purpose, VenueWrite
from tradingbot.execution.book import order
from tradingbot.execution.desk import SKEW, Desk
from tradingbot.execution.record import keep_fills, settled

FIRST_DELAY, LONGEST_DELAY = 0.2, 15.0
# A position may be without its stop while the venue refuses one: no longer than this after it would take one again.
LONGEST_REFUSAL = 2.0


async def settle_due(desk: Desk) -> bool:
    """Every unsettled write whose turn it is was asked for; True when none is left."""
    left = desk.ledger.unsettled()
    for record in left:
        if is_due(desk, record.write.client_id):
            await settle(desk, record.write)
    desk.unresolved = len(desk.ledger.unsettled()) if left else 0
    return desk.unresolved == 0


def is_due(desk: Desk, client_id: str) -> bool:
    """True when it is time to ask for *client_id*, and then the next time lies further off."""
    now = desk.clock.monotonic()
    at, delay = desk.retries.get(client_id, (now, FIRST_DELAY))
    if now < at:
        return False
    desk.retries[client_id] = (now + delay, min(2 * delay, LONGEST_DELAY))
    return True


def may_repeat(desk: Desk, what: str) -> bool:
    """False for a while after *what* was refused. It counts in venue time, as a recording does."""
    return what not in desk.refused or desk.clock.now() >= desk.refused[what][0]


def repeats(desk: Desk, what: str, refused: bool) -> None:
    """What was refused waits, each time longer; what was not may be done again at once."""
    _, delay = desk.refused.pop(what, (None, FIRST_DELAY))
    if refused:
        until = desk.clock.now() + desk.clock.scaled(timedelta(seconds=delay))
        desk.refused[what] = (until, min(2 * delay, LONGEST_REFUSAL))


async def settle(desk: Desk, write: VenueWrite) -> None:
    """What the venue can say of *write* by now is in the ledger; "not found" counts only when it can no longer come."""
    asked = desk.clock.now()
    target = write.request.client_id if isinstance(write.request, Cancel) else write.client_id
    report = await desk.venue.order(write.request.symbol, target)
    if isinstance(write.request, Cancel):
        settle_cancel(desk, write, report, asked)
    elif report is not None:
        settled(desk, write.client_id, report.status, report)
    elif is_final(desk, write, asked):
        settled(desk, write.client_id, OrderStatus.ABSENT, message="the venue never got it")
        desk.metrics.order(write.request.symbol, write.request.side, write.request.purpose, "absent")
    desk.answered.add(write.request.symbol)
    await follow(desk, write.request.symbol)


def settle_cancel(desk: Desk, write: VenueWrite, report: OrderReport | None, asked: datetime) -> None:
    """A cancel has ended when its target has; if the target still stands, the cancel may still be under way."""
    if report is not None and report.status not in WORKING:
        settled(desk, write.client_id, OrderStatus.CANCELLED)
        if desk.book.record(report.client_id) is not None:
            settled(desk, report.client_id, report.status, report)
    elif is_final(desk, write, asked):
        settled(desk, write.client_id, OrderStatus.ABSENT, message="the target was not cancelled")


def is_final(desk: Desk, write: VenueWrite, asked: datetime) -> bool:
    """True when an answer to a question of *asked* must have seen *write*, had it ever arrived."""
    return asked > write.expires_at + desk.clock.scaled(SKEW) + desk.venue.visibility


async def follow(desk: Desk, symbol: str, listed: tuple[OrderReport, ...] | None = None) -> None:
    """Every live order of *symbol*, and its fills, are in the ledger as the venue has them now, or *listed* them."""
    live = desk.book.live(symbol)
    if not live:
        return
    asked = desk.clock.now()
    open_now = {
        report.client_id: report for report in (await desk.venue.open_orders(symbol) if listed is None else listed)
    }
    for record in live:
        name = record.write.client_id
        report = open_now.get(name) or await desk.venue.order(symbol, name)
        if report is not None:
            settled(desk, name, report.status, report)
        elif is_forgotten(desk, record, asked):
            settled(desk, name, OrderStatus.CANCELLED, message="the venue took it on and no longer knows it")
    if desk.book.lacks_fills(symbol):
        await collect(desk, symbol)


def is_forgotten(desk: Desk, record: OrderRecord, asked: datetime) -> bool:
    """True for a stop that was taken on, and of which a question of *asked* would have heard if it still stood.

    Some venues forget a stop that a person took back, or that failed when it was met; it covers nothing any more.
    """
    rests = order(record).purpose is Purpose.STOP and record.status is OrderStatus.OPEN
    return rests and is_final(desk, record.write, asked)


async def collect(desk: Desk, symbol: str) -> None:
    """The venue's fills of *symbol* that may be missing are in the ledger."""
    # Our clock may have been ahead when the order was written: the venue dates its fill by its own.
    since = desk.book.oldest_open(symbol, desk.clock.now()) - desk.clock.scaled(SKEW)
    keep_fills(desk, await desk.venue.fills(symbol, since))


def waits(desk: Desk, symbol: str) -> bool:
    """True while an order other than a resting stop is expected to move by itself."""
    return any(not (order(r).purpose is Purpose.STOP and r.status is OrderStatus.OPEN) for r in desk.book.live(symbol))
