"""An exchange of ccxt that signs and sends what it is told, once, and gives errors as they came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from tradingbot.attempts import Attempts
from tradingbot.domain.backoff import Backoff
from tradingbot.venues import binance
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.consequence import Answered
from tradingbot.venues.dialect import Dialect
from tradingbot.venues.one_exchange import exchange_class
from tradingbot.venues.practice import connector

# Among the fields of a call: the time it is signed with. It never goes onto the wire.
SIGNED_AT = "tradingbot signed at"


@dataclass(frozen=True, slots=True)
class Account:
    """Where, as whom and how patiently to trade. *endpoint* None is the venue's own address, *agent* the User-Agent.

    *attempts* None: with real money. Whoever does not say so gets no line to where money is real.
    """

    exchange: str
    key: str
    secret: str
    symbols: tuple[str, ...]
    agent: str
    endpoint: str | None = None
    proxy: str | None = None
    password: str = field(default="", repr=False)
    timeout: timedelta = timedelta(seconds=5)
    backoff: Backoff = field(default_factory=Backoff)
    attempts: Attempts | None = field(default_factory=Attempts)


def signing(account: Account, clock: VenueClock, dialect: Dialect, resolver: AbstractResolver | None = None) -> Any:
    """The exchange of *account*, with the venue's time; nothing is asked of it yet.

    *resolver* says where names are; None: the machine does.
    """
    kind = exchange_class(account.exchange)

    class Plain(kind):  # type: ignore[misc, valid-type]
        """The exchange with its errors as they came: what they mean is judged in ``consequence``."""

        signed_at: datetime | None = None

        def handle_errors(self, code: int, _reason: str, *rest: Any) -> None:
            headers, response = rest[2], rest[4]
            if dialect.failure(code, response):
                raise Answered(code, response, headers)

        def handle_http_status_code(self, *_: Any) -> None:
            return

        def sign(self, path: str, api: Any, method: str, params: Mapping[str, Any]) -> Any:
            fields = dict(params)
            self.signed_at = fields.pop(SIGNED_AT, None)
            try:
                # Nothing is awaited in here, so that no other request can take this one's time.
                return super().sign(path, api, method, fields)
            finally:
                self.signed_at = None

        def nonce(self) -> int:
            return binance.milliseconds(self.signed_at or clock.now())

        def seconds(self) -> int:
            return self.nonce() // 1000

    made = Plain(_options(account, dialect))
    # Put in place of the library's own, with which the constructor would mix them.
    made.options.update(dialect.traits.options or {})
    # aiohttp sends a DELETE again when a kept connection has gone; nothing of ours is sent twice.
    made.session = aiohttp.ClientSession(connector=connector(account.attempts, resolver))
    made.session._retry_connection = False
    # Else it reads every certificate of the machine within its first request, which is the first of an adoption.
    made.open()
    return made


def _options(account: Account, dialect: Dialect) -> dict[str, Any]:
    """What the library's constructor is told."""
    options: dict[str, Any] = {
        "apiKey": account.key,
        "secret": account.secret,
        "enableRateLimit": False,
        "timeout": account.timeout // timedelta(milliseconds=1),
        "userAgent": account.agent,
        "options": {"maxRetriesOnFailure": 0},
    }
    if account.password:
        options["password"] = account.password
    if account.endpoint is not None:
        options["urls"] = {"api": {name: account.endpoint + rest for name, rest in dialect.traits.urls.items()}}
    if account.proxy is not None:
        options["aiohttp_proxy"] = account.proxy
    return options
