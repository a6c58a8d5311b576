"""The net under the watches: lists of metadata, compared with what is known; ghosts go, drift is seen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from zlib import crc32

from tradingbot_operator.cluster import reading
from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.memory import Name, Place, Trace, place, trace
from tradingbot_operator.domain.bot import Manifest
from tradingbot_operator.domain.kinds import (
    BOT,
    CLAIM,
    CONFIG,
    DEPLOYMENT,
    NAMESPACE,
    POD,
    POLICY,
    REVISION,
    SECRET,
    SERVICE,
    TASK,
    Kind,
)
from tradingbot_operator.domain.names import COMPONENT, LABEL_MANAGED_BY
from tradingbot_operator.domain.observed import Revision
from tradingbot_operator.engine.engine import Engine

OWN = f"{LABEL_MANAGED_BY}={COMPONENT}"
WATCHED = ((BOT, ""), (TASK, ""), (DEPLOYMENT, OWN), (POD, OWN))
LISTED = (DEPLOYMENT, CONFIG, CLAIM, SERVICE, POLICY, REVISION)
SHARES = 6
NOBODY: Name = ("", "")

Sleep = Callable[[float], Awaitable[None]]


class Audit:
    """*namespaces* are those watched; None stands for all. *monitoring*: the kinds for it that the cluster knows."""

    def __init__(
        self, api: Api, engine: Engine, namespaces: tuple[str | None, ...], monitoring: tuple[Kind, ...]
    ) -> None:
        self._api, self._engine, self._namespaces = api, engine, namespaces
        self._listed = (*LISTED, *monitoring)
        # Who may look at some namespaces only may not list them.
        self._watched = (*WATCHED, (NAMESPACE, "")) if namespaces == (None,) else WATCHED
        self._round = 0

    async def warm(self) -> None:
        """The store knows every watched object, and each bot's first pass what stands of it without looking again."""
        memory, bots, named = self._engine.memory, dict[str, Name](), set[Name]()
        for kind, labels in WATCHED:
            async for body in self._each(kind, labels):
                self._engine.happened(kind, "LISTED", body)
                if kind == BOT:
                    bots[body["metadata"]["uid"]] = (body["metadata"]["namespace"], body["metadata"]["name"])
                    named.add(bots[body["metadata"]["uid"]])
                    memory.remember_listed(place(body, kind.kind), body)
                if kind == DEPLOYMENT and _bot(body) in named:
                    memory.remember_listed(place(body, kind.kind), body)
        history: dict[Name, list[Revision]] = {bot: [] for bot in bots.values()}
        for kind in self._listed[1:]:
            async for body in self._each(kind, OWN):
                # A claim outlives its bot: what stands of it when another bot of that name comes, nobody has looked at.
                if _bot(body) in named:
                    memory.remember_listed(place(body, kind.kind), body)
                owner = bots.get(reading.controller_uid(body) or "")
                if kind == REVISION and owner is not None:
                    history[owner].append(reading.revision(body))
        for bot, revisions in history.items():
            memory.remember(bot, revisions)

    async def run(self, every_seconds: float, jitter: Callable[[], float], sleep: Sleep = asyncio.sleep) -> None:
        """For ever: once in *every_seconds*, a little earlier or later."""
        while True:
            await sleep(every_seconds * (0.9 + 0.2 * jitter()))
            await self.once()

    async def once(self) -> None:
        """Everything known was compared with what is there, and what differs will be looked at."""
        for kind, labels in self._watched:
            await self._look_past_the_watch(kind, labels)
        for kind in self._listed:
            live = {place(each, kind.kind): trace(each, NOBODY) for each in await self._all(kind, OWN)}
            self._look_at(self._engine.memory.compare(kind.kind, live))
        self._look_at(self._engine.memory.compare(SECRET.kind, await self._secrets()))
        self._engine.memory.forget_listed()
        self._look_at(self._engine.memory.try_alerts())
        self._renew()

    def _renew(self) -> None:
        """One share of all bots is written anew, whatever is believed of them: in the end nothing unseen stays."""
        self._round += 1
        for key in tuple(self._engine.store.known()):
            if crc32("/".join(key).encode()) % SHARES == self._round % SHARES:
                self._engine.memory.doubt(key[1:])
                self._engine.queue.add(key)

    async def _secrets(self) -> dict[Place, Trace]:
        """The operator may not list Secrets: each one it made is asked for by name."""
        live: dict[Place, Trace] = {}
        for where in self._engine.memory.places(SECRET.kind):
            found = await self._api.glimpse(SECRET, where[1], where[2])
            if found:
                live[where] = trace(found, NOBODY)
        return live

    async def _look_past_the_watch(self, kind: Kind, labels: str) -> None:
        """What a watch has lost is known: a bot nobody was told of, a pod that became ready, an end."""
        store, alive = self._engine.store, set[Name]()
        before = store.names(kind)
        async for body in self._each(kind, labels):
            name = body["metadata"].get("namespace", ""), body["metadata"]["name"]
            if name in before and not store.knows(kind, name):
                # A watch has told of its end while the list was read.
                continue
            self._engine.happened(kind, "LISTED", body)
            alive.add(name)
        # What came while the list was read is not on it.
        for key in store.purge(kind, alive | (store.names(kind) - before)):
            self._engine.tally.purged(kind.kind)
            self._engine.queue.add(key)

    def _look_at(self, bots: frozenset[Name]) -> None:
        for bot in bots:
            self._engine.queue.add((BOT.kind, *bot))

    async def _all(self, kind: Kind, labels: str) -> tuple[Manifest, ...]:
        read = self._api.list_metadata
        return tuple([each for namespace in self._namespaces for each in await read(kind, namespace, labels)])

    async def _each(self, kind: Kind, labels: str) -> AsyncIterator[Manifest]:
        for namespace in self._namespaces:
            async for body in self._api.each(kind, namespace, labels):
                # The items of a list do not say what they are.
                yield {**body, "apiVersion": kind.api_version, "kind": kind.kind}


def _bot(body: Manifest) -> Name:
    return body["metadata"]["namespace"], reading.bot_name(body) or ""
