"""What a strategy wants, before risk has seen it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Action(StrEnum):
    ENTER = "enter"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Intent:
    """A wish to enter or leave a long position, taken on the closed bar that opened at *bar*.

    *seen_at* is the venue time of the newest datum the wish rests on; *price* is the close it was taken at, used for
    sizing only. *stop_price* asks for a protective stop under the position.
    """

    symbol: str
    strategy: str
    bar: datetime
    action: Action
    price: Decimal
    seen_at: datetime
    reason: str
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done; travels unchanged into ledger, metric and log."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One closed bar decided once (protocol 3): what the strategy wanted (None = hold) and what came of it."""

    strategy: str
    symbol: str
    bar: datetime
    intent: Intent | None
    refusal: Refusal | None = None
