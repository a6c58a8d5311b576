"""What the venue says goes into the ledger first and then into the book."""

from collections.abc import Sequence

import structlog

from tradingbot.domain.clientid import parse_client_id
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import WORKING, Fill, OrderRecord, OrderReport, OrderStatus
from tradingbot.execution.book import in_bar, order
from tradingbot.execution.desk import Desk

log = structlog.stdlib.get_logger("trades")


def settled(
    desk: Desk, client_id: str, status: OrderStatus, report: OrderReport | None = None, message: str = ""
) -> OrderRecord:
    """The ledger's record after the order moved to *status*, if that is forward; what is known costs nothing."""
    known = desk.book.record(client_id)
    if known is not None and report is not None and not message and not says_more(report, known):
        return known
    record = desk.ledger.settle(desk.lease, client_id, status, report, message)
    desk.book.put(record)
    return record


def says_more(report: OrderReport, known: OrderRecord) -> bool:
    """True when *report* is news."""
    return (known.status, known.filled, known.venue_id) != (report.status, report.filled, report.venue_id)


def keep_fills(desk: Desk, fills: Sequence[Fill]) -> tuple[Fill, ...]:
    """Our own fills among *fills* are in the ledger and in the positions; gives the new ones. Others are reported."""
    for fill in fills:
        if not is_ours(desk, fill.client_id):
            desk.outside.traded(fill)
    ours = [in_bar(fill, desk.step) for fill in fills if is_ours(desk, fill.client_id)]
    if not ours:
        return ()
    new = desk.ledger.record_fills(desk.lease, ours)
    for fill in new:
        known = desk.book.record(fill.client_id)
        purpose = order(known).purpose.value if known else None
        desk.book.apply(fill)
        log.info("Trade executed", purpose=purpose, **told(fill))
        fee = fill.commission if fill.commission_asset == desk.book.instruments[fill.symbol].quote else ZERO
        desk.metrics.fill(fill.symbol, fill.side, fill.quantity * fill.price, fee)
    return new


def told(fill: Fill) -> dict[str, str]:
    """*fill* as a line of the log."""
    names = ("symbol", "side", "quantity", "price", "commission", "commission_asset", "trade_id", "client_id")
    return {name: str(getattr(fill, name)) for name in names}


def is_ours(desk: Desk, client_id: str) -> bool:
    """True for an id of this ledger, whichever epoch wrote it."""
    parsed = parse_client_id(client_id)
    return parsed is not None and parsed.ledger_id == desk.ledger.ledger_id


def take_event(desk: Desk, event: OrderReport | Fill) -> None:
    """An event of the venue is recorded if it is about a known order; repeated or late ones change nothing."""
    if isinstance(event, Fill):
        keep_fills(desk, (event,))
    elif event.status in WORKING and desk.outside.is_foreign(event.client_id):
        desk.outside.saw(event)
    elif desk.book.record(event.client_id) is not None:
        settled(desk, event.client_id, event.status, event)
