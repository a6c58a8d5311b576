"""What a sender asks of the exchange, after the wire format has been read."""

from dataclasses import dataclass
from decimal import Decimal

from exchange_simulator.domain.numbers import ZERO
from exchange_simulator.domain.order import Kind, Side, TimeInForce


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a write: account, User-Agent, address, and when it arrived."""

    account: str
    agent: str
    address: str
    arrived_ms: int
    route: str = ""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A wish for an order; zero means not given."""

    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal = ZERO
    quote_quantity: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    time_in_force: TimeInForce = TimeInForce.GTC
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Which order is meant: by venue id, by client id, or by both."""

    symbol: str
    order_id: int | None = None
    client_id: str | None = None
    cancel_client_id: str = ""
