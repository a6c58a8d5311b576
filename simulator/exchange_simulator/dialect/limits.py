"""Rate accounting: weight per address, orders per account, on the venue clock."""

from dataclasses import dataclass, field

from exchange_simulator.domain.refusal import Refusal

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
DAY_MS = 86_400_000
# So many requests after a 429 within its minute turn it into a ban.
STRIKES = 10
FIRST_BAN_MS = 120_000
LONGEST_BAN_MS = 3 * DAY_MS
ADVICE = "Please use WebSocket Streams for live updates to avoid"


@dataclass(frozen=True, slots=True)
class Limits:
    weight: int = 6_000
    orders_ten_seconds: int = 100
    orders_day: int = 200_000


@dataclass(slots=True)
class Window:
    """A count that begins again with each whole interval of venue time."""

    interval_ms: int
    began_ms: int = 0
    count: int = 0

    def add(self, number: int, now_ms: int) -> int:
        """The count after *number* more."""
        began = now_ms // self.interval_ms * self.interval_ms
        if began != self.began_ms:
            self.began_ms, self.count = began, 0
        self.count += number
        return self.count

    def left_ms(self, now_ms: int) -> int:
        """Until the count begins again."""
        return self.interval_ms - now_ms % self.interval_ms


@dataclass(slots=True)
class Caller:
    """What one address has used."""

    weight: Window = field(default_factory=lambda: Window(MINUTE_MS))
    strikes: int = 0
    strikes_minute: int = 0
    banned_until_ms: int = 0
    ban_ms: int = FIRST_BAN_MS


@dataclass(slots=True)
class Rates:
    """All counters of the venue."""

    limits: Limits
    callers: dict[str, Caller] = field(default_factory=dict)
    orders: dict[str, tuple[Window, Window]] = field(default_factory=dict)

    def weigh(self, address: str, weight: int, now_ms: int) -> tuple[int, Refusal | None]:
        """The used weight after this request, and a refusal when it is too much: 429 first, 418 for who goes on."""
        caller = self.callers.setdefault(address, Caller())
        if now_ms < caller.banned_until_ms:
            return caller.weight.count, banned(caller.banned_until_ms, now_ms)
        used = caller.weight.add(weight, now_ms)
        if used <= self.limits.weight:
            return used, None
        if caller.strikes_minute != caller.weight.began_ms:
            caller.strikes_minute, caller.strikes = caller.weight.began_ms, 0
        caller.strikes += 1
        if caller.strikes <= STRIKES:
            return used, too_many(self.limits.weight, caller.weight.left_ms(now_ms))
        caller.banned_until_ms = now_ms + caller.ban_ms
        caller.ban_ms = min(LONGEST_BAN_MS, caller.ban_ms * 2)
        return used, banned(caller.banned_until_ms, now_ms)

    def count_orders(self, account: str, number: int, now_ms: int) -> tuple[int, int, Refusal | None]:
        """The orders counted in ten seconds and in the day after *number* more, and a refusal when too many."""
        fresh = (Window(TEN_SECONDS_MS), Window(DAY_MS))
        short, long = self.orders.setdefault(account, fresh)
        in_short, in_long = short.add(number, now_ms), long.add(number, now_ms)
        if number and in_short > self.limits.orders_ten_seconds:
            return (
                in_short,
                in_long,
                too_many_orders(self.limits.orders_ten_seconds, "10 SECOND", short.left_ms(now_ms)),
            )
        if number and in_long > self.limits.orders_day:
            return in_short, in_long, too_many_orders(self.limits.orders_day, "1 DAY", long.left_ms(now_ms))
        return in_short, in_long, None


def seconds(milliseconds: int) -> str:
    return str(max(1, -(-milliseconds // 1000)))


def too_many(limit: int, left_ms: int) -> Refusal:
    message = (
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. {ADVICE} polling the API."
    )
    return Refusal(-1003, message, status=429, headers={"Retry-After": seconds(left_ms)})


def banned(until_ms: int, now_ms: int) -> Refusal:
    message = f"Way too much request weight used; IP banned until {until_ms}. {ADVICE} bans."
    return Refusal(-1003, message, status=418, headers={"Retry-After": seconds(until_ms - now_ms)})


def too_many_orders(limit: int, interval: str, left_ms: int) -> Refusal:
    message = f"Too many new orders; current limit is {limit} orders per {interval}."
    return Refusal(-1015, message, status=429, headers={"Retry-After": seconds(left_ms)})
