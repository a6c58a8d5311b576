"""Of what sort a failed read is, by its consequence: asked again at once, later, or not before somebody acts."""

from enum import StrEnum

from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import Unknown
from tradingbot.venues.consequence import TOO_MANY, Answered
from tradingbot.venues.dialect import Dialect, Lost
from tradingbot.venues.practice import RealMoney


class Failure(StrEnum):
    """The words of ``error_kind`` in the log."""

    NETWORK = "network"  # no answer came
    AWAY = "away"  # the venue says that it fails
    MAINTENANCE = "maintenance"  # or that it is closed for work
    MOVED = "moved"  # it does not know this call any more
    RATE_LIMIT = "rate_limit"  # it wants to be left alone
    BANNED = "banned"  # it has shut this address out for a while
    AUTH = "auth"  # it does not take the key
    CLOCK = "clock"  # it does not take the time
    REFUSED = "refused"  # it does not want this request, now or later
    UNASKED = "unasked"  # we did not ask


# Asking once more may help. Nothing else may be asked again before a wait, a measurement, or a person.
TRANSIENT = frozenset({Failure.NETWORK, Failure.AWAY})
# The venue, or the way to it, is not well. Every other answer shows that it is.
COUNTED = TRANSIENT | {Failure.MAINTENANCE, Failure.MOVED, Failure.RATE_LIMIT, Failure.BANNED}
SHUT_OUT = 418
GONE = frozenset({404, 405, 410})

# The library's own errors; the first class found going up its tree decides. A wrong time is one of its network errors.
KINDS = {
    "InvalidNonce": Failure.CLOCK,
    "AuthenticationError": Failure.AUTH,
    "DDoSProtection": Failure.RATE_LIMIT,
    "RateLimitExceeded": Failure.RATE_LIMIT,
    # Its word for a line that broke or was never there: what a venue answers never comes as an error of the library.
    "OnMaintenance": Failure.MAINTENANCE,
    "ExchangeNotAvailable": Failure.NETWORK,
    "NetworkError": Failure.NETWORK,
    "OperationFailed": Failure.AWAY,
    "BaseError": Failure.REFUSED,
}


def of_read(error: VenueUnavailable, dialect: Dialect) -> Failure:
    """What the failure of a read was; whoever raised it names the cause, unless nothing was asked."""
    cause = error.__cause__
    if isinstance(cause, Answered):
        return of_answer(cause, dialect)
    if isinstance(cause, RealMoney):
        return Failure.REFUSED
    if isinstance(cause, Lost):
        return of_library(cause.__cause__)
    return Failure.UNASKED if cause is None else Failure.NETWORK


def of_answer(answer: Answered, dialect: Dialect) -> Failure:
    """An answer that nobody has listed is refused: another request of its kind would be, too."""
    word = dialect.word(answer)
    if word in dialect.traits.refused_key:
        return Failure.AUTH
    if word in dialect.traits.wrong_time:
        return Failure.CLOCK
    if answer.status in TOO_MANY or word in dialect.traits.too_many:
        return Failure.BANNED if answer.status == SHUT_OUT else Failure.RATE_LIMIT
    if isinstance(dialect.judged(answer), Unknown):
        return Failure.MAINTENANCE if "maintenance" in answer.message.lower() else Failure.AWAY
    return Failure.MOVED if answer.status in GONE else Failure.REFUSED


def of_library(error: BaseException | None) -> Failure:
    """An error of the library, or of the sockets below it."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((KINDS[name] for name in names if name in KINDS), Failure.NETWORK)
