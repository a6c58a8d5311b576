"""An order and the moves its status may make."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from exchange_simulator.domain.numbers import ZERO


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Kind(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


NEXT: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELED, Status.EXPIRED}),
    Status.PARTIALLY_FILLED: frozenset({Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELED, Status.EXPIRED}),
    Status.FILLED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.EXPIRED: frozenset(),
}

STOPS = frozenset({Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT})
TAKE_PROFITS = frozenset({Kind.TAKE_PROFIT, Kind.TAKE_PROFIT_LIMIT})
TRIGGERED_KINDS = STOPS | TAKE_PROFITS
LIMITED_KINDS = frozenset({Kind.LIMIT, Kind.LIMIT_MAKER, Kind.STOP_LOSS_LIMIT, Kind.TAKE_PROFIT_LIMIT})


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted order. `locked` is what of the spent coin is still held back for it."""

    order_id: int
    account: str
    symbol: str
    client_id: str
    side: Side
    kind: Kind
    quantity: Decimal
    created_ms: int
    updated_ms: int
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    quote_quantity: Decimal = ZERO
    time_in_force: TimeInForce = TimeInForce.GTC
    status: Status = Status.NEW
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    locked: Decimal = ZERO
    triggered: bool = False
    visible_ms: int = 0

    @property
    def remaining(self) -> Decimal:
        """The quantity not yet filled."""
        return self.quantity - self.executed

    @property
    def is_open(self) -> bool:
        """True while the order can still be filled or cancelled."""
        return bool(NEXT[self.status])

    @property
    def is_waiting(self) -> bool:
        """True while a stop or take-profit has not been triggered."""
        return self.kind in TRIGGERED_KINDS and not self.triggered

    @property
    def is_limited(self) -> bool:
        """True when the order names the worst price it accepts."""
        return self.kind in LIMITED_KINDS


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill of one order."""

    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    time_ms: int
    maker: bool

    @property
    def quote_quantity(self) -> Decimal:
        """What the fill was worth in quote currency."""
        return self.price * self.quantity
