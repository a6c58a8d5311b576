"""Writes. Before the first write of a name the object is absent or this bot's own; else nothing is written."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.memory import Memory, place, trace
from tradingbot_operator.cluster.reading import controller_uid, revision, tokens
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.errors import Refused
from tradingbot_operator.domain.kinds import BY_NAME, REVISION, SECRET
from tradingbot_operator.domain.names import COMPONENT, LABEL_BOT, LABEL_MANAGED_BY
from tradingbot_operator.domain.outcome import APPLIED, Applied, Trouble
from tradingbot_operator.domain.standing import content, marked, stands

Identity = tuple[str, str]


async def apply(api: Api, memory: Memory, bot: Bot, kept: tuple[Manifest, ...], held: tuple[Manifest, ...]) -> Applied:
    """All of *held* stands as written and all of *kept* exists, or the trouble says what does not."""
    kept, held = _unwritten(memory, kept), _unwritten(memory, held)
    every = (*kept, *held)
    seen = await asyncio.gather(*(_find(api, memory, each) for each in every))
    found = {identity(each): body for each, body in zip(every, seen, strict=True)}
    for manifest in (*kept, *held):
        if trouble := taken(bot, manifest, found[identity(manifest)]):
            return Applied(trouble)
    try:
        for manifest in kept:
            existing = found[identity(manifest)]
            _remember(memory, bot, manifest, existing or await api.create(manifest))
        for manifest in held:
            _remember(memory, bot, manifest, await _write(api, manifest, found[identity(manifest)]))
    except Refused as error:
        return Applied(Trouble("ApplyRefused", f"the API server refused an object of this bot: {error}"))
    return APPLIED


def _unwritten(memory: Memory, manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """What does not stand already, as far as this process knows."""
    return tuple(each for each in manifests if not memory.stands(place(each, each["kind"]), _content(each)))


def _content(manifest: Manifest) -> str:
    """One word for all that is asked of an object; of a Secret, that it is there: it is made anew each pass."""
    return SECRET.kind if manifest["kind"] == SECRET.kind else content(manifest)


def identity(manifest: Manifest) -> Identity:
    return manifest["kind"], manifest["metadata"]["name"]


def taken(bot: Bot, manifest: Manifest, existing: Mapping[str, Any] | None) -> Trouble | None:
    """Whether an object of that name belongs to someone else."""
    if existing is None or _is_ours(bot, manifest, existing):
        return None
    kind, name = identity(manifest)
    cure = "delete or rename it, or give the bot another name"
    return Trouble("NameTaken", f"{kind} {name} exists and is not controlled by this TradingBot; {cure}")


def _is_ours(bot: Bot, manifest: Manifest, existing: Mapping[str, Any]) -> bool:
    if "ownerReferences" in manifest["metadata"]:
        return controller_uid(existing) == bot.uid
    # What outlives its bot, or serves all bots of a namespace, has no owner: labels say whose it is.
    labels = existing["metadata"].get("labels") or {}
    wanted = manifest["metadata"]["labels"]
    return labels.get(LABEL_MANAGED_BY) == COMPONENT and labels.get(LABEL_BOT) == wanted.get(LABEL_BOT)


def _remember(memory: Memory, bot: Bot, manifest: Manifest, body: Manifest) -> None:
    memory.wrote(place(manifest, manifest["kind"]), trace(body, bot.key), _content(manifest))
    if manifest["kind"] == REVISION.kind:
        memory.recorded(bot.key, revision(body))
    if identity(manifest) == (SECRET.kind, f"{bot.name}-api"):
        memory.remember_tokens(bot.key, tokens(body))


async def _find(api: Api, memory: Memory, manifest: Manifest) -> Manifest | None:
    kind, meta = BY_NAME[manifest["apiVersion"], manifest["kind"]], manifest["metadata"]
    if kind == SECRET:
        # Its content is not even read.
        return await api.glimpse(kind, meta["namespace"], meta["name"])
    where = place(manifest, kind.kind)
    return memory.take_listed(where) or await api.find(kind, meta["namespace"], meta["name"])


async def _write(api: Api, manifest: Manifest, existing: Manifest | None) -> Manifest:
    """The object as it is when it is as it was asked to be; it is written only where it is not."""
    if existing is None:
        # Without force: should someone have made the name their own this moment, the API server refuses.
        return await api.apply(marked(manifest), force=False)
    if stands(existing, manifest):
        return existing
    # The uid makes the write fail when the object was replaced by another since it was looked at.
    asked = marked(manifest)
    named = {**asked, "metadata": {**asked["metadata"], "uid": existing["metadata"]["uid"]}}
    return await api.apply(named, force=True)
