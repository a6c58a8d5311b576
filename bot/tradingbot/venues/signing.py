"""An exchange of ccxt that signs and sends what it is told, once, and gives errors as they came."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from tradingbot.venues import binance
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.consequence import Answered
from tradingbot.venues.one_exchange import exchange_class

TIMEOUT_MILLISECONDS = 8000


@dataclass(frozen=True, slots=True)
class Account:
    """Where and as whom to trade. *endpoint* None is the venue's own address; *agent* is sent with every request."""

    exchange: str
    key: str
    secret: str
    symbols: tuple[str, ...]
    agent: str
    endpoint: str | None = None
    proxy: str | None = None


def signing(account: Account, clock: VenueClock) -> Any:
    """The exchange of *account*, with the venue's time; nothing is asked of it yet."""
    kind = exchange_class(account.exchange)

    class Plain(kind):  # type: ignore[misc, valid-type]
        """The exchange with its errors as they came: what they mean is judged in ``consequence``."""

        def handle_errors(self, code: int, _reason: str, *rest: Any) -> None:
            headers, response = rest[2], rest[4]
            if code >= 400:
                raise Answered(code, response, headers)

        def handle_http_status_code(self, *_: Any) -> None:
            return

        def nonce(self) -> int:
            return binance.milliseconds(clock.now())

    options: dict[str, Any] = {
        "apiKey": account.key,
        "secret": account.secret,
        "enableRateLimit": False,
        "timeout": TIMEOUT_MILLISECONDS,
        "userAgent": account.agent,
        "options": {"maxRetriesOnFailure": 0},
    }
    if account.endpoint is not None:
        options["urls"] = {
            "api": {
                "public": f"{account.endpoint}/api/v3",
                "private": f"{account.endpoint}/api/v3",
                "sapi": f"{account.endpoint}/sapi/v1",
            }
        }
    if account.proxy is not None:
        options["aiohttp_proxy"] = account.proxy
    made = Plain(options)
    # aiohttp sends a DELETE again when a kept connection has gone; nothing of ours is sent twice.
    made.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=15))
    made.session._retry_connection = False
    # Else it reads every certificate of the machine within its first request, which is the first of an adoption.
    made.open()
    return made
