"""What the cluster holds of a bot's ledger: the person's logins, the bot's own, and the migration Job."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.jobs import last_words, state
from tradingbot_operator.cluster.reading import controller_uid
from tradingbot_operator.domain.address import Address, parse
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.kinds import JOB, SECRET
from tradingbot_operator.domain.ledger import LOGINS, Login, Migration, OwnSecret, ledger_secret_name
from tradingbot_operator.domain.probe import JobState


async def login(api: Api, namespace: str, secret: str) -> Login:
    """The address a person put into a Secret."""
    body = await api.find(SECRET, namespace, secret)
    if body is None:
        return Login(secret, False)
    return Login(secret, True, _address(body, "url"), body["metadata"]["resourceVersion"])


async def own_secret(api: Api, bot: Bot) -> OwnSecret | None:
    """The Secret with the logins of the bot's roles."""
    body = await api.find(SECRET, bot.namespace, ledger_secret_name(bot))
    if body is None:
        return None
    found = {key: address for key in LOGINS if (address := _address(body, key))}
    return OwnSecret(controller_uid(body) == bot.uid, found)


async def operator_token(api: Api, bot: Bot) -> str | None:
    """The newest token for the fence of an embedded ledger, or None while the bot has none."""
    body = await api.find(SECRET, bot.namespace, f"{bot.name}-api")
    if body is None or controller_uid(body) != bot.uid:
        return None
    return next(iter(_text(body, "operator-token").split()), None)


async def api_tokens(api: Api, bot: Bot) -> tuple[str, ...]:
    """The tokens of the bot's own API that are valid now, the newest first."""
    body = await api.find(SECRET, bot.namespace, f"{bot.name}-api")
    if body is None or controller_uid(body) != bot.uid:
        return ()
    return tuple(_text(body, "token").split())


def _address(body: Mapping[str, Any], key: str) -> Address | None:
    return parse(_text(body, key))


def _text(body: Mapping[str, Any], key: str) -> str:
    return b64decode((body.get("data") or {}).get(key) or "").decode(errors="replace")


async def migration(api: Api, job: Manifest) -> Migration:
    """How far that Job is; when it failed, what its pod said last."""
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    body = await api.find(JOB, namespace, name)
    if body is None:
        return Migration(JobState.GONE)
    found = state(body)
    return Migration(found, await last_words(api, namespace, name) if found is JobState.FAILED else "")
