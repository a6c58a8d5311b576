"""Writes to the TradingBot itself and to its pods' annotations; every one fails if someone wrote first."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster.api import JSON_PATCH, Api
from tradingbot_operator.domain.bot import Bot, parse
from tradingbot_operator.domain.errors import Outdated, Refused
from tradingbot_operator.domain.kinds import BOT, POD
from tradingbot_operator.domain.names import FIELD_MANAGER, FINALIZER, STATUS_MANAGER
from tradingbot_operator.domain.plan import Note


def _path(bot: Bot) -> str:
    return BOT.path(bot.namespace, bot.name)


async def hold(api: Api, bot: Bot) -> Bot:
    """The bot cannot vanish before its orderly end."""
    patch = {"metadata": {"finalizers": [*bot.finalizers, FINALIZER], "resourceVersion": bot.resource_version}}
    return parse(await api.merge(_path(bot), patch, FIELD_MANAGER))


async def release(api: Api, bot: Bot) -> None:
    """The bot may vanish."""
    if FINALIZER not in bot.finalizers:
        return
    place = f"/metadata/finalizers/{bot.finalizers.index(FINALIZER)}"
    patch = [{"op": "test", "path": place, "value": FINALIZER}, {"op": "remove", "path": place}]
    try:
        await api.request("PATCH", _path(bot), patch, JSON_PATCH)
    except Refused as error:
        raise Outdated(str(error)) from error


async def order_pod(api: Api, namespace: str, note: Note) -> None:
    """The pod carries these orders; its Downward API file follows within seconds."""
    patch = {"metadata": {"uid": note.uid, "annotations": dict(note.annotations)}}
    await api.merge(POD.path(namespace, note.pod), patch, FIELD_MANAGER)


async def annotate(api: Api, bot: Bot, annotations: Mapping[str, str]) -> None:
    patch = {"metadata": {"annotations": dict(annotations), "resourceVersion": bot.resource_version}}
    await api.merge(_path(bot), patch, FIELD_MANAGER)


async def write_status(api: Api, bot: Bot, change: Mapping[str, Any]) -> Bot:
    """The status holds *change*, unless someone wrote the bot since it was read."""
    patch = {"metadata": {"resourceVersion": bot.resource_version}, "status": dict(change)}
    return parse(await api.merge(_path(bot) + "/status", patch, STATUS_MANAGER))
