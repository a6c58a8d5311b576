"""The life of an order as one transition table, and the writes that reach a venue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    LIMIT_MAKER = "limit_maker"
    STOP = "stop"  # a stop-loss that becomes a market order
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"


class Purpose(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"  # the protective stop that stands at the venue


class OrderStatus(StrEnum):
    INTENDED = "intended"  # in the ledger, perhaps sent
    UNKNOWN = "unknown"  # sent, and the answer was lost; settled by query only
    OPEN = "open"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    ABSENT = "absent"  # the venue never got it, and it can no longer arrive


S = OrderStatus

NEXT: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    S.INTENDED: frozenset({S.UNKNOWN, S.OPEN, S.PARTIAL, S.FILLED, S.CANCELLED, S.EXPIRED, S.REFUSED, S.ABSENT}),
    S.UNKNOWN: frozenset({S.OPEN, S.PARTIAL, S.FILLED, S.CANCELLED, S.EXPIRED, S.REFUSED, S.ABSENT}),
    S.OPEN: frozenset({S.PARTIAL, S.FILLED, S.CANCELLED, S.EXPIRED}),
    S.PARTIAL: frozenset({S.PARTIAL, S.FILLED, S.CANCELLED, S.EXPIRED}),
    # The venue may report a fill after it confirmed the cancel.
    S.CANCELLED: frozenset({S.FILLED}),
    S.EXPIRED: frozenset({S.FILLED}),
    S.FILLED: frozenset(),
    S.REFUSED: frozenset(),
    S.ABSENT: frozenset(),
}

WORKING = frozenset({S.INTENDED, S.UNKNOWN, S.OPEN, S.PARTIAL})
UNSETTLED = frozenset({S.INTENDED, S.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the venue. Quantities are in the base coin, prices in the quote coin.

    *replaces* names the client id of the order that is cancelled in the same request (cancelReplace, stop on failure).
    *seen_at* is the venue time of the newest datum behind it; None for exits and stops.
    """

    symbol: str
    side: Side
    type: OrderType
    purpose: Purpose
    quantity: Decimal
    price: Decimal | None = None
    stop_price: Decimal | None = None
    replaces: str | None = None
    seen_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """A request to take back the order *client_id*."""

    symbol: str
    client_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VenueWrite:
    """One intent row: the only thing that may be sent, at most once, with this *timestamp* (protocol 2).

    *client_id* names the write itself; a cancel has one too, though the venue only sees that of its target.
    """

    client_id: str
    epoch: int
    sequence: int
    request: Order | Cancel
    timestamp: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the venue says of one order."""

    symbol: str
    client_id: str
    venue_id: str
    status: OrderStatus
    side: Side
    type: OrderType
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as the ledger knows it."""

    write: VenueWrite
    status: OrderStatus
    filled: Decimal
    venue_id: str | None
    message: str = ""


# How the client id of a trade begins that somebody else made with coins of ours; the number of the order follows.
FOREIGN = "foreign-"


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade at the venue; unique by (venue, symbol, trade id). Commission is in *commission_asset*."""

    symbol: str
    trade_id: str
    client_id: str
    venue_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_asset: str
    at: datetime
    maker: bool = False
    bar: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a book was read: the newest write and the newest fill in it, by the ledger's numbers."""

    sequence: int
    fill: int


@dataclass(frozen=True, slots=True)
class News:
    """What the ledger has beyond a mark, oldest first, and the mark that comes after it."""

    orders: tuple[OrderRecord, ...]
    fills: tuple[Fill, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Accepted:
    report: OrderReport
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue said no. *cancelled_first* tells that a cancelReplace had already cancelled the old order."""

    code: str
    message: str
    cancelled_first: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, and nobody can say what became of it; only a query settles it."""

    message: str


Outcome = Accepted | Refused | Unknown


class IllegalMove(Exception):
    """An order was about to move backwards: a bug, or a venue that contradicts itself."""


def moved(now: OrderStatus, to: OrderStatus) -> OrderStatus:
    """*to*, if the table allows it from *now*; staying is always allowed."""
    if to == now or to in NEXT[now]:
        return to
    raise IllegalMove(f"an order cannot go from {now} to {to}")
