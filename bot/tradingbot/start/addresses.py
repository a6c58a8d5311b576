"""Where the venues are whose dialects are spoken here."""

from collections.abc import Mapping

from tradingbot.domain.errors import Misconfigured
from tradingbot.settings import Settings
from tradingbot.venues.markets import MARKETS

# REST and stream.
BASES: Mapping[str, tuple[str, str]] = {
    "binance": ("https://api.binance.com", "wss://stream.binance.com:9443"),
    # These are asked again and again, and never listened to.
    **{name: (market.address, "") for name, market in MARKETS.items()},
}


def bases(settings: Settings) -> tuple[str, str]:
    """Where to ask and where to listen."""
    exchange = settings.exchange
    if exchange.name not in BASES:
        raise Misconfigured(f'exchange.name "{exchange.name}" is not spoken here: write {" or ".join(BASES)}')
    if exchange.endpoint is None:
        return BASES[exchange.name]
    endpoint = exchange.endpoint.rstrip("/")
    return endpoint, endpoint.replace("http", "ws", 1)
