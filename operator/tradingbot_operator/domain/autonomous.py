"""Three parameters instead of all: what a bot in configMode autonomous is told, and the spec they stand for."""

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any

from pydantic import ConfigDict

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import Form

# A market may be written without a stroke where its quote coin is one of these; the longest that fits is meant.
QUOTES = ("FDUSD", "USDT", "USDC", "USD", "EUR", "GBP")
VENUES = {"USD": "coinbase", "EUR": "kraken", "GBP": "kraken"}
USUAL_VENUE = "binance"
ONE_MARKET = rf"([A-Z0-9]{{1,20}}[/-][A-Z0-9]{{1,20}}|[A-Z0-9]{{1,20}}({'|'.join(QUOTES)}))"
MARKETS = rf"^{ONE_MARKET}( *, *{ONE_MARKET}){{0,19}}$"
LENGTH = r"^((1|3|5|15|30) ?(m|mins?|minutes?)|(1|4) ?(h|hours?)|1 ?(d|days?))$"
AMOUNT = r"^[1-9][0-9]{0,14}([.][0-9]{1,8})?$"
MOST_POSITIONS = 5
CENT = Decimal("0.01")


class Autonomous(Part):
    max_capital: Annotated[
        str, Form(AMOUNT, "an amount of at least 1", "write digits with an optional fraction in quotes, such as 10000")
    ]
    """What the bot may trade with, in the quote coin of its markets."""
    timeframe: Annotated[
        str, Form(LENGTH, "the length of a candle", "write 1, 3, 5, 15 or 30 mins, 1 or 4 hours, or 1 day")
    ]
    """Length of a candle, such as 5 mins or 5m."""
    symbols: Annotated[
        str, Form(MARKETS, "a list of at most 20 markets", "write them with commas, such as BTC/USD, ETH/USD", 512)
    ]
    """What is traded, such as BTC/USD, ETH/USD; all quoted in one coin."""


class Asked(Part):
    """What of a spec matters before the rest is derived."""

    model_config = ConfigDict(extra="ignore")

    autonomous: Autonomous


# What is derived, and therefore not asked for.
DERIVED = ("exchange", "strategy", "strategies", "engine", "capital", "risk")


def is_autonomous(spec: Mapping[str, Any]) -> bool:
    return spec.get("configMode") == "autonomous"


def expert(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """*spec* with everything that its three parameters stand for; raises ValidationError where they are wrong."""
    return {**spec, **derived(Asked.model_validate(spec).autonomous)} if is_autonomous(spec) else spec


def derived(asked: Autonomous) -> dict[str, Any]:
    """The parts of a spec that *asked* stands for.

    The same three parameters must give the same spec in every release: another one would replace running bots.
    """
    symbols = [market(each) for each in asked.symbols.split(",")]
    quote = symbols[0].partition("/")[2]
    return {
        "exchange": {"name": VENUES.get(quote, USUAL_VENUE), "symbols": symbols},
        "strategy": {
            "name": "sma_cross",
            "timeframe": timeframe(asked.timeframe),
            "parameters": {"fast": "10", "slow": "50"},
        },
        "engine": {"checkInterval": "15s", "warmupBars": 200, "maxSignalsPerSec": "2.0"},
        "capital": {"initial": asked.max_capital, "currency": quote},
        "risk": _risk(Decimal(asked.max_capital), len(symbols)),
    }


def _risk(capital: Decimal, markets: int) -> dict[str, Any]:
    """Half of the capital at most is at work, a fiftieth may be lost in a day, a tenth at all."""
    return {
        "maxOrderNotional": _share(capital, "0.1"),
        "maxPositionNotional": _share(capital, "0.1"),
        "maxOpenPositions": min(markets, MOST_POSITIONS),
        "maxOrdersPerMinute": 10,
        "maxDailyLoss": _share(capital, "0.02"),
        "maxDailyLossPercent": "2",
        "maxDrawdownPercent": "10",
        "stopLossPercent": "2",
        "orderFractionPercent": "10",
    }


def _share(capital: Decimal, part: str) -> str:
    return format((capital * Decimal(part)).quantize(CENT, ROUND_DOWN).normalize(), "f")


def market(text: str) -> str:
    """``BTC/USD`` however it was spelled: BTC-USD, BTCUSD, BTC/USD."""
    name = text.strip().replace("-", "/")
    if "/" in name:
        return name
    quote = next(each for each in QUOTES if name.endswith(each))
    return f"{name.removesuffix(quote)}/{quote}"


def timeframe(text: str) -> str:
    """``5m`` however it was spelled: 5m, 5 mins, 5 minutes."""
    number, unit = re.findall(r"[0-9]+|[a-z]", text)[:2]
    return f"{number}{unit}"
