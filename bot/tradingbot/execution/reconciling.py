"""By a person's wish: what the account has and the ledger does not know, and what the ledger holds that is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tradingbot.domain.audit import event
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, Order, OrderReport, OrderStatus, OrderType, Purpose, Side
from tradingbot.domain.reconciliation import Action, Difference, Money, Orders, Reconciled, Wish
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.execution.outside import amounts, plain, sold_by_others
from tradingbot.execution.record import keep_fills, settled
from tradingbot.execution.send import place
from tradingbot.execution.settle import collect, follow
from tradingbot.execution.stops import cover, replacing, stop_order

# A market takes no more than so much in one order, and what it takes in ten is enough for once.
ORDERS = 10
# So many orders back a wish that was interrupted is looked for.
LOOKED_AT = 1000
MOVED = "the account moved while it was read: ask again"
UNSETTLED = "an order has no known outcome yet: ask again when it has"
EXAMINED = Wish(Action.SHOW, "", "at intervals")
SHARED = "exchange.shared is true: what the account has beyond this ledger may be another bot's"


@dataclass(frozen=True, slots=True)
class Prices:
    """The newest price of each market, and how far below it, as a ratio, an adopted position is stopped."""

    marks: Mapping[str, Decimal]
    distance: Decimal


async def reconcile(desk: Desk, wish: Wish, prices: Prices) -> Reconciled:
    """Ledger and account agree on what was wished, or nothing was changed and the answer says why."""
    if wish.action is Action.UNAUTHORIZED:
        return Reconciled(await unauthorized(desk, wish))
    if desk.shared and wish.action in (Action.ADOPT, Action.CLOSE):
        return Reconciled(refused=SHARED, again=False)
    if wish.symbol is not None and wish.symbol not in desk.book.instruments:
        known = ", ".join(desk.book.instruments)
        return Reconciled(refused=f'symbol "{wish.symbol}" is not traded here: write one of {known}', again=False)
    if refused := await _unclear(desk, prices):
        return Reconciled(refused=refused)
    found = await compared(desk)
    if found is None:
        return Reconciled(refused=MOVED)
    if wish.action is Action.MARK_CLOSED:
        return await _mark_closed(desk, found.differences, wish, prices)
    done = [await STEPS[wish.action](desk, each, wish, prices) for each in found.differences]
    # What was a surprise is none any more: from here on changes are counted anew.
    desk.outside.counts_anew()
    left = [each.symbol for each in done if each.done.startswith("not ")]
    # Money and orders are those of before: only who changed nothing can tell of them.
    looked = found if wish.action is Action.SHOW else Reconciled()
    return replace(looked, differences=tuple(done), refused=f"{', '.join(left)}: not done, ask again" if left else None)


async def examined(desk: Desk, prices: Prices) -> Reconciled:
    """What differs is told; nothing is changed, and no surprise is taken for known."""
    if refused := await _unclear(desk, prices):
        return Reconciled(refused=refused)
    found = await compared(desk)
    if found is None:
        return Reconciled(refused=MOVED)
    return replace(found, differences=tuple([await _show(desk, each, EXAMINED, prices) for each in found.differences]))


async def unauthorized(desk: Desk, wish: Wish) -> tuple[Difference, ...]:
    """The account's trades of so late that no order of this ledger has made, each by itself, oldest first."""
    since, found = desk.clock.now() - wish.since, []
    for symbol in desk.book.instruments:
        for fill in await desk.venue.fills(symbol, since):
            if desk.outside.is_foreign(fill.client_id):
                what = f"{fill.side.value} {plain(fill.quantity)} at {plain(fill.price)}"
                said = f"{what}, trade {fill.trade_id}, {fill.at.isoformat(timespec='seconds')}"
                quantity = fill.quantity if fill.side is Side.BUY else -fill.quantity
                found.append(Difference(symbol, ZERO, quantity, said))
    return tuple(found)


async def _unclear(desk: Desk, prices: Prices) -> str | None:
    """Why nothing can be said of the account now; every order was followed once more."""
    for symbol in desk.book.instruments:
        await follow(desk, symbol)
        if desk.book.is_uncertain(symbol):
            return UNSETTLED
        if prices.marks.get(symbol, ZERO) <= ZERO:
            return f"{symbol} has no price yet: ask again when a bar has come"
    return UNSETTLED if desk.ledger.unsettled() else None


