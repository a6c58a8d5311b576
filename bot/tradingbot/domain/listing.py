"""What a venue tells of one of its markets to anybody who asks."""

from dataclasses import dataclass
from decimal import Decimal

from tradingbot.domain.instrument import Instrument

TOLD, PUBLISHED = "venue", "published"


@dataclass(frozen=True, slots=True)
class Fees:
    """What a small customer pays, as ratios of the notional; *source*: the venue's answer, or its published list."""

    maker: Decimal
    taker: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One market that can be traded now."""

    instrument: Instrument
    fees: Fees
