"""What the exchange tells its listeners."""

from dataclasses import dataclass
from decimal import Decimal

from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.order import Order, Trade


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """An order moved; `execution` is the venue's word for how (NEW, TRADE, CANCELED, EXPIRED, REPLACED)."""

    execution: str
    order: Order
    time_ms: int
    trade: Trade | None = None
    cancel_client_id: str = ""


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """The balances of an account changed; `assets` names which."""

    account: str
    assets: tuple[str, ...]
    time_ms: int


@dataclass(frozen=True, slots=True)
class TransferEvent:
    """Coins came or went without an order."""

    account: str
    asset: str
    amount: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True)
class PriceEvent:
    """A new price of a symbol was revealed."""

    symbol: str
    price: Decimal
    quantity: Decimal
    trade_id: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class ClosedEvent:
    """A recorded candle came to its end; `bar` is None where nothing traded."""

    symbol: str
    open_ms: int
    bar: Bar | None
    time_ms: int


Event = OrderEvent | BalanceEvent | TransferEvent | PriceEvent | ClosedEvent
