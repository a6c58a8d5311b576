"""Where money is real: the same address book as the bot's (docs/contracts.md section 4), held by a contract test."""

from urllib.parse import urlsplit

VENUES = ("binance.com", "binance.us", "coinbase.com", "kraken.com", "kucoin.com")
PRACTICE = frozenset(
    {
        "demo-api.binance.com",
        "demo-ws-api.binance.com",
        "api-sandbox.coinbase.com",
        "api-public.sandbox.exchange.coinbase.com",
        "demo-futures.kraken.com",
        "openapi-sandbox.kucoin.com",
    }
)


def is_real(url: str) -> bool:
    """Whether *url* is the venue itself, and no place where it lets people practise."""
    name = (urlsplit(url).hostname or "").lower().rstrip(".")
    return name not in PRACTICE and any(name == each or name.endswith(f".{each}") for each in VENUES)


def pattern(names: tuple[str, ...], below: bool) -> str:
    """A regular expression for an address whose host is one of *names*, or *below* one of them."""
    hosts = "|".join(name.replace(".", "[.]") for name in names)
    return f"(?i)^[a-z0-9]+://{'([^/?#:]*[.])?' if below else ''}({hosts})[.]?(:[0-9]*)?([/?#]|$)"