async def compared(desk: Desk) -> Reconciled | None:
    """What ledger and account say of markets, money and orders; None when a fill came while the account was read.

    What is sold by orders of others is not ours to sell again; a coin of two markets belongs to the first of them.
    """
    before = amounts(desk.book)
    totals, orders = dict(await desk.venue.balances()), Orders()
    for symbol, market in desk.book.instruments.items():
        listed = await desk.venue.open_orders(symbol)
        ours = frozenset(record.write.client_id for record in desk.book.live(symbol))
        orders = _with(orders, desk, symbol, listed)
        totals[market.base] = totals.get(market.base, ZERO) - sold_by_others(listed, ours)
        await collect(desk, symbol)
    if amounts(desk.book) != before:
        return None
    found = []
    coin = next(iter(desk.book.instruments.values())).quote
    money = Money(coin, desk.book.cash, totals.get(coin, ZERO))
    for symbol, market in desk.book.instruments.items():
        alike = [each for each, other in desk.book.instruments.items() if other.base == market.base and each != symbol]
        held = desk.book.positions[symbol].quantity
        account = max(ZERO, totals[market.base] - sum((desk.book.positions[each].quantity for each in alike), ZERO))
        found.append(Difference(symbol, held, account))
        totals[market.base] -= account - held if account > held else ZERO
    return Reconciled(tuple(found), money=money, orders=orders)


def _with(orders: Orders, desk: Desk, symbol: str, listed: Sequence[OrderReport]) -> Orders:
    """Those of one market too; on a shared account what another bot has sent is no surprise."""
    live, there = desk.book.live(symbol), {each.client_id for each in listed}
    ours = {record.write.client_id for record in live}
    stray = (name for name in sorted(there - ours) if not desk.shared or desk.outside.is_foreign(name))
    resting = (record.write.client_id for record in live if record.status in (OrderStatus.OPEN, OrderStatus.PARTIAL))
    gone = (name for name in resting if name not in there)
    return Orders((*orders.unknown, *stray), (*orders.missing, *gone))


def unexpected(book: Book, found: Difference, prices: Prices) -> Decimal:
    """What the account has of the coin beyond the ledger, as much as the venue would sell; dust is nothing."""
    market = book.instruments[found.symbol]
    if market.base in {each.quote for each in book.instruments.values()}:
        # It is the money of another market.
        return ZERO
    beyond = market.floor_quantity(max(ZERO, found.account - found.ledger))
    return ZERO if market.is_dust(beyond, prices.marks[found.symbol]) else beyond


async def _show(desk: Desk, found: Difference, _: Wish, prices: Prices) -> Difference:
    market, lacks = desk.book.instruments[found.symbol], found.ledger - found.account
    if more := unexpected(desk.book, found, prices):
        return replace(found, done=f"unexpected: {plain(more)}")
    return (
        found if market.is_dust(lacks, prices.marks[found.symbol]) else replace(found, done=f"missing: {plain(lacks)}")
    )


async def _adopt(desk: Desk, found: Difference, wish: Wish, prices: Prices) -> Difference:
    """What was unexpected is part of the position, and the stop covers it."""
    more = unexpected(desk.book, found, prices)
    if not more:
        return found
    _stand_in(desk, _bought(desk.book, found.symbol, more, (wish, prices)))
    covered = await cover(desk, found.symbol)
    return replace(found, done=f"adopted {plain(more)}" if covered else f"not covered: adopted {plain(more)}")


async def _close(desk: Desk, found: Difference, wish: Wish, prices: Prices) -> Difference:
    """What was unexpected is sold, also what an earlier try with this wish had only adopted; the rest is as it was."""
    more = unexpected(desk.book, found, prices)
    if more:
        _stand_in(desk, _bought(desk.book, found.symbol, more, (wish, prices)))
    market, begun = desk.book.instruments[found.symbol], adopted_for(desk, found.symbol, wish)
    for _ in range(ORDERS):
        left = market.market_quantity(adopted_for(desk, found.symbol, wish))
        if market.is_dust(left, prices.marks[found.symbol]):
            break
        stop = await _room(desk, found.symbol, left)
        why = _why(wish)
        await place(
            desk, Order(found.symbol, Side.SELL, OrderType.MARKET, Purpose.EXIT, left, replaces=stop, reason=why)
        )
        await follow(desk, found.symbol)
    left = adopted_for(desk, found.symbol, wish)
    await cover(desk, found.symbol)
    if not market.is_dust(left, prices.marks[found.symbol]):
        return replace(found, done=f"not sold: {plain(left)}, which is a position with its stop now")
    return replace(found, done=f"sold {plain(begun - left)}") if begun > left else found


