"""exchangeInfo."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from exchange_simulator.dialect.amounts import text
from exchange_simulator.domain.numbers import ZERO
from exchange_simulator.domain.order import Kind
from exchange_simulator.domain.rules import Rules

Json = dict[str, Any]


def filters(rules: Rules) -> list[Json]:
    """The filters of a symbol, in the venue's order."""
    return [
        span("PRICE_FILTER", "Price", (rules.min_price, rules.max_price), {"tickSize": text(rules.tick)}),
        span("LOT_SIZE", "Qty", (rules.min_quantity, rules.max_quantity), {"stepSize": text(rules.step)}),
        # A step of zero means unlimited: the step of LOT_SIZE alone holds.
        span("MARKET_LOT_SIZE", "Qty", (ZERO, rules.max_market_quantity), {"stepSize": text(ZERO)}),
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": text(rules.percent_up),
            "bidMultiplierDown": text(rules.percent_down),
            "askMultiplierUp": text(rules.percent_up),
            "askMultiplierDown": text(rules.percent_down),
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(rules.min_notional),
            "applyMinToMarket": True,
            "maxNotional": text(rules.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": rules.max_stop_orders},
    ]


def span(name: str, what: str, ends: tuple[Decimal, Decimal], step: Json) -> Json:
    """A filter of a least, a most and a step."""
    return {"filterType": name, f"min{what}": text(ends[0]), f"max{what}": text(ends[1]), **step}


def symbol(rules: Rules, *, halted: bool) -> Json:
    """One symbol of exchangeInfo."""
    return {
        "symbol": rules.symbol,
        "status": "HALT" if halted else "TRADING",
        "baseAsset": rules.base,
        "baseAssetPrecision": 8,
        "quoteAsset": rules.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [kind.value for kind in Kind],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(rules),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def limits(weight: int, ten_seconds: int, day: int) -> list[Json]:
    """The limits the venue enforces."""
    rows = [
        ("REQUEST_WEIGHT", "MINUTE", 1, weight),
        ("ORDERS", "SECOND", 10, ten_seconds),
        ("ORDERS", "DAY", 1, day),
    ]
    return [
        {"rateLimitType": kind, "interval": unit, "intervalNum": number, "limit": limit}
        for kind, unit, number, limit in rows
    ]


def exchange_info(symbols: Iterable[Json], rate_limits: list[Json], now_ms: int) -> Json:
    """The answer to GET exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": rate_limits,
        "exchangeFilters": [],
        "symbols": list(symbols),
    }
