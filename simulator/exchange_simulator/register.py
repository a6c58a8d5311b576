"""The venue's memory of orders and trades."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from exchange_simulator.domain.order import Order, Trade
from exchange_simulator.domain.request import Target


@dataclass(slots=True)
class Register:
    """Orders by id and by client id, trades in the order they happened."""

    orders: dict[int, Order] = field(default_factory=dict)
    open_ids: dict[int, None] = field(default_factory=dict)
    by_client: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)

    def put(self, order: Order) -> None:
        """The order stands as given."""
        if order.order_id not in self.orders:
            self.by_client.setdefault((order.account, order.client_id), []).append(order.order_id)
        self.orders[order.order_id] = order
        if order.is_open:
            self.open_ids[order.order_id] = None
        else:
            self.open_ids.pop(order.order_id, None)

    def open(self, symbol: str | None = None, account: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        return [
            order
            for order in map(self.orders.__getitem__, self.open_ids)
            if symbol in (None, order.symbol) and account in (None, order.account)
        ]

    def of(self, account: str, symbol: str) -> Iterator[Order]:
        """Every order of an account on a symbol, oldest first."""
        return (order for order in self.orders.values() if (order.account, order.symbol) == (account, symbol))

    def find(self, account: str, target: Target) -> Order | None:
        """The order meant; by client id the open one, else the newest."""
        found = self.named(account, target)
        if found is None or found.symbol != target.symbol:
            return None
        if target.client_id and found.client_id != target.client_id:
            return None
        return found

    def named(self, account: str, target: Target) -> Order | None:
        if target.order_id is not None:
            order = self.orders.get(target.order_id)
            return order if order is not None and order.account == account else None
        ids = self.by_client.get((account, target.client_id or ""), [])
        matches = [self.orders[order_id] for order_id in ids]
        return next((order for order in reversed(matches) if order.is_open), matches[-1] if matches else None)

    def trades_of(self, account: str, symbol: str) -> list[Trade]:
        """Every trade of an account on a symbol, oldest first."""
        return [trade for trade in self.trades if (trade.account, trade.symbol) == (account, symbol)]
