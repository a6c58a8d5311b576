"""What can be known before the epoch is ours: that the fence stands, instruments, bars, and the ledger's book."""

from datetime import datetime

from tradingbot.domain.candle import TIMEFRAMES
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Mark
from tradingbot.execution.book import Book
from tradingbot.execution.desk import Desk
from tradingbot.floor import Floor


class Ahead:
    """A book read while somebody else writes it. It is used up when it becomes a trader's own."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._book, self._mark = self._whole()

    @classmethod
    async def prepared(cls, floor: Floor) -> "Ahead":
        """The fence stands, the bars are warm, the book is read; public calls only, and none by a warm process."""
        parts = floor.parts
        if floor.instruments:
            return cls(floor)
        if not parts.ledger.self_test():
            raise Misconfigured("database: an intent of epoch 0 was not refused; restore the ledger's triggers")
        instruments = await floor.filters.read()
        await floor.bars.load(floor.symbols, parts.clock.now())
        floor.instruments = instruments
        rehearse(floor)
        return cls(floor)

    def refresh(self) -> None:
        """The book is as the ledger has it now; only what is new was read."""
        live = tuple(r.write.client_id for symbol in self._floor.symbols for r in self._book.live(symbol))
        news = self._floor.parts.ledger.news(self._mark, live)
        newest = self._book.newest_fill_at
        if any(fill.at < newest.get(fill.symbol, fill.at) for fill in news.fills):
            # An older fill came late: the average price depends on the order, so all is summed anew.
            self._book, self._mark = self._whole()
            return
        self._book.load(news.orders, news.fills)
        self._mark = news.mark

    def _whole(self) -> tuple[Book, Mark]:
        news = self._floor.parts.ledger.news(None, ())
        book = Book(self._floor.instruments, self._floor.parts.settings.capital)
        book.load(news.orders, news.fills)
        return book, news.mark

    def bar_is_due(self, now: datetime) -> bool:
        """True while the venue's time has passed the end of a bar that has not come yet."""
        newest = [self._floor.bars.newest(symbol) for symbol in self._floor.symbols]
        step = TIMEFRAMES[self._floor.parts.settings.timeframe]
        return any(bar is not None and bar.close_time + step <= now < bar.close_time + 2 * step for bar in newest)

    def desk(self, lease: Lease) -> Desk:
        """The book under *lease*, with the ports to work on it."""
        parts = self._floor.parts
        settings = parts.settings
        step = TIMEFRAMES[settings.timeframe]
        ports = (parts.venue, parts.ledger, lease, parts.clock, parts.metrics)
        return Desk(*ports, self._book, step, settings.entry_max_age, shared=settings.shared)


def rehearse(floor: Floor) -> None:
    """What an adoption reads was read once, so that its questions are worded and known when every one is waited for."""
    ledger = floor.parts.ledger
    with ledger.one_read():
        ledger.paper_book()
        ledger.quiet_until()
        ledger.unclean(nobody(ledger.ledger_id))
        ledger.orders_since(floor.parts.clock.now())
        for symbol in floor.symbols:
            ledger.decided_through(floor.parts.decider(symbol).name, symbol)
    floor.guard.load()


def nobody(ledger_id: str) -> Lease:
    """A lease under which nothing can be written: epoch 0 is refused by every ledger."""
    return Lease(ledger_id, 0, "", "", "")
