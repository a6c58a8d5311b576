"""What matching says happened."""

from dataclasses import dataclass
from decimal import Decimal

from exchange_simulator.domain.order import Order


@dataclass(frozen=True, slots=True)
class Filled:
    order: Order
    price: Decimal
    quantity: Decimal
    maker: bool


@dataclass(frozen=True, slots=True)
class Triggered:
    order: Order
    price: Decimal


@dataclass(frozen=True, slots=True)
class Expired:
    order: Order


Outcome = Filled | Triggered | Expired


@dataclass(frozen=True, slots=True)
class Quote:
    """The prices a taker gets now."""

    bid: Decimal
    ask: Decimal
