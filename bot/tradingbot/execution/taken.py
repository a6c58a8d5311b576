"""What others have sold of our position, by the account's own trades: it is in the book under their ids, once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import structlog

from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.order import FOREIGN, Fill, Side
from tradingbot.execution.book import in_bar
from tradingbot.execution.desk import Desk
from tradingbot.execution.record import told

# A sale before that is not looked for: a person marks the position closed.
LOOKED_BACK = timedelta(days=1)
log = structlog.stdlib.get_logger("trades")


def explained(sales: Sequence[Fill], short: Decimal, market: Instrument) -> tuple[Fill, ...]:
    """The newest of *sales*, as many as took just what the account is *short* of; none when no row of them did.

    Whoever sold coins that were never ours has left the position alone, and of a part nobody can say whose it was.
    """
    taken = ZERO
    for count, sale in enumerate(reversed(sales), start=1):
        taken += sale.quantity + (sale.commission if sale.commission_asset == market.base else ZERO)
        if abs(short - taken) < market.quantity_step:
            return tuple(sales[-count:])
    return ()


async def take_in(desk: Desk, symbol: str, short: Decimal) -> bool:
    """True when what others sold is in the ledger and in the position, because it explains what the account lacks.

    On a shared account it may have been another bot's.
    """
    position = desk.book.positions[symbol]
    if desk.shared or short <= ZERO or position.opened_at is None:
        return False
    market = desk.book.instruments[symbol]
    since = max(position.opened_at, desk.clock.now() - desk.clock.scaled(LOOKED_BACK))
    sales = [each for each in await desk.venue.fills(symbol, since) if _is_new_sale(desk, each)]
    # Only what was there when the account was counted says anything about it.
    if desk.book.positions[symbol] != position or not (found := explained(sales, short, market)):
        return False
    marked = [in_bar(replace(each, client_id=f"{FOREIGN}{each.venue_id}"), desk.step) for each in found]
    for fill in desk.ledger.record_fills(desk.lease, marked):
        desk.book.apply(fill)
        log.warning("Trade executed", purpose="foreign", **told(fill))
    # One that came late belongs before newer ones, and the average price depends on the order.
    desk.book.hold(desk.ledger.position(market))
    return True


def _is_new_sale(desk: Desk, fill: Fill) -> bool:
    return (
        fill.side is Side.SELL
        and desk.outside.is_foreign(fill.client_id)
        and (fill.symbol, fill.trade_id) not in desk.book.taken
    )
