"""When the venue refuses a sell: perhaps there is less than fills say, and then what is there is sold."""

import structlog

from tradingbot.domain.instrument import ZERO
from tradingbot.execution.desk import Desk
from tradingbot.execution.outside import sold_by_others
from tradingbot.execution.settle import collect

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
    before = book.missing.get(symbol, ZERO)
    short = desk.outside.lacks(book, symbol, totals.get(base, ZERO) - sold_by_others(listed, ours))
    desk.outside.listed(symbol, listed)
    if short != before:
        log.warning("The account lacks part of the position", symbol=symbol, missing=str(short))
