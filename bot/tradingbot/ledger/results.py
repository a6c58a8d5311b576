"""What every sell has brought, summed up fill by fill: what was summed is not read again."""

from sqlalchemy import Connection, select

from tradingbot.domain.order import Fill, Side
from tradingbot.domain.trade import Trade, Walked, together, walk
from tradingbot.ledger import rows
from tradingbot.ledger.deciders import deciders
from tradingbot.ledger.tables import fills


class Results:
    """The trades of one book, as far as they were read."""

    def __init__(self) -> None:
        self._walks: dict[str, Walked] = {}
        self._newest: dict[str, Fill] = {}
        self._trades: dict[tuple[str, str], Trade] = {}
        self._through = 0

    def read(self, connection: Connection) -> tuple[Trade, ...]:
        """Every trade the ledger knows of now; only what was written since the last call is read."""
        query = select(fills).where(fills.c.id > self._through).order_by(fills.c.id)
        found = connection.execute(query).all()
        new = sorted((rows.fill(row) for row in found), key=rows.in_time)
        if any(self._is_late(fill) for fill in new):
            # What a sell has brought depends on the order of all before it.
            self._forget()
            return self.read(connection)
        names = deciders(connection, sorted({fill.client_id for fill in new if fill.side is Side.BUY}))
        for fill in new:
            self._take(fill, names.get(fill.client_id, ""))
        self._through = found[-1].id if found else self._through
        return tuple(self._trades.values())

    def _forget(self) -> None:
        self._walks.clear()
        self._newest.clear()
        self._trades.clear()
        self._through = 0

    def _is_late(self, fill: Fill) -> bool:
        newest = self._newest.get(fill.symbol)
        return newest is not None and rows.in_time(fill) < rows.in_time(newest)

    def _take(self, fill: Fill, strategy: str) -> None:
        before = self._walks.get(fill.symbol) or Walked(fill.symbol)
        self._walks[fill.symbol], part = walk(before, fill, strategy)
        self._newest[fill.symbol] = fill
        if part is not None:
            key = (fill.symbol, fill.client_id)
            known = self._trades.get(key)
            self._trades[key] = together(known, part) if known else part
