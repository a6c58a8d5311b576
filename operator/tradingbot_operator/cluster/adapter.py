"""Everything the reconcile page asks of the cluster, in one place."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradingbot_operator.cluster import apply, events, reading
from tradingbot_operator.cluster import bot as writes
from tradingbot_operator.cluster.accounts import Accounts
from tradingbot_operator.cluster.alerts import Alerts
from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.memory import Memory, place, trace
from tradingbot_operator.domain.bot import Bot, Manifest, parse, parse_spec
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.errors import Outdated
from tradingbot_operator.domain.handover import AT_REST, Kill
from tradingbot_operator.domain.keyage import key_age
from tradingbot_operator.domain.kinds import (
    BOT,
    CONFIG,
    DEPLOYMENT,
    POD,
    POLICY,
    REVISION,
    SECRET,
    Kind,
)
from tradingbot_operator.domain.names import (
    COMPONENT,
    FIELD_MANAGER,
    FINALIZER,
    HALT,
    HALT_ORIGIN,
    IMAGE_ID,
    LABEL_BOT,
    LABEL_MANAGED_BY,
)
from tradingbot_operator.domain.observed import Keys, Observed, Revision, TokenSecret
from tradingbot_operator.domain.order import pod_origin
from tradingbot_operator.domain.outcome import Applied
from tradingbot_operator.domain.plan import Note, Ran, Remove, Run, Step
from tradingbot_operator.domain.revision import keys_fingerprint
from tradingbot_operator.domain.rollout import parse_rollout
from tradingbot_operator.domain.spec import BotSpec

VENUE_KEYS = ("apiKey", "secret")
# The status of a bot that no operator has looked at; the definition gives it that much.
UNTOLD = {"observedGeneration": -1}


class Cluster:
    """The cluster as one bot's pass sees it. *monitoring*: the kinds for it that the cluster knows."""

    def __init__(self, api: Api, memory: Memory, monitoring: tuple[Kind, ...]) -> None:
        self.api, self.memory, self.accounts = api, memory, Accounts()
        self.alerts = Alerts(api, memory, monitoring)

    async def find(self, key: tuple[str, str]) -> Bot | None:
        """The bot as the API server has it now, or None if it certainly does not exist."""
        # After a start it was listed a moment ago; whatever is written for it is refused if it has changed since.
        body = self.memory.take_listed((BOT.kind, *key)) or await self.api.find(BOT, *key)
        if body is None:
            self.memory.forget(key)
            self.accounts.forget(key)
            return None
        self.memory.saw_order(body)
        return parse(body)

    async def recall(self, bot: Bot) -> Bot:
        """While a hand-over is under way, a spec that cannot be understood leaves the bot with the one before."""
        rollout = parse_rollout(bot.status)
        if rollout is None or rollout.step in AT_REST or bot.deleted_at is not None:
            self.memory.forget_spec(bot.key)
            return bot
        if not isinstance(bot.spec, Rejection):
            self.memory.remember_spec(bot.key, bot.spec)
            return bot
        last = self.memory.spec(bot.key) or await self._recorded_spec(bot, rollout.target.revision)
        return replace(bot, spec=last, refused=bot.spec) if last else bot

    async def _recorded_spec(self, bot: Bot, revision: str) -> BotSpec | None:
        """A new process knows only what reached the pod; how it is rolled out is then as by default."""
        data = await self.recorded(bot, revision)
        spec = parse_spec(data.get("spec") or {}) if data else None
        return None if isinstance(spec, Rejection) else spec

    async def complete(self, bot: Bot, seen: Observed) -> Observed:
        """What the watches brought, and what they cannot: the history, and before an end what is there right now."""
        if bot.deleted_at is None:
            workloads = tuple(each for each in seen.workloads if each.controller == bot.uid)
            # At once: a person who goes back waits for the slowest of them, not for their sum.
            history, keys, tokens, watched = await asyncio.gather(
                self._history(bot), self._keys(bot, seen), self._tokens(bot), self.alerts.watched(bot)
            )
            return replace(seen, workloads=workloads, revisions=history, keys=keys, tokens=tokens, watched=watched)
        labels = f"{LABEL_BOT}={bot.name}"
        deployments = await self.api.list(DEPLOYMENT, bot.namespace, labels)
        pods = await self.api.list(POD, bot.namespace, labels)
        others = await self.api.list_metadata(BOT, bot.namespace)
        return replace(
            seen,
            workloads=tuple(reading.workload(each) for each in deployments if reading.controller_uid(each) == bot.uid),
            pods=tuple(reading.pod(each) for each in pods if not reading.is_over(each)),
            siblings=sum(1 for each in others if each["metadata"]["uid"] != bot.uid),
        )

    async def _history(self, bot: Bot) -> tuple[Revision, ...]:
        known = self.memory.history(bot.key)
        if known is not None:
            return known
        if _is_untouched(bot):
            self.memory.remember(bot.key, ())
            return ()
        # The API server looks through the revisions of all bots for it: it is asked once for each bot.
        listed = await self.api.list_metadata(REVISION, bot.namespace, f"{LABEL_BOT}={bot.name}")
        history = tuple(reading.revision(each) for each in listed if reading.controller_uid(each) == bot.uid)
        self.memory.remember(bot.key, history)
        return history

    async def _keys(self, bot: Bot, seen: Observed) -> Keys | None:
        """Whether the keys are there, and whether they are others than before; what they are is not kept."""
        if isinstance(bot.spec, Rejection) or (secret := bot.spec.keys_secret) is None:
            self.memory.forget_keys(bot.key)
            return None
        body = await self.api.find(SECRET, bot.namespace, secret)
        if body is None:
            self.memory.forget_keys(bot.key)
            return Keys(secret, False)
        data, since = body.get("data") or {}, reading.rotated_at(body["metadata"])
        self.memory.remember_keys(bot.key, key_age(bot.spec, since))
        lacking = tuple(key for key in VENUE_KEYS if not data.get(key))
        rival = self.accounts.rival(bot, data, runs=any(each.replicas for each in seen.workloads))
        return Keys(secret, True, lacking, keys_fingerprint(bot.uid, data), rival, since)

    async def _tokens(self, bot: Bot) -> TokenSecret | None:
        """The bot's own token Secret; one that someone else controls is none."""
        known = self.memory.tokens(bot.key)
        if known is not None:
            return known
        if _is_untouched(bot):
            return None
        body = await self.api.glimpse(SECRET, bot.namespace, f"{bot.name}-api")
        if body is None or reading.controller_uid(body) != bot.uid:
            return None
        self.memory.remember_tokens(bot.key, tokens := reading.tokens(body))
        # It is there, and more is never asked of it.
        self.memory.wrote(place(body, SECRET.kind), trace(body, bot.key), SECRET.kind)
        return tokens

    async def recorded(self, bot: Bot, revision: str) -> Mapping[str, Any] | None:
        """What that revision holds, if it was recorded before."""
        name = f"{bot.name}-{revision}"
        listed = self.memory.listed((REVISION.kind, bot.namespace, name))
        body = listed or await self.api.find(REVISION, bot.namespace, name)
        return (body.get("data") or {}) if body and reading.controller_uid(body) == bot.uid else None

    async def count_collision(self, bot: Bot) -> None:
        """The next pass gives the wanted revision another name; the one that has this name stays as it was recorded."""
        self.memory.forget_history(bot.key)
        await writes.write_status(self.api, bot, {"collisionCount": (bot.status.get("collisionCount") or 0) + 1})
        raise Outdated("a revision of the wanted name holds something else")

    async def carry_orders(self, bot: Bot, notes: tuple[Note, ...], raised: str | None) -> None:
        """Halts and resumes first: nothing that follows may delay them."""
        for note in notes:
            await writes.order_pod(self.api, bot.namespace, note)
        if raised is not None:
            await writes.annotate(self.api, bot, {HALT: raised, HALT_ORIGIN: pod_origin(raised)})
            raise Outdated("a halt was copied from a pod to its bot")

    async def hold(self, bot: Bot) -> Bot:
        return await writes.hold(self.api, bot)

    async def apply(self, bot: Bot, kept: tuple[Manifest, ...], held: tuple[Manifest, ...]) -> Applied:
        return await apply.apply(self.api, self.memory, bot, kept, held)

    async def record_image(self, bot: Bot, ran: Ran) -> None:
        """The revision names the image it runs; its name and its data are as they were."""
        note = {"metadata": {"uid": ran.uid, "annotations": {IMAGE_ID: ran.image_id}}}
        where = REVISION.path(bot.namespace, f"{bot.name}-{ran.revision}")
        written = await self.api.merge(where, note, FIELD_MANAGER)
        self.memory.wrote(place(written, REVISION.kind), trace(written, bot.key))
        self.memory.recorded(bot.key, reading.revision(written))

    async def prune(self, bot: Bot, observed: Observed, run: Run, held: tuple[Manifest, ...]) -> None:
        """Revisions beyond the history are gone, and with them the settings no other revision reads."""
        known = self.memory.history(bot.key)
        self.memory.forget_history(bot.key)
        pruned = [each for each in observed.revisions if each.name in run.prune]
        read = {each.config for each in observed.revisions if each not in pruned}
        read |= {each["metadata"]["name"] for each in held if each["kind"] == CONFIG.kind}
        for each in pruned:
            config = None if each.config in read else await self.api.glimpse(CONFIG, bot.namespace, each.config)
            if config and reading.controller_uid(config) == bot.uid:
                await self.api.delete(CONFIG, bot.namespace, each.config, config["metadata"]["uid"])
            # The record goes last: while it stands, a crash before this line is made good by the next pass.
            await self.api.delete(REVISION, bot.namespace, f"{bot.name}-{each.name}", each.uid)
        if known is not None:
            self.memory.remember(bot.key, (each for each in known if each.name not in run.prune))

    async def remove(self, bot: Bot, observed: Observed, action: Remove) -> None:
        """One step of an orderly end; it creates nothing, so that it works in a namespace that is going too."""
        self.memory.unsettle(bot.key)
        if action.step is Step.STOP:
            for workload in observed.workloads:
                scale = {"metadata": {"uid": workload.uid}, "spec": {"replicas": 0}}
                await self.api.merge(DEPLOYMENT.path(bot.namespace, workload.name), scale, FIELD_MANAGER)
        if action.step is Step.RELEASE and action.last:
            for kind in (POLICY, *self.alerts.shared):
                for each in await self.api.list_metadata(kind, bot.namespace, f"{LABEL_MANAGED_BY}={COMPONENT}"):
                    await self.api.delete(kind, bot.namespace, each["metadata"]["name"], each["metadata"]["uid"])

    async def token_secret(self, bot: Bot, seen: TokenSecret) -> Manifest | None:
        """The Secret with what is in it, if it is still the bot's own and as it was seen."""
        self.memory.forget_tokens(bot.key)
        body = await self.api.find(SECRET, bot.namespace, seen.name)
        if body is None or reading.controller_uid(body) != bot.uid:
            return None
        if body["metadata"]["resourceVersion"] != seen.version:
            raise Outdated("the Secret with the tokens was written since it was looked at")
        return body

    async def write_tokens(self, bot: Bot, name: str, patch: Mapping[str, Any]) -> None:
        written = await self.api.merge(SECRET.path(bot.namespace, name), patch, FIELD_MANAGER)
        self.memory.wrote(place(written, SECRET.kind), trace(written, bot.key))

    async def write_status(self, bot: Bot, change: Mapping[str, Any]) -> None:
        """The report stands."""
        await writes.write_status(self.api, bot, change)

    async def tell(self, before: Bot, after: Mapping[str, Any], now: str) -> None:
        """People were told what is new since *before*."""
        await events.tell(self.api, before, after, now)

    async def end_pods(self, bot: Bot, kill: Kill) -> None:
        """These pods are going, and no others of their names."""
        for name, uid in kill.pods:
            await self.api.delete(POD, bot.namespace, name, uid, kill.grace_seconds)

    async def write_decision(self, bot: Bot, decision: Mapping[str, Any]) -> Bot:
        """What is decided stands, unless someone wrote the bot since it was read."""
        after = await writes.write_status(self.api, bot, decision)
        return replace(after, spec=bot.spec, refused=bot.refused)

    async def finish(self, bot: Bot, action: Remove, now: str) -> None:
        """A bot whose end is complete is let go, last of all; what it leaves behind is named."""
        if action.step is not Step.RELEASE:
            return
        if action.left:
            await events.tell_left(self.api, bot, action.left, now)
        await writes.release(self.api, bot)


def _is_untouched(bot: Bot) -> bool:
    """Whether nothing was ever made for it: its finalizer stands before its first child."""
    return FINALIZER not in bot.finalizers and bot.status in ({}, UNTOLD)
