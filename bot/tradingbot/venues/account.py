"""The paper account: coins, orders and trades as one value that survives a restart as JSON."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, OrderReport, OrderStatus, OrderType, Side

EIGHT = Decimal("0.00000001")
# Finished orders and trades older than these are in the ledger already, and nobody asks for them here.
KEPT = 20


@dataclass(slots=True)
class PaperOrder:
    """An order of the paper account; *locked* is what of the spent coin is held back for it."""

    client_id: str
    serial: int
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal
    stop_price: Decimal
    at: datetime
    status: OrderStatus = OrderStatus.OPEN
    filled: Decimal = ZERO
    locked: Decimal = ZERO
    triggered: bool = False
    arrived: bool = True  # False until it has met its first price

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.OPEN, OrderStatus.PARTIAL)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled


@dataclass(slots=True)
class Account:
    """Free and locked coins, orders by serial, trades, and how far each symbol has been matched."""

    free: dict[str, Decimal]
    locked: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[int, PaperOrder] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    matched: dict[str, datetime] = field(default_factory=dict)
    last: dict[str, Decimal] = field(default_factory=dict)
    serial: int = 0
    trade: int = 0

    def move(self, coin: str, free: Decimal, locked: Decimal = ZERO) -> None:
        self.free[coin] = self.free.get(coin, ZERO) + free
        self.locked[coin] = self.locked.get(coin, ZERO) + locked

    def open(self, symbol: str) -> list[PaperOrder]:
        """Open orders, oldest first."""
        return [order for order in self.orders.values() if order.symbol == symbol and order.is_open]

    def named(self, symbol: str, client_id: str) -> PaperOrder | None:
        found = [o for o in self.orders.values() if o.client_id == client_id and o.symbol == symbol]
        return found[-1] if found else None

    def forget(self) -> None:
        """Only the newest finished orders and trades are kept."""
        done = [serial for serial, order in self.orders.items() if not order.is_open]
        for serial in done[:-KEPT]:
            del self.orders[serial]
        del self.fills[:-KEPT]


def report(order: PaperOrder) -> OrderReport:
    return OrderReport(
        symbol=order.symbol,
        client_id=order.client_id,
        venue_id=str(order.serial),
        status=order.status,
        side=order.side,
        type=order.type,
        quantity=order.quantity,
        filled=order.filled,
        price=order.price or None,
        stop_price=order.stop_price or None,
        at=order.at,
    )


def truncated(amount: Decimal) -> Decimal:
    """Commission is cut to eight decimals."""
    return amount.quantize(EIGHT, rounding=ROUND_DOWN)


def written(account: Account) -> str:
    """The account as JSON; decimals and times are strings."""
    return json.dumps(
        {
            "free": account.free,
            "locked": account.locked,
            "orders": [_fields(order) for order in account.orders.values()],
            "fills": [_fields(fill) for fill in account.fills],
            "matched": account.matched,
            "last": account.last,
            "serial": account.serial,
            "trade": account.trade,
        },
        default=str,
    )


def _fields(value: PaperOrder | Fill) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def parse(text: str) -> Account:
    """The account that *written* wrote."""
    raw = json.loads(text)
    orders = [_order(fields) for fields in raw["orders"]]
    return Account(
        free={coin: Decimal(amount) for coin, amount in raw["free"].items()},
        locked={coin: Decimal(amount) for coin, amount in raw["locked"].items()},
        orders={order.serial: order for order in orders},
        fills=[_fill(fields) for fields in raw["fills"]],
        matched={symbol: datetime.fromisoformat(at) for symbol, at in raw["matched"].items()},
        last={symbol: Decimal(price) for symbol, price in raw["last"].items()},
        serial=raw["serial"],
        trade=raw["trade"],
    )


def _order(fields: dict[str, Any]) -> PaperOrder:
    decimals = {name: Decimal(fields[name]) for name in ("quantity", "price", "stop_price", "filled", "locked")}
    words = {"side": Side(fields["side"]), "type": OrderType(fields["type"]), "status": OrderStatus(fields["status"])}
    return PaperOrder(**{**fields, **decimals, **words, "at": datetime.fromisoformat(fields["at"])})


def _fill(fields: dict[str, Any]) -> Fill:
    decimals = {name: Decimal(fields[name]) for name in ("quantity", "price", "commission")}
    bar = datetime.fromisoformat(fields["bar"]) if fields["bar"] else None
    at = datetime.fromisoformat(fields["at"])
    return Fill(**{**fields, **decimals, "side": Side(fields["side"]), "at": at, "bar": bar})
