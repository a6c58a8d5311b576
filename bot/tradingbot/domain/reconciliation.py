"""What a person may ask when ledger and account do not say the same, and what came of it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum


class Action(StrEnum):
    SHOW = "show"  # tells what differs
    ADOPT = "adopt"  # what the account has beyond the ledger is a position, with its stop
    CLOSE = "close-unexpected"  # what the account has beyond the ledger is sold
    MARK_CLOSED = "mark-closed"  # what the ledger holds was closed by somebody else
    UNAUTHORIZED = "unauthorized"  # tells the account's trades that no order of this ledger has made


@dataclass(frozen=True, slots=True)
class Wish:
    """*name* is the same when the same wish comes again, empty when it never does.

    *force*: mark closed also what the venue still shows; *symbol*: of that market only, at that *price*. *since*: how
    far back trades are looked at.
    """

    action: Action
    name: str
    reason: str
    force: bool = False
    since: timedelta = timedelta(hours=24)
    symbol: str | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One market: what the ledger holds of its coin, what the account has, and what was done about it."""

    symbol: str
    ledger: Decimal
    account: Decimal
    done: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """What the ledger says there is of the quote coin, and what the account has."""

    currency: str
    ledger: Decimal
    account: Decimal

    @property
    def match(self) -> bool:
        """The account may have more: not all of it need be this bot's."""
        return self.account >= self.ledger


@dataclass(frozen=True, slots=True)
class Orders:
    """Client ids of orders that are open: *unknown* to the ledger, and *missing* at the venue."""

    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reconciled:
    """*refused*: why nothing was changed, or not all; None when what was wished is so.

    *again*: the reason may go by itself. *money* and *orders* are told by who only looks.
    """

    differences: tuple[Difference, ...] = ()
    refused: str | None = None
    again: bool = True
    money: Money | None = None
    orders: Orders | None = None