async def _room(desk: Desk, symbol: str, quantity: Decimal) -> str | None:
    """The stop leaves *quantity* to be sold; where it covers nothing else, it is to be replaced by the sell: its id."""
    book = desk.book
    standing = [each for each in book.orders(symbol, Purpose.STOP) if each.status is OrderStatus.OPEN]
    if not standing or book.there(symbol) - book.selling(symbol) >= quantity:
        return None
    rest = stop_order(book, symbol, book.there(symbol) - quantity)
    if rest is None:
        return standing[0].write.client_id
    await place(desk, replacing(rest, standing[0].write.client_id))
    await follow(desk, symbol)
    return None


def adopted_for(desk: Desk, symbol: str, wish: Wish) -> Decimal:
    """What was adopted by that wish and no order of it has sold, whichever process began it."""
    left = ZERO
    for record in desk.ledger.orders(None, LOOKED_AT):
        request = record.write.request
        if isinstance(request, Order) and (request.symbol, request.reason) == (symbol, _why(wish)):
            left += record.filled if request.side is Side.BUY else -record.filled
    return min(left, desk.book.positions[symbol].quantity)


async def _mark_closed(desk: Desk, found: tuple[Difference, ...], wish: Wish, prices: Prices) -> Reconciled:
    """What was wished is closed in the ledger; nothing is where the venue still shows a part, unless that is forced."""
    held = [each for each in found if each.ledger > ZERO and wish.symbol in (None, each.symbol)]
    shown = [each for each in held if await _is_shown(desk, each, prices)]
    if shown and not wish.force:
        listed = tuple(replace(each, done="the venue still shows it") for each in shown)
        names = ", ".join(each.symbol for each in shown)
        return Reconciled(listed, f"the venue still shows {names}: close it there first, or use --force", again=False)
    for each in held:
        mark, held_ = wish.price or prices.marks[each.symbol], each.ledger
        _stand_in(
            desk,
            Order(each.symbol, Side.SELL, OrderType.MARKET, Purpose.EXIT, held_, price=mark, reason=_why(wish)),
        )
        desk.outside.lacks(desk.book, each.symbol, each.account)
        await cover(desk, each.symbol)
    desk.outside.counts_anew()
    return Reconciled(tuple(replace(each, done=f"marked closed: {plain(each.ledger)}") for each in held))


async def _is_shown(desk: Desk, found: Difference, prices: Prices) -> bool:
    """Whether the account still has what could be sold, or an order of this ledger is open."""
    ours = any(desk.book.record(each.client_id) for each in await desk.venue.open_orders(found.symbol))
    there = min(found.account, found.ledger)
    return ours or not desk.book.instruments[found.symbol].is_dust(there, prices.marks[found.symbol])


def _bought(book: Book, symbol: str, quantity: Decimal, about: tuple[Wish, Prices]) -> Order:
    """A position that is there keeps its stop; a new one is stopped as an entry at this price would be."""
    wish, prices = about
    mark, market = prices.marks[symbol], book.instruments[symbol]
    own = book.stop_prices.get(symbol) if not market.is_dust(book.positions[symbol].quantity, mark) else None
    stop = own or market.floor_price(mark * (1 - prices.distance))
    why = _why(wish)
    return Order(symbol, Side.BUY, OrderType.MARKET, Purpose.ENTRY, quantity, mark, stop_price=stop, reason=why)


def _why(wish: Wish) -> str:
    # One position at a price of a person: the reason is what reports show of the trade.
    return wish.reason if wish.price else f"{wish.action.value} {wish.name or 'by hand'}: {wish.reason}"


def _stand_in(desk: Desk, order: Order) -> None:
    """The ledger has *order* as filled at its price, in one transaction, though no venue ever saw it.

    The position stays the sum of fills, and the row, which nobody can change, says who wished it and why.
    """
    now, price = desk.clock.now(), order.price or ZERO
    with desk.ledger.one_write():
        # As long a life as a request that is sent: the guard of a takeover is that of the newest intent.
        write = desk.ledger.intend(desk.lease, order, now, now + desk.venue.request_life)
        name = write.client_id
        report = OrderReport(
            order.symbol,
            name,
            "",
            OrderStatus.FILLED,
            order.side,
            order.type,
            order.quantity,
            order.quantity,
            price,
            order.stop_price,
            now,
        )
        settled(desk, name, OrderStatus.FILLED, report, order.reason)
        quote = desk.book.instruments[order.symbol].quote
        fill = Fill(order.symbol, f"wish-{name}", name, "", order.side, order.quantity, price, ZERO, quote, now)
        keep_fills(desk, (fill,))
        about = {"client_id": name, "side": order.side, "quantity": plain(order.quantity), "price": plain(price)}
        desk.ledger.tell(event("RECONCILED", "person", order.symbol, **about, reason=order.reason))


STEPS = {Action.SHOW: _show, Action.ADOPT: _adopt, Action.CLOSE: _close}
