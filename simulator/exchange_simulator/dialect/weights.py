"""What a request weighs, as the venue documents it."""

from collections.abc import Mapping

WEIGHTS: Mapping[str, int] = {
    "GET /api/v3/ping": 1,
    "GET /api/v3/time": 1,
    "GET /api/v3/exchangeInfo": 20,
    "GET /api/v3/depth": 5,
    "GET /api/v3/trades": 25,
    "GET /api/v3/historicalTrades": 25,
    "GET /api/v3/aggTrades": 4,
    "GET /api/v3/klines": 2,
    "GET /api/v3/uiKlines": 2,
    "GET /api/v3/avgPrice": 2,
    "GET /api/v3/ticker/24hr": 2,
    "GET /api/v3/ticker/price": 2,
    "GET /api/v3/ticker/bookTicker": 2,
    "GET /api/v3/account": 20,
    "GET /api/v3/order": 4,
    "GET /api/v3/openOrders": 6,
    "GET /api/v3/allOrders": 20,
    "GET /api/v3/myTrades": 20,
    "GET /api/v3/rateLimit/order": 40,
}
# Without a symbol these answer for all symbols and weigh more.
WEIGHTS_FOR_ALL: Mapping[str, int] = {
    "GET /api/v3/ticker/24hr": 80,
    "GET /api/v3/ticker/price": 4,
    "GET /api/v3/ticker/bookTicker": 4,
    "GET /api/v3/openOrders": 80,
}
DEEP_BOOK = ((100, 5), (500, 25), (1000, 50), (5000, 250))
# Orders placed by a route; only these count against the order limits.
ORDERS_PLACED: Mapping[str, int] = {"POST /api/v3/order": 1, "POST /api/v3/order/cancelReplace": 1}


def weight(route: str, parameters: Mapping[str, str]) -> int:
    """The weight of a request; one where the venue names no other."""
    if route == "GET /api/v3/depth" and parameters.get("limit", "").isdigit():
        asked = int(parameters["limit"])
        return next((heavy for most, heavy in DEEP_BOOK if asked <= most), DEEP_BOOK[-1][1])
    if "symbol" not in parameters and route in WEIGHTS_FOR_ALL:
        return WEIGHTS_FOR_ALL[route]
    return WEIGHTS.get(route, 1)
