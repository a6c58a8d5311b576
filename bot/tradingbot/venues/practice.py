"""The last thing between a bot without real money and a venue with it: the lines of its requests."""

from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver

from tradingbot.attempts import Attempts
from tradingbot.domain.realmoney import Attempt, is_real
from tradingbot.venues.dialect import Lost

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

KEPT_SECONDS = 15.0


class RealMoney(Lost):
    """A place of real money was asked for by a bot that has none: to there nothing was sent.

    What came before is not known: a sandbox that leads on to the venue may have carried out what it was asked.
    """


class PracticeConnector(aiohttp.TCPConnector):
    """Opens no line to a place where money is real, also when another place has led there."""

    def __init__(self, attempts: Attempts, resolver: AbstractResolver | None) -> None:
        super().__init__(keepalive_timeout=KEPT_SECONDS, resolver=resolver)
        self._attempts = attempts

    async def connect(
        self,
        req: "ClientRequest",
        traces: "list[Trace]",
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the library's own
    ) -> aiohttp.connector.Connection:
        if is_real(req.url.host):
            attempt = Attempt(req.method, str(req.url.host), req.url.path)
            self._attempts.add(attempt)
            raise RealMoney(f"{attempt.text}: real money is there, and this bot trades without")
        return await super().connect(req, traces, timeout)


def connector(attempts: Attempts | None, resolver: AbstractResolver | None = None) -> aiohttp.TCPConnector:
    """The lines of a bot whose *attempts* at real money are counted; None: its money is real."""
    if attempts is None:
        return aiohttp.TCPConnector(keepalive_timeout=KEPT_SECONDS, resolver=resolver)
    return PracticeConnector(attempts, resolver)
