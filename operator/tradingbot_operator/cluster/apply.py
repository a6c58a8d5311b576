"""Writes. Before the first write of a name the object must be absent or this bot's own; otherwise nothing at all is written."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradingbot_operator.cluster.api import JSON_PATCH, Api
from tradingbot_operator.cluster.reading import controller_uid
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.errors import Outdated, Refused
from tradingbot_operator.domain.kinds import BOT, BY_NAME, POD
from tradingbot_operator.domain.names import (
    COMPONENT,
    FIELD_MANAGER,
    FINALIZER,
    LABEL_BOT,
    LABEL_MANAGED_BY,
    STATUS_MANAGER,
)
from tradingbot_operator.domain.outcome import Applied, Trouble
from tradingbot_operator.domain.plan import Note

Found = Mapping[tuple[str, str], Manifest | None]


async def apply(api: Api, bot: Bot, kept: tuple[Manifest, ...], applied: tuple[Manifest, ...]) -> Applied:
    """All of *applied* holds and all of *kept* exists, or the trouble says what did not."""
    found = {identity(each): await _find(api, each) for each in (*kept, *applied)}
    for manifest in (*kept, *applied):
        if trouble := taken(bot, manifest, found[identity(manifest)]):
            return Applied({}, trouble)
    written: dict[tuple[str, str], Mapping[str, Any]] = {}
    try:
        for manifest in kept:
            if found[identity(manifest)] is None:
                written[identity(manifest)] = await api.create(manifest)
        for manifest in applied:
            written[identity(manifest)] = await _write(api, manifest, found[identity(manifest)])
    except Refused as error:
        return Applied(written, Trouble("ApplyRefused", f"the API server refused an object of this bot: {error}"))
    return Applied(written)


def identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def taken(bot: Bot, manifest: Manifest, existing: Manifest | None) -> Trouble | None:
    """Whether an object of that name belongs to someone else."""
    if existing is None or _is_ours(bot, manifest, existing):
        return None
    kind, name = identity(manifest)
    return Trouble(
        "NameTaken",
        f"{kind} {name} exists and is not controlled by this TradingBot; delete or rename it, or give the bot another name",
    )


def _is_ours(bot: Bot, manifest: Manifest, existing: Manifest) -> bool:
    if "ownerReferences" in manifest["metadata"]:
        return controller_uid(existing) == bot.uid
    # What outlives its bot, or serves all bots of a namespace, has no owner: labels say whose it is.
    labels = existing["metadata"].get("labels") or {}
    wanted = manifest["metadata"]["labels"]
    return labels.get(LABEL_MANAGED_BY) == COMPONENT and labels.get(LABEL_BOT) == wanted.get(LABEL_BOT)


async def _find(api: Api, manifest: Manifest) -> Manifest | None:
    kind, meta = BY_NAME[manifest["apiVersion"], manifest["kind"]], manifest["metadata"]
    return await api.find(kind, meta["namespace"], meta["name"])


async def _write(api: Api, manifest: Manifest, existing: Manifest | None) -> Manifest:
    if existing is None:
        # Without force: should someone have made the name their own this moment, the API server refuses.
        return await api.apply(manifest, force=False)
    # The uid makes the write fail when the object was replaced by another since it was looked at.
    named = {**manifest, "metadata": {**manifest["metadata"], "uid": existing["metadata"]["uid"]}}
    return await api.apply(named, force=True)


async def set_finalizer(api: Api, bot: Bot) -> Bot:
    """The bot cannot vanish before its orderly end."""
    patch = {"metadata": {"finalizers": [*bot.finalizers, FINALIZER], "resourceVersion": bot.resource_version}}
    body = await api.merge(BOT.path(bot.namespace, bot.name), patch, FIELD_MANAGER)
    return replace(bot, finalizers=(*bot.finalizers, FINALIZER), resource_version=body["metadata"]["resourceVersion"])


async def release(api: Api, bot: Bot) -> None:
    """The bot may vanish."""
    if FINALIZER not in bot.finalizers:
        return
    place = f"/metadata/finalizers/{bot.finalizers.index(FINALIZER)}"
    patch = [{"op": "test", "path": place, "value": FINALIZER}, {"op": "remove", "path": place}]
    try:
        await api.request("PATCH", BOT.path(bot.namespace, bot.name), patch, JSON_PATCH)
    except Refused as error:
        raise Outdated(str(error)) from error


async def annotate_pod(api: Api, bot: Bot, note: Note) -> None:
    """The pod carries these orders and no other this operator wrote there; its Downward API file follows within seconds."""
    meta = {"name": note.pod, "namespace": bot.namespace, "uid": note.uid, "annotations": dict(note.annotations)}
    await api.apply({"apiVersion": "v1", "kind": POD.kind, "metadata": meta}, force=True)


async def annotate_bot(api: Api, bot: Bot, annotations: Mapping[str, str]) -> None:
    patch = {"metadata": {"annotations": dict(annotations), "resourceVersion": bot.resource_version}}
    await api.merge(BOT.path(bot.namespace, bot.name), patch, FIELD_MANAGER)


async def write_status(api: Api, bot: Bot, change: Mapping[str, Any]) -> Manifest:
    """The status holds *change*, unless someone wrote the bot since it was read."""
    patch = {"metadata": {"resourceVersion": bot.resource_version}, "status": dict(change)}
    return await api.merge(BOT.path(bot.namespace, bot.name) + "/status", patch, STATUS_MANAGER)
