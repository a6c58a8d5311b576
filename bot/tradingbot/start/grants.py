"""Leave to sell without the ledger, asked of the operator over HTTP (docs/contracts.md 8.7)."""

from datetime import timedelta

import aiohttp
import structlog

from tradingbot.domain.lease import Lease
from tradingbot.settings import Settings
from tradingbot.start.credentials import TokenFile

# An answer that takes longer has used up a fifth of what it grants.
PATIENCE = aiohttp.ClientTimeout(total=2)
UNANSWERED = (TimeoutError, aiohttp.ClientError, ValueError, KeyError, TypeError)
log = structlog.stdlib.get_logger(__name__)


class OperatorGrants:
    """Asks for *settings.bot*; without an address nothing is ever granted."""

    def __init__(self, settings: Settings, token: TokenFile) -> None:
        self._bot, self._url, self._token = settings.bot, settings.operator.url, token

    async def ask(self, lease: Lease) -> timedelta | None:
        tokens = self._token.tokens()
        if self._url is None or not tokens:
            return None
        body = {"ledger_id": lease.ledger_id, "epoch": lease.epoch, "instance": lease.instance}
        headers = {"Authorization": f"Bearer {tokens[0].get_secret_value()}"}
        address = f"{self._url.rstrip('/')}/exit-grants/{self._bot.namespace}/{self._bot.name}"
        try:
            async with (
                aiohttp.ClientSession(timeout=PATIENCE) as session,
                session.post(address, json=body, headers=headers) as answer,
            ):
                said = await answer.json(content_type=None)
                if answer.status == 200:
                    return timedelta(milliseconds=int(said["lasts_ms"]))
                log.warning("No exit grant", status=answer.status, reason=str(said["reason"]))
        except UNANSWERED as error:
            log.warning("No exit grant", reason=f"the operator did not answer: {type(error).__name__}")
        return None
