"""What a venue's dialect is: our questions as its calls, its answers as our words. Pure: the adapter asks."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import (
    Cancel,
    Fill,
    Order,
    OrderReport,
    OrderType,
    Outcome,
    Purpose,
    Refused,
    Unknown,
    VenueWrite,
)
from tradingbot.domain.quota import Use
from tradingbot.venues.consequence import Answered

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request under ccxt's own name for it; *fields* go onto the wire as they are.

    *at* is the time it is signed with, at venues that take the time of a request from there; None is now.
    """

    method: str
    fields: Mapping[str, Any]
    at: datetime | None = None


class Lost(Exception):
    """No answer came, or none that can be read: nobody knows what became of the call."""


class NotConnected(Lost):
    """There was no line to send on, so nothing was sent."""


# What goes wrong in reading an answer that is not of the form the venue has published.
UNREADABLE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@contextmanager
def readable(asked: Sequence[Call]) -> Iterator[None]:
    """An answer that is not of its venue's form is as good as none: VenueUnavailable, naming the last of *asked*."""
    try:
        yield
    except UNREADABLE as error:
        method = asked[-1].method if asked else "nothing"
        raise VenueUnavailable(f"{method}: the answer cannot be read: {type(error).__name__} {error}") from error


# A conversation: it yields calls, is given their answers (or Answered, or Lost, thrown), and returns what came of it.
Talk = Generator[Call, Any, T]


@dataclass(frozen=True, slots=True)
class Rights:
    """What a key may do; *withdraw* and *trade* are the venue's words for it when it may and when it may not."""

    may_withdraw: bool
    may_trade: bool
    withdraw: str
    trade: str


@dataclass(frozen=True, slots=True)
class Weights:
    """What all calls of one write weigh together: none of them may find the budget used up half-way.

    *look*: an order that takes from the book is asked for at once. *at_once*: cancel and place are one call.
    """

    place: int = 1
    look: int = 0
    cancel: int = 1
    at_once: bool = True

    def use(self, request: Order | Cancel) -> Use:
        if isinstance(request, Cancel):
            return Use(self.cancel, 0, urgent=True)
        looked = self.look if request.type is OrderType.MARKET else 0
        weight = self.place + looked + (0 if self.at_once or request.replaces is None else self.cancel)
        enters = request.purpose is Purpose.ENTRY
        return Use(weight, 1, urgent=not enters, enters=enters)


@dataclass(frozen=True, slots=True)
class Traits:
    """What differs as plain data. *serial*: one private request at a time, since each must count higher than the last.

    *urls* are ccxt's own keys for the address of the venue, each with what follows another address than its own.
    """

    request_life: timedelta
    visibility: timedelta
    ping: Call
    owner: Call
    rights: Call
    urls: Mapping[str, str]
    refused_key: frozenset[str]
    wrong_time: frozenset[str] = frozenset()
    too_many: frozenset[str] = frozenset()
    too_many_orders: frozenset[str] = frozenset()
    weights: Mapping[str, int] | None = None
    writes: Weights = Weights()
    options: Mapping[str, Any] | None = None
    serial: bool = False
    streams: bool = False


class Names:
    """The client ids behind the venue's own numbers, the newest *most* of them; the venue tells the others again."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._held: dict[str, str] = {}

    def __contains__(self, number: str) -> bool:
        return number in self._held

    def __getitem__(self, number: str) -> str:
        return self._held[number]

    def __setitem__(self, number: str, client_id: str) -> None:
        self._held.pop(number, None)
        self._held[number] = client_id
        if len(self._held) > self._most:
            del self._held[next(iter(self._held))]

    def get(self, number: str, otherwise: str) -> str:
        return self._held.get(number, otherwise)

    def number(self, client_id: str) -> str | None:
        """The venue's number for our id, if it is held."""
        return next((number for number, name in self._held.items() if name == client_id), None)


class Dialect(Protocol):
    """One venue, with what this process has heard of it so far."""

    traits: Traits
    names: Names

    def failure(self, status: int, body: Any) -> bool:
        """Whether an answer says that the request failed."""
        ...

    def word(self, answer: Answered) -> str:
        """The venue's own word for what was wrong: the sets of *traits* are of such words."""
        ...

    def judged(self, answer: Answered) -> Refused | Unknown:
        """What became of a write that was answered with an error."""
        ...

    def owner(self, answer: Json) -> str:
        """Who the account belongs to, whichever key asks; empty when the answer does not tell."""
        ...

    def rights(self, answer: Json) -> Rights: ...

    def signed(self, fields: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        """*fields* of a read, with what the venue wants to be told about when it was asked."""
        ...

    def written(self, write: VenueWrite, window: int) -> Talk[Outcome]:
        """*write* is sent once, valid for *window* milliseconds; errors not caught here are judged by the adapter."""
        ...

    def found(self, symbol: str, client_id: str) -> Talk[OrderReport | None]: ...

    def listed(self, symbol: str) -> Talk[tuple[OrderReport, ...]]: ...

    def filled(self, symbol: str, since: datetime, now: datetime) -> Talk[tuple[Fill, ...]]: ...

    def balances(self) -> Talk[Mapping[str, Decimal]]: ...
