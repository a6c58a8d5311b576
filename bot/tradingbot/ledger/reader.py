"""What can be asked of a ledger without being its writer."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Engine, func, select

from tradingbot.domain.audit import Entry
from tradingbot.domain.halt import Halt
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.lease import Instance, Lease, LeaseRow, Successor
from tradingbot.domain.order import UNSETTLED, Fill, Mark, News, OrderRecord, OrderStatus
from tradingbot.domain.position import Position, with_fill
from tradingbot.domain.trade import Account, Trade
from tradingbot.ledger import lease, news, reports, rows, shadow, tables, trail
from tradingbot.ledger.connect import reading, together, translated
from tradingbot.ledger.door import LedgerDoor
from tradingbot.ledger.highwater import HighWater
from tradingbot.ledger.results import Results
from tradingbot.ledger.tables import cursors, equity, fills, halts, intents, outcomes
from tradingbot.ledger.writes import records


@dataclass(frozen=True, slots=True)
class _Folded:
    position: Position
    newest: Fill | None = None
    through: int = 0


class LedgerReader:
    """The reading half of the ``Ledger`` port; use it from one thread at a time."""

    def __init__(self, engine: Engine, url: str = "") -> None:
        self.engine = engine
        self._url = url
        self._door: LedgerDoor | None = None
        self._folded: dict[str, _Folded] = {}
        self._results = Results()
        with reading(engine) as connection:
            self.ledger_id: str = connection.execute(select(tables.ledger.c.ledger_id)).scalar_one()

    def one_read(self) -> AbstractContextManager[None]:
        return together(self.engine, writes=False)

    def lease_row(self) -> LeaseRow:
        with reading(self.engine) as connection:
            return lease.row_of(connection)

    def quiet_until(self) -> datetime | None:
        with reading(self.engine) as connection:
            return lease.quiet_until(connection)

    def since_crash(self) -> timedelta | None:
        with reading(self.engine) as connection:
            return lease.since_crash(connection)

    def named(self, instance: Instance) -> Lease | None:
        with reading(self.engine) as connection:
            return lease.named(connection, instance)

    def order_stands(self) -> Successor | None:
        with reading(self.engine) as connection:
            return lease.order_stands(connection)

    def holder_silent(self, instance: Instance) -> bool:
        with reading(self.engine) as connection:
            return lease.holder_silent(connection, instance)

    def shadow_compared(self, revision: str, since: datetime) -> tuple[int, int, Decimal]:
        with reading(self.engine) as connection:
            return shadow.compared(connection, revision, since)

    def news(self, after: Mark | None, live: Sequence[str]) -> News:
        with reading(self.engine) as connection:
            return news.news(connection, after, live)

    def named_orders(self, names: Sequence[str]) -> tuple[OrderRecord, ...]:
        with reading(self.engine) as connection:
            return news.named_orders(connection, names)

    def unclean(self, held: Lease) -> frozenset[int]:
        with reading(self.engine) as connection:
            return news.unclean(connection, held)

    def highest(self) -> HighWater:
        """Where the ledger stands, to be compared with what the state volume has seen."""
        with reading(self.engine) as connection:
            return HighWater(connection.execute(select(tables.lease.c.epoch)).scalar_one(), news.newest(connection))

    def newest(self) -> int:
        """The newest sequence of any epoch."""
        with reading(self.engine) as connection:
            return news.newest(connection)

    def decided_through(self, strategy: str, symbol: str) -> datetime | None:
        of = (cursors.c.strategy == strategy) & (cursors.c.symbol == symbol)
        with reading(self.engine) as connection:
            return connection.execute(select(cursors.c.decided_through).where(of)).scalar()

    def orders(
        self, statuses: frozenset[OrderStatus] | None = None, limit: int | None = None
    ) -> tuple[OrderRecord, ...]:
        query = records().where(intents.c.kind == "order").order_by(intents.c.sequence.desc()).limit(limit)
        if statuses is not None:
            query = query.where(outcomes.c.status.in_(sorted(statuses)))
        with reading(self.engine) as connection:
            return tuple(rows.record(row) for row in connection.execute(query))

    def unsettled(self) -> tuple[OrderRecord, ...]:
        query = records().where(outcomes.c.status.in_(sorted(UNSETTLED))).order_by(intents.c.sequence)
        with reading(self.engine) as connection:
            return tuple(rows.record(row) for row in connection.execute(query))

    def fills(self, symbol: str | None = None) -> tuple[Fill, ...]:
        query = select(fills) if symbol is None else select(fills).where(fills.c.symbol == symbol)
        with reading(self.engine) as connection:
            found = [rows.fill(row) for row in connection.execute(query)]
        return tuple(sorted(found, key=rows.in_time))

    def position(self, instrument: Instrument) -> Position:
        """The sum of all fills; those already summed are not read again."""
        folded = self._folded.get(instrument.symbol) or _Folded(Position(instrument.symbol))
        query = select(fills).where(fills.c.symbol == instrument.symbol, fills.c.id > folded.through)
        with reading(self.engine) as connection:
            found = connection.execute(query.order_by(fills.c.id)).all()
        new = sorted((rows.fill(row) for row in found), key=rows.in_time)
        if new and folded.newest is not None and rows.in_time(new[0]) < rows.in_time(folded.newest):
            # An older fill came late: the average price depends on the order, so all is summed anew.
            del self._folded[instrument.symbol]
            return self.position(instrument)
        position = folded.position
        for fill in new:
            position = with_fill(position, fill, instrument.base, instrument.quote)
        if new:
            self._folded[instrument.symbol] = _Folded(position, new[-1], found[-1].id)
        return position

    def orders_since(self, since: datetime) -> int:
        query = select(func.count()).where(intents.c.kind == "order", intents.c.timestamp >= since)
        with reading(self.engine) as connection:
            return connection.execute(query).scalar_one()

    def day_start_equity(self, day_start: datetime) -> Decimal | None:
        query = select(equity.c.equity).where(equity.c.at >= day_start).order_by(equity.c.at, equity.c.id).limit(1)
        with reading(self.engine) as connection:
            return connection.execute(query).scalar()

    def peak_equity(self) -> Decimal | None:
        with reading(self.engine) as connection:
            return connection.execute(select(equity.c.peak).order_by(equity.c.id.desc()).limit(1)).scalar()

    def equity_since(self, since: datetime) -> tuple[tuple[datetime, Decimal], ...]:
        what = select(equity.c.at, equity.c.equity).order_by(equity.c.at, equity.c.id)
        last = select(func.max(equity.c.at)).where(equity.c.at < since).scalar_subquery()
        with reading(self.engine) as connection:
            found = connection.execute(what.where((equity.c.at >= since) | (equity.c.at == last)))
            return tuple((row.at, row.equity) for row in found)

    def halts(self) -> tuple[Halt, ...]:
        query = select(halts).where(halts.c.resumed_at.is_(None)).order_by(halts.c.since, halts.c.id)
        with reading(self.engine) as connection:
            return tuple(rows.halt(row) for row in connection.execute(query))

    def results(self, since: datetime | None = None) -> tuple[Trade, ...]:
        """Those that ended at or after *since*, newest first."""
        with reading(self.engine) as connection:
            return reports.ended(connection, since)

    def account(self) -> Account:
        with reading(self.engine) as connection:
            return reports.account(connection, self._results)

    def audit(self, since: datetime, types: Sequence[str], limit: int) -> tuple[Entry, ...]:
        with reading(self.engine) as connection:
            return trail.since(connection, since, types, limit)

    def paper_book(self) -> str | None:
        with reading(self.engine) as connection:
            return connection.execute(select(tables.paper_book.c.state)).scalar()

    def door(self) -> LedgerDoor:
        """The lease functions for an operator that cannot reach the file; opened when first asked for."""
        if self._door is None:
            self._door = LedgerDoor(self._url)
        return self._door

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
        with translated():
            self.engine.dispose()
