"""Who is asked, and how much of it they allow one address: a table, so that another provider is one more row."""

from dataclasses import dataclass

MINUTE, DAY = 60.0, 86400.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most *capacity* of *of* (``weight`` or ``orders``) within *seconds*."""

    name: str
    of: str
    capacity: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Provider:
    """*reserve_percent* of each limit is kept for cancels, stops and exits, and as much again is not for entries."""

    name: str
    limits: tuple[Limit, ...]
    reserve_percent: int = 10


# Weight and orders as each of them publishes it for an address or a key without a better one; a request of who counts
# requests only has weight 1. Alpha Vantage: the free key.
PROVIDERS = (
    Provider(
        "binance",
        (
            Limit("weight-1m", "weight", 6000, MINUTE),
            Limit("orders-10s", "orders", 100, 10.0),
            Limit("orders-1d", "orders", 200_000, DAY),
        ),
    ),
    Provider("coinbase", (Limit("requests-1s", "weight", 30, 1.0),)),
    Provider("kucoin", (Limit("weight-30s", "weight", 4000, 30.0),)),
    Provider("kraken", (Limit("requests-1m", "weight", 60, MINUTE), Limit("orders-1m", "orders", 60, MINUTE))),
    Provider(
        "alphavantage",
        (Limit("requests-1m", "weight", 5, MINUTE), Limit("requests-1d", "weight", 25, DAY)),
        reserve_percent=0,
    ),
)
