"""The one door to the venue's writes: room, fence, send, record; between timestamp and send nothing is awaited."""

from dataclasses import replace
from datetime import datetime

from tradingbot.domain.intent import Decision, Refusal
from tradingbot.domain.order import Accepted, Cancel, Order, OrderStatus, Outcome, Refused, Unknown, VenueWrite
from tradingbot.execution.desk import Desk
from tradingbot.execution.journal import ExitJournal
from tradingbot.execution.record import keep_fills, settled

NO_ROOM = "RateLimited"


async def place(desk: Desk, request: Order | Cancel) -> Outcome:
    """A write that no strategy decided (stop, cancel, exit by halt) is in the ledger and was sent once.

    What finds no room in the budget of this address is refused and leaves no trace there.
    """
    if why := await desk.venue.room(request):
        return Refused(NO_ROOM, f"not sent: {why}")
    await desk.clock.assure()
    timestamp = desk.clock.now()
    write = desk.ledger.intend(desk.lease, request, timestamp, timestamp + desk.venue.request_life)
    desk.sent(request, timestamp)
    return await send(desk, write)


async def decide(desk: Desk, decision: Decision, request: Order | Cancel | None) -> Outcome | Refusal | None:
    """The bar is decided, once for ever, and *request* was sent unless it had become stale; None = nothing to send."""
    if request is not None and (why := await desk.venue.room(request)):
        decision, request = replace(decision, refusal=Refusal(NO_ROOM, f"not sent: {why}")), None
    if request is not None:
        await desk.clock.assure()
    timestamp = desk.clock.now()
    if isinstance(request, Order) and is_stale(desk, request, timestamp):
        age = (timestamp - (request.seen_at or timestamp)).total_seconds()
        decision = replace(decision, refusal=Refusal("Stale", f"the data behind the entry is {age:g} s old"))
        request = None
    expires = timestamp + desk.venue.request_life
    write = desk.ledger.decide(desk.lease, decision, request, (timestamp, expires) if request else None)
    if write is None:
        return decision.refusal
    desk.sent(write.request, timestamp)
    return await send(desk, write)


def is_stale(desk: Desk, request: Order, timestamp: datetime) -> bool:
    """True for an entry that rests on data older than its age allows; exits and stops have no such age."""
    return request.seen_at is not None and timestamp - request.seen_at > desk.clock.scaled(desk.entry_max_age)


async def journaled(desk: Desk, journal: ExitJournal, request: Order) -> Outcome:
    """*request* is on the state volume and was sent once; the ledger, which is away, hears of it by the replay.

    It asks nobody for room: the time for which it may be sent is running.
    """
    await desk.clock.assure()
    timestamp = desk.clock.now()
    write = journal.numbered(desk.lease, request, (timestamp, timestamp + desk.venue.request_life))
    return await sent(desk, write)


async def send(desk: Desk, write: VenueWrite) -> Outcome:
    """*write* was sent once, and what is known of its outcome is in the ledger."""
    outcome = await sent(desk, write)
    desk.save()
    record(desk, write, outcome)
    return outcome


async def sent(desk: Desk, write: VenueWrite) -> Outcome:
    """What became of *write*, as far as the venue told; nothing else in the product calls its *send*."""
    began = desk.clock.monotonic()
    outcome = await desk.venue.send(write)
    desk.metrics.order_latency(desk.clock.monotonic() - began)
    return outcome


def record(desk: Desk, write: VenueWrite, outcome: Outcome) -> None:
    """The ledger, in one transaction, and the book have *outcome*."""
    with desk.ledger.one_write():
        _record(desk, write, outcome)


def _record(desk: Desk, write: VenueWrite, outcome: Outcome) -> None:
    name = type(outcome).__name__.lower()
    if isinstance(write.request, Order):
        desk.metrics.order(write.request.symbol, write.request.side, write.request.purpose, name)
    match outcome:
        case Accepted(report, fills) if isinstance(write.request, Order):
            replaced(desk, write.request)
            settled(desk, write.client_id, report.status, report)
            keep_fills(desk, fills)
        case Accepted(report):
            settled(desk, write.client_id, OrderStatus.CANCELLED)
            settled(desk, report.client_id, report.status, report)
        case Refused(code, message, cancelled_first):
            if cancelled_first and isinstance(write.request, Order):
                replaced(desk, write.request)
            settled(desk, write.client_id, OrderStatus.REFUSED, message=f"{code} {message}".strip())
        case Unknown(message):
            desk.unresolved += 1
            settled(desk, write.client_id, OrderStatus.UNKNOWN, message=message)


def replaced(desk: Desk, request: Order) -> None:
    """The order that was cancelled in the same request is cancelled here too; the venue cancels only untouched ones."""
    if request.replaces is not None:
        settled(desk, request.replaces, OrderStatus.CANCELLED)
