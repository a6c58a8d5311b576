"""The paper venue: an account of our own that matches against bars the trader has seen; no network call is private."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.domain.candle import Candle
from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.order import (
    Accepted,
    Cancel,
    Fill,
    Order,
    OrderReport,
    OrderStatus,
    OrderType,
    Outcome,
    Refused,
    Side,
    VenueWrite,
)
from tradingbot.domain.ports import Clock
from tradingbot.venues.account import Account, PaperOrder, parse, report, truncated, written
from tradingbot.venues.matching import (
    LIMITED,
    STOPS,
    TAKE_PROFITS,
    Expired,
    Happening,
    Resting,
    Traded,
    Triggered,
    legs,
    take,
    walk,
)
from tradingbot.venues.paper_checks import filter_refusal, refusal

VOLUME_SHARE = Decimal("0.1")
FEE = Decimal("0.001")

# The price a taker meets now: in a recording, and at the very open of a bar, that is the open.
Price = Callable[[str], Awaitable[Decimal]]


class PaperVenue:
    """Orders wait for the next bar's open and then meet its path; the account is stored through *book*."""

    name = "paper"
    visibility = timedelta(0)

    def __init__(
        self, instruments: Mapping[str, Instrument], capital: Mapping[str, Decimal], clock: Clock, price: Price
    ) -> None:
        self._instruments = instruments
        self._capital = dict(capital)
        self._clock = clock
        self._price = price
        self._account = Account(free=dict(capital))
        self._bar: dict[str, Candle] = {}
        self._used: dict[str, Decimal] = {}
        self._dirty = False
        self.account = "paper"
        self.key_refused = ""
        self.request_life = timedelta(seconds=2)

    async def identify(self) -> None:
        return

    async def reach(self) -> None:
        return

    async def room(self, request: Order | Cancel) -> str:  # noqa: ARG002
        return ""

    async def send(self, write: VenueWrite) -> Outcome:
        symbol = write.request.symbol
        price = self._bar[symbol].open if symbol in self._bar else await self._price(symbol)
        self._dirty = True
        if isinstance(write.request, Cancel):
            return self._cancelled(symbol, write.request.client_id)
        if write.request.replaces is not None:
            return self._replaced(write, write.request, price)
        return self._placed(write, write.request, price)

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        found = self._account.named(symbol, client_id)
        return report(found) if found else None

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        return tuple(report(order) for order in self._account.open(symbol))

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        return tuple(fill for fill in self._account.fills if fill.symbol == symbol and fill.at >= since)

    async def balances(self) -> Mapping[str, Decimal]:
        coins = {*self._account.free, *self._account.locked}
        return {c: self._account.free.get(c, ZERO) + self._account.locked.get(c, ZERO) for c in sorted(coins)}

    async def events(self) -> AsyncIterator[OrderReport | Fill]:
        """None: what happens, happens inside *observe* and *send*, and the trader asks afterwards."""
        return
        yield

    def observe(self, candle: Candle) -> Iterator[None]:
        """Waiting orders meet the open, the trader may answer, then the bar runs its path."""
        symbol = candle.symbol
        if symbol in self._account.matched and candle.open_time <= self._account.matched[symbol]:
            return
        self._bar[symbol], self._used[symbol] = candle, ZERO
        waiting = [order for order in self._account.open(symbol) if not order.arrived]
        for order in waiting:
            self._arrive(order, candle.open)
        if waiting:
            yield
        self._run(candle)
        del self._bar[symbol]

    def _run(self, candle: Candle) -> None:
        symbol, account = candle.symbol, self._account
        last = account.last.get(symbol, candle.open)
        if account.open(symbol):
            for leg in legs(candle, last):
                resting = [self._resting(order) for order in account.open(symbol)]
                self._apply(walk(leg, resting, self._instruments[symbol].price_step, self._room))
        account.matched[symbol], account.last[symbol] = candle.open_time, candle.close

    def book(self) -> str | None:
        if not self._dirty:
            return None
        self._dirty = False
        self._account.forget()
        return written(self._account)

    def restore(self, book: str | None) -> None:
        self._account = parse(book) if book else Account(free=dict(self._capital))

    async def close(self) -> None:
        return

    def _placed(self, write: VenueWrite, request: Order, price: Decimal) -> Outcome:
        instrument = self._instruments[request.symbol]
        found = filter_refusal(instrument, request, price) or refusal(
            self._account, instrument, write.client_id, request, self._prices(request.symbol, price)
        )
        if found is not None:
            return found
        order = self._accepted(write, request)
        if request.symbol in self._bar:
            self._arrive(order, price)
        fills = tuple(fill for fill in self._account.fills if fill.client_id == order.client_id)
        return Accepted(report(order), fills)

    def _prices(self, symbol: str, price: Decimal) -> tuple[Decimal, Decimal]:
        return self._account.last.get(symbol, price), price

    def _replaced(self, write: VenueWrite, request: Order, price: Decimal) -> Outcome:
        refused = filter_refusal(self._instruments[request.symbol], request, price)
        if refused is not None:
            return refused
        cancelled = self._cancelled(request.symbol, request.replaces or "", untouched=True)
        if isinstance(cancelled, Refused):
            return cancelled
        placed = self._placed(write, request, price)
        return replace(placed, cancelled_first=True) if isinstance(placed, Refused) else placed

    def _cancelled(self, symbol: str, client_id: str, untouched: bool = False) -> Accepted | Refused:
        order = self._account.named(symbol, client_id)
        if order is None or not order.is_open:
            return Refused("-2011", "Unknown order sent.")
        if untouched and order.filled:
            return Refused("-2011", "Order was not canceled due to cancel restrictions.")
        self._end(order, OrderStatus.CANCELLED)
        return Accepted(report(order))

    def _accepted(self, write: VenueWrite, request: Order) -> PaperOrder:
        account = self._account
        account.serial += 1
        order = PaperOrder(
            client_id=write.client_id,
            serial=account.serial,
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            quantity=request.quantity,
            price=request.price or ZERO,
            stop_price=(request.stop_price or ZERO) if request.type in STOPS | TAKE_PROFITS else ZERO,
            at=self._clock.now(),
        )
        order.arrived = order.type in STOPS | TAKE_PROFITS
        if order.type is not OrderType.MARKET:
            order.locked = needed(order)
            account.move(self._spent(order), -order.locked, order.locked)
        account.orders[order.serial] = order
        return order

    def _arrive(self, order: PaperOrder, price: Decimal) -> None:
        if order.arrived:
            return
        order.arrived = True
        self._apply(take(self._resting(order), price, self._room))

    def _apply(self, happenings: Iterable[Happening]) -> None:
        for happening in happenings:
            # A bar that moved nothing need not be stored: met again after a restart it moves nothing again.
            self._dirty = True
            order = self._account.orders[happening.order.serial]
            match happening:
                case Traded(_, price, quantity, maker):
                    self._fill(order, price, quantity, maker)
                case Triggered():
                    order.triggered = True
                case Expired():
                    self._end(order, OrderStatus.EXPIRED)

    def _fill(self, order: PaperOrder, price: Decimal, quantity: Decimal, maker: bool) -> None:
        account, instrument, bar = self._account, self._instruments[order.symbol], self._bar[order.symbol]
        buys = order.side is Side.BUY
        received = quantity if buys else quantity * price
        coin = instrument.base if buys else instrument.quote
        fee = truncated(received * FEE)
        order.filled += quantity
        order.status = OrderStatus.FILLED if not order.remaining else OrderStatus.PARTIAL
        kept = min(order.locked, needed(order)) if order.is_open else ZERO
        released, order.locked = order.locked - kept, kept
        account.move(self._spent(order), released - (quantity * price if buys else quantity), -released)
        account.move(coin, received - fee)
        self._used[order.symbol] += quantity
        account.trade += 1
        account.fills.append(
            Fill(
                symbol=order.symbol,
                trade_id=str(account.trade),
                client_id=order.client_id,
                venue_id=str(order.serial),
                side=order.side,
                quantity=quantity,
                price=price,
                commission=fee,
                commission_asset=coin,
                at=max(order.at, bar.open_time),
                maker=maker,
                bar=bar.open_time,
            )
        )

    def _end(self, order: PaperOrder, status: OrderStatus) -> None:
        self._account.move(self._spent(order), order.locked, -order.locked)
        order.locked, order.status = ZERO, status

    def _spent(self, order: PaperOrder) -> str:
        instrument = self._instruments[order.symbol]
        return instrument.quote if order.side is Side.BUY else instrument.base

    def _room(self, order: Resting, price: Decimal) -> Decimal:
        """What this bar still gives: a tenth of its volume, and for buys what the account can pay."""
        paper = self._account.orders[order.serial]
        instrument, bar = self._instruments[paper.symbol], self._bar[paper.symbol]
        share = bar.volume * VOLUME_SHARE - self._used[paper.symbol]
        if order.side is Side.BUY:
            share = min(share, (self._account.free.get(instrument.quote, ZERO) + paper.locked) / price)
        return instrument.floor_quantity(max(ZERO, share))

    def _resting(self, order: PaperOrder) -> Resting:
        return Resting(
            name=order.client_id,
            serial=order.serial,
            side=order.side,
            type=order.type,
            remaining=order.remaining,
            price=order.price,
            stop_price=order.stop_price,
            waiting=order.type in STOPS | TAKE_PROFITS and not order.triggered,
            rests=order.type in LIMITED,
        )


def needed(order: PaperOrder) -> Decimal:
    """What an open order holds back of the coin it spends."""
    return order.remaining if order.side is Side.SELL else order.remaining * (order.price or order.stop_price)
