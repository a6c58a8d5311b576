"""One line of the order log."""

from dataclasses import dataclass
from decimal import Decimal

from exchange_simulator.domain.numbers import ZERO


@dataclass(frozen=True, slots=True)
class Entry:
    """A write, or what became of one, as the venue saw it."""

    seq: int
    arrived_ms: int
    sender: str
    address: str
    api_key: str
    action: str
    symbol: str = ""
    client_id: str = ""
    order_id: int | None = None
    side: str = ""
    type: str = ""
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    outcome: str = ""
    code: int | None = None
    message: str = ""
    at_ms: int = 0
    request: str = ""
    trade_id: int | None = None
    commission: Decimal | None = None
    commission_asset: str = ""
    maker: bool | None = None
    # When the answer left; None while it has not, or never did.
    answered_ms: int | None = None
