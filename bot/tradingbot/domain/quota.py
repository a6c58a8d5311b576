"""What one provider still allows: a value, and what each request and each answer makes of it."""

from dataclasses import dataclass, replace

from tradingbot.domain.provider import Limit, Provider
from tradingbot.domain.spending import Spent

TOLD_TO_WAIT = frozenset({418, 429})
BANNED = 418
# What an answer without a Retry-After means.
DEFAULT_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Use:
    """One request. *urgent*: it cancels or protects, so that the reserve is there for it. *enters*: it comes last."""

    weight: int
    orders: int
    urgent: bool
    enters: bool = False

    def of(self, limit: Limit) -> int:
        return self.weight if limit.of == "weight" else self.orders


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer said of the budget; None: nothing."""

    status: int
    retry_after: float | None = None
    used_weight: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: in *seconds* it may be asked again. *impossible*: it is more than the provider ever allows."""

    seconds: float
    why: str
    impossible: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """*spent* goes with the limits of *provider*; times are seconds of one clock."""

    provider: Provider
    spent: tuple[Spent, ...]
    shut_until: float = 0.0
    why: str = ""
    backoffs: int = 0

    def shut_for(self, now: float) -> float:
        return max(0.0, self.shut_until - now)


def full(provider: Provider) -> Quota:
    """Nothing of *provider*'s budget is used."""
    return Quota(provider, tuple(Spent(limit.seconds) for limit in provider.limits))


def take(quota: Quota, use: Use, now: float) -> Quota | Wait:
    """*use* is counted, or nothing is and the answer says how long to wait."""
    if (shut := quota.shut_for(now)) > 0:
        return Wait(shut, quota.why)
    waits = [_wait(quota.provider, pair, use, now) for pair in _pairs(quota)]
    longest = max((each for each in waits if each), key=lambda each: (each.impossible, each.seconds), default=None)
    if longest is not None:
        return longest
    return replace(quota, spent=tuple(each.with_use(use.of(limit), now) for limit, each in _pairs(quota)))


def told(quota: Quota, answer: Told, now: float) -> Quota:
    """The budget after an answer: others may use it too, and who is told to wait waits."""
    if answer.used_weight is not None:
        first = quota.spent[0]
        foreign = max(0, answer.used_weight - first.used(now))
        quota = replace(quota, spent=(first.with_use(foreign, now), *quota.spent[1:]))
    if answer.status not in TOLD_TO_WAIT:
        return quota
    until = now + (DEFAULT_WAIT_SECONDS if answer.retry_after is None else answer.retry_after)
    why = "the address is banned" if answer.status == BANNED else "the provider told us to wait"
    if until < quota.shut_until:
        until, why = quota.shut_until, quota.why
    return replace(quota, shut_until=until, why=why, backoffs=quota.backoffs + 1)


def forgotten(quota: Quota) -> Quota:
    """As if nothing had been used and nobody had told us to wait; how often they did stays."""
    return replace(full(quota.provider), backoffs=quota.backoffs)


def is_exhausted(quota: Quota, now: float) -> bool:
    """Whether an entry has to wait now."""
    return isinstance(take(quota, Use(1, 1, urgent=False, enters=True), now), Wait)


def _pairs(quota: Quota) -> tuple[tuple[Limit, Spent], ...]:
    return tuple(zip(quota.provider.limits, quota.spent, strict=True))


def _room(provider: Provider, limit: Limit, use: Use) -> int:
    """How much of *limit* may be used when *use* is in it."""
    reserve = 0 if use.urgent else limit.capacity * provider.reserve_percent * (2 if use.enters else 1) // 100
    if use.enters and limit.of == "orders" and reserve:
        # An entry calls for a stop, and for an exit: whoever lets it in has to have room for all three.
        return max(1, limit.capacity // 3)
    return limit.capacity - reserve


def _wait(provider: Provider, pair: tuple[Limit, Spent], use: Use, now: float) -> Wait | None:
    limit, spent = pair
    room = _room(provider, limit, use)
    over = spent.used(now) + use.of(limit) - room
    if not use.of(limit) or over <= 0:
        return None
    why = f"{limit.name} is used up"
    if use.of(limit) > room:
        return Wait(limit.seconds, f"{limit.name} allows {room} at most", impossible=True)
    return Wait(spent.wait(over, now), why)
