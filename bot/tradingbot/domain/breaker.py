"""What fails again and again is left alone for a while: one frozen value for each operation at a venue. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Operation(StrEnum):
    """What is asked of a venue. Only ACCOUNT and ENTER are ever refused; what settles, protects or leaves never is."""

    MARKET = "market"  # public data and the time
    ACCOUNT = "account"  # what the account holds, to compare it at intervals
    ORDERS = "orders"  # how orders stand and what they have filled
    ENTER = "enter"  # entries
    LEAVE = "leave"  # stops, exits, cancels


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"  # one call may show whether it works again


@dataclass(frozen=True, slots=True)
class Rule:
    """So many *failures* *within* that time open a breaker, for *recovery*."""

    failures: int = 5
    within: timedelta = timedelta(seconds=60)
    recovery: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Resting:
    """Why a call was not made."""

    text: str


@dataclass(frozen=True, slots=True)
class Breaker:
    """*trips* is how often it went from closed to open; *last_error* and its *kind* outlive a recovery."""

    name: str
    rule: Rule = Rule()
    failed_at: tuple[datetime, ...] = ()
    opened_at: datetime | None = None
    probing_since: datetime | None = None
    last_error: str = ""
    kind: str = ""
    trips: int = 0

    def state(self, now: datetime) -> BreakerState:
        if self.opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if _is_within(self.opened_at, now, self.rule.recovery) else BreakerState.HALF_OPEN

    @property
    def why(self) -> str:
        return f"{self.name} failed {self.rule.failures} times, last: {self.last_error}"


def admitted(breaker: Breaker, now: datetime) -> Breaker | Resting:
    """The breaker with this call under way, or why it may not be made; half open, one call at a time may."""
    state = breaker.state(now)
    if state is BreakerState.CLOSED:
        return breaker
    probing = breaker.probing_since is not None and _is_within(breaker.probing_since, now, breaker.rule.recovery)
    if state is BreakerState.OPEN or probing:
        return Resting(breaker.why)
    return replace(breaker, probing_since=now)


def failed(breaker: Breaker, error: str, now: datetime, kind: str = "") -> Breaker:
    """One failure more: enough of them open it, and half open one is enough."""
    known = replace(breaker, last_error=error, kind=kind)
    match breaker.state(now):
        case BreakerState.OPEN:
            return known
        case BreakerState.HALF_OPEN:
            return replace(known, opened_at=now, probing_since=None)
        case _:
            recent = (*(at for at in breaker.failed_at if _is_within(at, now, breaker.rule.within)), now)
            if len(recent) < breaker.rule.failures:
                return replace(known, failed_at=recent)
            return replace(known, failed_at=(), opened_at=now, trips=breaker.trips + 1)


def succeeded(breaker: Breaker, now: datetime) -> Breaker:
    """Half open, one success closes it; open, nothing does before its time."""
    return closed(breaker) if breaker.state(now) is BreakerState.HALF_OPEN else breaker


def unasked(breaker: Breaker) -> Breaker:
    """The call that was admitted was not made after all: another one may try."""
    return replace(breaker, probing_since=None)


def closed(breaker: Breaker) -> Breaker:
    """As if nothing had failed."""
    return replace(breaker, failed_at=(), opened_at=None, probing_since=None)


def _is_within(since: datetime, now: datetime, span: timedelta) -> bool:
    # A clock that was set back must not keep anything shut.
    return since <= now < since + span
