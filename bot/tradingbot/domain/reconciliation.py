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

    *force*: mark closed also what the venue still shows. *since*: how far back trades are looked at.
    """

    action: Action
    name: str
    reason: str
    force: bool = False
    since: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Difference:
    """One market: what the ledger holds of its coin, what the account has, and what was done about it."""

    symbol: str
    ledger: Decimal
    account: Decimal
    done: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """*refused*: why nothing was changed, or not all; None when what was wished is so.

    *again*: the reason may go by itself.
    """

    differences: tuple[Difference, ...] = ()
    refused: str | None = None
    again: bool = True
