"""The venues whose public data is asked for again and again, by their names."""

from collections.abc import Mapping

from tradingbot.venues.coinbase_market import COINBASE
from tradingbot.venues.kraken_market import KRAKEN
from tradingbot.venues.kucoin_market import KUCOIN
from tradingbot.venues.market import Market

MARKETS: Mapping[str, Market] = {"coinbase": COINBASE, "kraken": KRAKEN, "kucoin": KUCOIN}


def ping_path(exchange: str) -> str:
    """What may be asked of *exchange* without meaning anything."""
    return MARKETS[exchange].time.path if exchange in MARKETS else "/api/v3/ping"
