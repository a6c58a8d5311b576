"""Taking over: what the predecessor left at the venue is known, covered and settled before the first entry."""

import asyncio
from datetime import datetime, timedelta

from tradingbot import setback
from tradingbot.ahead import Ahead
from tradingbot.cutoff import replay
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Fill, OrderRecord
from tradingbot.domain.snapshot import Adoption
from tradingbot.execution import settle, stops
from tradingbot.execution.book import Book
from tradingbot.execution.desk import SKEW
from tradingbot.execution.inheritance import Inheritance, Listed
from tradingbot.floor import Floor
from tradingbot.inbox import ended
from tradingbot.trading import LONG_AGO, Trader

ASKED_SECONDS = 0.001


async def adopted(floor: Floor, lease: Lease, ahead: Ahead) -> Trader:
    """Ledger, venue and book agree, nothing is unsettled, every position is covered. A clean start is the same."""
    parts, began = floor.parts, floor.parts.clock.monotonic()
    floor.teller.adopting(Adoption(lease.epoch))
    with parts.ledger.one_read():
        book, until = parts.ledger.paper_book(), parts.ledger.quiet_until()
    parts.venue.restore(book)
    await quiet(floor, until)
    trader, left, unclean = await found(floor, lease, ahead)
    desk = trader.desk
    floor.teller.resumed_with(desk)
    for symbol in floor.symbols:
        await settle.follow(desk, symbol, left.listed[symbol])
        await stops.renew(desk, symbol, unclean)
        await trader.protect(symbol)
    if left.unresolved:
        await trader.settle()
        for symbol in floor.symbols:
            await trader.answer(symbol)
        # That took its time, and somebody may have halted meanwhile.
        floor.guard.load()
    for symbol in floor.symbols:
        for bar in floor.bars.closed(symbol):
            await trader.pass_(bar)
    floor.teller.adopting(left.result(parts.clock.monotonic() - began))
    for symbol in floor.symbols:
        newest = floor.bars.newest(symbol)
        if newest is not None and parts.strategy.every is None:
            await trader.conclude(newest)
    return trader


async def found(floor: Floor, lease: Lease, ahead: Ahead) -> tuple[Trader, Inheritance, frozenset[int]]:
    """Who trades under *lease*, what the predecessors left to it, and which of their epochs ended badly."""
    parts = floor.parts
    # The venue is asked while the ledger is read, which nobody but us writes any more.
    asking = asyncio.create_task(asked(floor, lease, ahead.desk(lease).book))
    try:
        # So long that the questions have left: the ledger is read without a pause.
        await asyncio.sleep(ASKED_SECONDS)
        if parts.journal.entries():
            # Nothing is written before it is known whose account this is.
            await asking
            replay(ahead.desk(lease), parts.journal)
        trader, unresolved, unclean = read(floor, lease, ahead)
        floor.guard.load()
        listed, fills = await asking
        floor.parts.ledger.remembered()
        open_now = (report.client_id for found in listed.values() for report in found)
        setback.require_newest(floor, lease, (*open_now, *(fill.client_id for fill in fills)))
        left = Inheritance(trader.desk, unresolved, listed)
        await setback.recover(trader.desk, fills)
        return trader, left, unclean
    finally:
        await ended([asking])


def read(floor: Floor, lease: Lease, ahead: Ahead) -> tuple[Trader, tuple[OrderRecord, ...], frozenset[int]]:
    """Who trades under *lease*, with the book and its cursors; what is unresolved; and the epochs that ended badly."""
    ledger = floor.parts.ledger
    with ledger.one_read():
        ahead.refresh()
        trader = Trader(floor, ahead.desk(lease))
        for symbol in floor.symbols:
            trader.decided[symbol] = ledger.decided_through(floor.parts.decider(symbol).name, symbol) or LONG_AGO
        return trader, ledger.unsettled(), ledger.unclean(lease)


async def asked(floor: Floor, lease: Lease, book: Book) -> tuple[Listed, tuple[Fill, ...]]:
    """The venue's open orders by symbol, and what a fresh start finds traded past its book, of the account this ledger
    is bound to; raises Misconfigured for another.
    """
    venue, ledger = floor.parts.venue, floor.parts.ledger
    known = venue.account
    orders = asyncio.gather(*(venue.open_orders(symbol) for symbol in floor.symbols))
    # Who was named has the ledger from the process before it, and a new ledger has a new id: only a fresh start on one
    # that was traded on may have been given an older one.
    trades = setback.traded_since(floor, book) if floor.claimed == lease.epoch > 1 else nothing()
    _, answers, fills = await asyncio.gather(venue.identify(), orders, trades)
    if not known:
        bound = ledger.bind(venue.account)
        if bound != venue.account:
            ledger.retire(lease, floor.parts.clock.now())
            raise Misconfigured(
                f"AccountChanged: ledger {ledger.ledger_id} keeps the book of account {bound}, "
                f"not {venue.account}; name another database, or set exchange and key back"
            )
    return dict(zip(floor.symbols, answers, strict=True)), fills


async def nothing() -> tuple[Fill, ...]:
    return ()


async def quiet(floor: Floor, until: datetime | None) -> None:
    """No request of an epoch that ended uncleanly can still arrive."""
    clock = floor.parts.clock
    while until is not None and clock.now() <= until + clock.scaled(SKEW):
        await floor.pause(timedelta(seconds=0.1))
