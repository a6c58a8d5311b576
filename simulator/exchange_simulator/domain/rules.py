"""What a symbol allows and what trading it costs."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Rules:
    """The filters of one symbol; field names follow the venue's filter names."""

    symbol: str
    base: str
    quote: str
    tick: Decimal = Decimal("0.01")
    min_price: Decimal = Decimal("0.01")
    max_price: Decimal = Decimal(1_000_000)
    step: Decimal = Decimal("0.00001")
    min_quantity: Decimal = Decimal("0.00001")
    max_quantity: Decimal = Decimal(9_000)
    max_market_quantity: Decimal = Decimal(100)
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9_000_000)
    percent_up: Decimal = Decimal(5)
    percent_down: Decimal = Decimal("0.2")
    max_orders: int = 200
    max_stop_orders: int = 5


@dataclass(frozen=True, slots=True)
class Fees:
    """Commission as a share of what is received; the third coin pays by a fixed rate in quote currency."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    third_coin: str = "BNB"
    third_coin_price: Decimal = Decimal(250)
