"""When the venue refuses a sell: perhaps there is less than fills say, and then what is there is sold."""

import structlog

from tradingbot.domain.instrument import ZERO
from tradingbot.execution.desk import Desk
from tradingbot.execution.outside import sold_by_others
from tradingbot.execution.settle import collect
from tradingbot.execution.taken import take_in

log = structlog.stdlib.get_logger("tradingbot")


async def recount(desk: Desk, symbol: str) -> None:
    """What the account lacks of the position is known to the book; nothing is concluded while anything is uncertain."""
    book, base = desk.book, desk.book.instruments[symbol].base
    totals = await desk.venue.balances()
    listed = await desk.venue.open_orders(symbol)
    # After the balances: a fill that took the coins is ours and stands in the position by now, or it is another's.
    await collect(desk, symbol)
    if book.is_uncertain(symbol):
        return
    ours = frozenset(record.write.client_id for record in book.live(symbol))
    before, total = book.missing.get(symbol, ZERO), totals.get(base, ZERO)
    await take_in(desk, symbol, book.positions[symbol].quantity - total)
    short = desk.outside.lacks(book, symbol, total - sold_by_others(listed, ours))
    desk.outside.listed(symbol, listed)
    if short != before:
        log.warning("The account lacks part of the position", symbol=symbol, missing=str(short))
