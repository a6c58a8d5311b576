"""A ledger older than the venue, whoever restored it: no epoch that an order already carries is traded under again."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog

from tradingbot.domain.clientid import newest_from
from tradingbot.domain.errors import Fenced
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Fill
from tradingbot.execution.book import Book
from tradingbot.execution.desk import SKEW, Desk
from tradingbot.execution.record import is_ours, keep_fills
from tradingbot.floor import Floor

# What was done after a copy was taken lies at most so far back, and in the markets that were traded last before it.
RECENT = timedelta(days=1)
MARKETS = 10
log = structlog.stdlib.get_logger("tradingbot")


async def traded_since(floor: Floor, book: Book) -> tuple[Fill, ...]:
    """The account's trades from the newest on that *book* knows, in the markets it traded last.

    Not on a shared account: each trade of another bot would have to be asked for.
    """
    if floor.parts.settings.shared:
        return ()
    clock, venue = floor.parts.clock, floor.parts.venue
    earliest = clock.now() - clock.scaled(RECENT)
    newest = {symbol: at - clock.scaled(SKEW) for symbol, at in book.newest_fill_at.items()}
    marks = dict.fromkeys(floor.symbols, earliest) | {symbol: max(at, earliest) for symbol, at in newest.items()}
    since = sorted(marks.items(), key=lambda mark: mark[1], reverse=True)[:MARKETS]
    found = await asyncio.gather(*(venue.fills(symbol, moment) for symbol, moment in since))
    return tuple(fill for fills in found for fill in fills)


async def recover(desk: Desk, fills: Sequence[Fill]) -> None:
    """What this ledger's orders have traded past its knowledge is in it: a stop must not find its position gone."""
    ours = tuple(fill for fill in fills if is_ours(desk, fill.client_id))
    markets = {fill.client_id: fill.symbol for fill in ours}
    known = {record.write.client_id for record in desk.ledger.named_orders(tuple(markets))} if markets else set()
    for name in markets.keys() - known:
        report = await desk.venue.order(markets[name], name)
        if report is not None:
            log.warning("An order of this ledger that it did not know has traded", client_id=name)
            desk.book.put(desk.ledger.recover(desk.lease, name, report))
    keep_fills(desk, ours)


def require_newest(floor: Floor, lease: Lease, names: Iterable[str]) -> None:
    """No order among *names* at the venue was sent under this epoch or a later one, but by this very process.

    Else the ledger has been set back: the epoch is retired, the bot halted until a person resumes it; raises Fenced.
    """
    ledger, now = floor.parts.ledger, floor.parts.clock.now()
    later = newest_from(names, lease.ledger_id, lease.epoch)
    if not later:
        return
    own = frozenset(record.write.client_id for record in ledger.named_orders([str(each) for each in later]))
    beyond = [each for each in later if each.epoch > lease.epoch or str(each) not in own]
    if not beyond:
        return
    highest = max(each.epoch for each in beyond)
    said = (
        f"LedgerSetBack: the venue has an order of epoch {highest} of this ledger, which stands at {lease.epoch}: it "
        f"is an older copy; run atb db adopt --ledger-id {lease.ledger_id} --above {highest}, and start the bot anew"
    )
    floor.teller.behind(highest)
    with ledger.one_write():
        # Whoever is fenced by now is no proof: those orders are of the process that came after it.
        if ledger.retire(lease, now):
            ledger.latch(Halt(f"set-back-{highest}", HaltKind.HALT, "ledger", said, now))
    raise Fenced(said)
