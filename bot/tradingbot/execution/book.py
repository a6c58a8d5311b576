"""What the ledger says of orders and positions, kept beside it so that a bar costs no query."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.domain.exposure import Working
from tradingbot.domain.instrument import ZERO, Instrument
from tradingbot.domain.order import FOREIGN, UNSETTLED, WORKING, Fill, Order, OrderRecord, Purpose, Side
from tradingbot.domain.position import Position, with_fill
from tradingbot.execution.results import Results

RECENT = 20


class Book:
    """Orders that may still move, positions by fills, and the stop price each position asked for."""

    def __init__(self, instruments: Mapping[str, Instrument], capital: Decimal) -> None:
        self.instruments = instruments
        self.capital = capital
        self.positions: dict[str, Position] = {symbol: Position(symbol) for symbol in instruments}
        self.stop_prices: dict[str, Decimal] = {}
        # What the account lacks of a position: sold or taken away by somebody else.
        self.missing: dict[str, Decimal] = {}
        # Trades of others that are in the positions: market and trade id.
        self.taken: set[tuple[str, str]] = set()
        self.recent: tuple[OrderRecord, ...] = ()
        self.newest_fill_at: dict[str, datetime] = {}
        self.results = Results()
        self._cash: Decimal | None = None
        self._live: dict[str, OrderRecord] = {}
        self._traded: dict[str, Decimal] = {}

    def load(self, orders: Iterable[OrderRecord], fills: Iterable[Fill]) -> None:
        """Everything is as the ledger has it; *orders* and *fills* oldest first."""
        for fill in fills:
            self.apply(fill)
        for record in orders:
            self.put(record)

    def put(self, record: OrderRecord) -> None:
        """*record* is the newest word on its order; finished ones are let go once all their fills are known."""
        request, name = record.write.request, record.write.client_id
        if not isinstance(request, Order):
            return
        if request.stop_price is not None and request.purpose is not Purpose.EXIT:
            self.stop_prices[request.symbol] = request.stop_price
        others = tuple(other for other in self.recent if other.write.client_id != name)
        self.recent = (record, *others)[:RECENT]
        if record.status in WORKING or self._lacks_fills(record):
            self._live[name] = record
        elif self._live.pop(name, None):
            self._traded.pop(name, None)

    def apply(self, fill: Fill) -> None:
        """The position has *fill* in it, which is new."""
        instrument = self.instruments.get(fill.symbol)
        if instrument is None:
            return
        before = self.positions[fill.symbol]
        after = with_fill(before, fill, instrument.base, instrument.quote)
        self.hold(after)
        self.results.take(fill, after, instrument)
        if fill.client_id.startswith(FOREIGN):
            self.taken.add((fill.symbol, fill.trade_id))
        self._traded[fill.client_id] = self._traded.get(fill.client_id, ZERO) + fill.quantity
        self.newest_fill_at[fill.symbol] = max(fill.at, self.newest_fill_at.get(fill.symbol, fill.at))
        record = self._live.get(fill.client_id)
        if record is not None:
            self.put(record)

    def hold(self, position: Position) -> None:
        """*position* is what its symbol has now."""
        self.positions[position.symbol], self._cash = position, None

    def record(self, client_id: str) -> OrderRecord | None:
        """A live order by its id."""
        return self._live.get(client_id)

    def live(self, symbol: str) -> tuple[OrderRecord, ...]:
        """Orders of *symbol* that may still fill or whose fills are not all known, oldest first."""
        return tuple(record for record in self._live.values() if record.write.request.symbol == symbol)

    def orders(self, symbol: str, *purposes: Purpose) -> tuple[OrderRecord, ...]:
        """The live orders of *symbol* with one of *purposes* that may still fill."""
        return tuple(r for r in self.live(symbol) if order(r).purpose in purposes and r.status in WORKING)

    def is_uncertain(self, symbol: str) -> bool:
        """True while an outcome is not known, or fills are known to exist that have not been seen."""
        return any(r.status in UNSETTLED or self._lacks_fills(r) for r in self.live(symbol))

    def lacks_fills(self, symbol: str) -> bool:
        """True while the venue has told of more than the fills we have."""
        return any(self._lacks_fills(record) for record in self.live(symbol))

    def there(self, symbol: str) -> Decimal:
        """What can be sold: the position by fills, less what the account lacks of it."""
        return self.positions[symbol].quantity - self.missing.get(symbol, ZERO)

    def selling(self, symbol: str, but: str | None = None) -> Decimal:
        """What working and unknown sells other than *but* may still take from the position."""
        sells = (r for r in self.live(symbol) if order(r).side is Side.SELL and r.write.client_id != but)
        return sum((self._open_quantity(r) for r in sells), ZERO)

    @property
    def live_count(self) -> int:
        """How many orders of our markets are live."""
        return sum(record.write.request.symbol in self.instruments for record in self._live.values())

    def working(self, marks: Mapping[str, Decimal]) -> tuple[Working, ...]:
        """Every live order at its worst."""
        return tuple(self._working(record, marks) for record in self._live.values())

    @property
    def cash(self) -> Decimal:
        """The capital and what all fills have added to it or taken from it, in the quote coin."""
        if self._cash is None:
            self._cash = self.capital + sum((p.realised - p.cost for p in self.positions.values()), ZERO)
        return self._cash

    def free_cash(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Cash less what working buys may still spend."""
        return self.cash - sum((w.notional for w in self.working(marks) if w.side is Side.BUY), ZERO)

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        held = (p.quantity * marks.get(p.symbol, p.average_price) for p in self.positions.values() if p.quantity)
        return self.cash + sum(held, ZERO)

    def oldest_open(self, symbol: str, now: datetime) -> datetime:
        """From when on fills may be missing: since the oldest live order was written, else since the newest fill."""
        moments = [record.write.timestamp for record in self.live(symbol)]
        return min(moments, default=self.newest_fill_at.get(symbol, now)) - timedelta(seconds=1)

    def _working(self, record: OrderRecord, marks: Mapping[str, Decimal]) -> Working:
        asked, quantity = order(record), self._open_quantity(record)
        price = asked.price or asked.stop_price or ZERO
        notional = quantity * max(price, marks.get(asked.symbol, ZERO))
        # Known to have filled but not yet seen in the position: that is not settled either.
        unsettled = record.status in UNSETTLED or self._lacks_fills(record)
        return Working(asked.symbol, asked.side, quantity, notional, unsettled)

    def _open_quantity(self, record: OrderRecord) -> Decimal:
        name = record.write.client_id
        traded = self._traded.get(name, ZERO)
        whole = order(record).quantity if record.status in WORKING else record.filled
        return max(ZERO, whole - traded)

    def _lacks_fills(self, record: OrderRecord) -> bool:
        return record.filled > self._traded.get(record.write.client_id, ZERO)


def order(record: OrderRecord) -> Order:
    """The order that *record* is about; the book holds no cancels."""
    request = record.write.request
    if not isinstance(request, Order):
        raise TypeError(f"{record.write.client_id} is no order")
    return request


def in_bar(fill: Fill, step: timedelta) -> Fill:
    """*fill* with the bar it happened in, if the venue did not say."""
    if fill.bar is not None:
        return fill
    midnight = fill.at.replace(hour=0, minute=0, second=0, microsecond=0)
    return replace(fill, bar=midnight + (fill.at - midnight) // step * step)
