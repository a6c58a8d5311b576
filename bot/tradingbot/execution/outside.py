"""What others do on the account: their orders and trades in our markets, and coins that come or go without us."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.domain.clientid import parse_client_id
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, OrderReport, Side
from tradingbot.execution.book import Book

# So long a trade or a change of a balance is told of; an order for as long as it is open.
TOLD_FOR = timedelta(hours=1)
KEPT = 100
# Costs are divided by quantities, so that sums of the book have more digits than money has.
ONE, SMALLEST = Decimal(1), Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing somebody else did: *name* is the same whenever and wherever it is noticed."""

    kind: str  # order, trade, balance
    name: str
    text: str
    at: datetime


class Outside:
    """Everything noticed since this process took the epoch; what is not noticed yet is taken by *news*."""

    def __init__(self, ledger_id: str, shared: bool) -> None:
        self._ledger_id = ledger_id
        self._shared = shared
        self._known: dict[str, Deed] = {}
        self._open: dict[str, frozenset[str]] = {}
        self._new: list[Deed] = []
        self._drift: dict[str, Decimal] = {}
        self._before: dict[str, Decimal] = {}
        self.missing: dict[str, Decimal] = {}

    def is_foreign(self, client_id: str) -> bool:
        """True for what neither this ledger nor, on a shared account, another bot has sent."""
        parsed = parse_client_id(client_id)
        return parsed is None or not (self._shared or parsed.ledger_id == self._ledger_id)

    def listed(self, symbol: str, reports: Iterable[OrderReport]) -> None:
        """The venue's open orders of *symbol*."""
        foreign = [report for report in reports if self.is_foreign(report.client_id)]
        self._open[symbol] = frozenset()
        for each in foreign:
            self.saw(each)

    def saw(self, report: OrderReport) -> None:
        """An open order that is not ours."""
        what = f"{report.side.value} {plain(report.quantity)} {report.symbol}"
        self._notice(Deed("order", report.client_id, f"an order of somebody else: {what}", report.at))
        self._open[report.symbol] = self._open.get(report.symbol, frozenset()) | {report.client_id}

    def traded(self, fill: Fill) -> None:
        """A fill that is not ours."""
        if self.is_foreign(fill.client_id):
            name = f"{fill.symbol.replace('/', '')}-{fill.trade_id}"
            what = f"{fill.side.value} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
            self._notice(Deed("trade", name, f"a trade of somebody else: {what}", fill.at))

    def counted(self, book: Book, totals: Mapping[str, Decimal], now: datetime) -> None:
        """*totals* of the account, read while the book stood as it does: what differs twice alike has changed."""
        for coin, (ours, tolerance) in amounts(book).items():
            drift = totals.get(coin, ZERO) - ours
            if self._before.get(coin) == drift:
                self._drifted(coin, drift, (tolerance, now))
            self._before[coin] = drift

    def counts_anew(self) -> None:
        """What differs now is known and wished: only what changes from here on is a change."""
        self._drift.clear()
        self._before.clear()

    def lacks(self, book: Book, symbol: str, total: Decimal) -> Decimal:
        """What the account, which holds *total* of the coin, lacks of the position: no sell may count on it."""
        short = max(ZERO, book.positions[symbol].quantity - total)
        if short:
            self.missing[symbol] = short
        else:
            self.missing.pop(symbol, None)
        book.missing[symbol] = short
        return short

    def news(self) -> tuple[Deed, ...]:
        """What was noticed since the last call."""
        new, self._new = tuple(self._new), []
        return new

    def said(self, now: datetime) -> tuple[str, ...]:
        """Sentences on what is so now, or was a short while ago."""
        still = {name for names in self._open.values() for name in names}
        deeds = [
            deed.text
            for deed in self._known.values()
            if (deed.name in still if deed.kind == "order" else now - deed.at < TOLD_FOR)
        ]
        lacking = [
            f"the account lacks {plain(short)} of the position in {symbol}" for symbol, short in self.missing.items()
        ]
        return (*lacking, *deeds)

    def _drifted(self, coin: str, drift: Decimal, known: tuple[Decimal, datetime]) -> None:
        tolerance, now = known
        # The first count is only what the account had besides ours.
        change = drift - self._drift.setdefault(coin, drift)
        if abs(change) > tolerance:
            self._drift[coin] = drift
            text = f"the balance of {coin} changed by {change:+f} without an order of this bot"
            self._notice(Deed("balance", f"{coin}{change:+f}-{now:%Y%m%d%H%M%S}", text, now))

    def _notice(self, deed: Deed) -> None:
        if deed.name in self._known:
            return
        self._known[deed.name] = deed
        self._new.append(deed)
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]


def plain(value: Decimal) -> str:
    """*value* without zeros that say nothing."""
    return f"{value.normalize():f}"


def amounts(book: Book) -> Mapping[str, tuple[Decimal, Decimal]]:
    """By coin, what the book says of it, and the difference that is no more than rounding."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for symbol, market in book.instruments.items():
        found[market.base] = (book.positions[symbol].quantity, market.minimum_quantity)
        found[market.quote] = (book.cash, market.minimum_notional)
    return found


def apart(book: Book, totals: Mapping[str, Decimal], marks: Mapping[str, Decimal]) -> Decimal:
    """What all that the account has more or less than the book is worth, to the smallest part of a coin."""
    prices = {market.base: marks.get(symbol, ONE) for symbol, market in book.instruments.items()}
    prices |= {market.quote: ONE for market in book.instruments.values()}
    worth = (abs(totals.get(coin, ZERO) - ours) * prices[coin] for coin, (ours, _) in amounts(book).items())
    return sum(worth, ZERO).quantize(SMALLEST)


def sold_by_others(reports: Iterable[OrderReport], ours: frozenset[str]) -> Decimal:
    """What open sells other than *ours* keep locked."""
    others = (each for each in reports if each.side is Side.SELL and each.client_id not in ours)
    return sum((each.quantity - each.filled for each in others), ZERO)
