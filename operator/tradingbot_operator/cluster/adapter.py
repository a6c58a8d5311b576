"""Everything the reconcile page asks of the world, in one place."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster import apply, events, observe
from tradingbot_operator.cluster.api import Api
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.errors import Outdated
from tradingbot_operator.domain.kinds import BOT, CONFIG, DEPLOYMENT, POD_MONITOR, POLICY, REVISION
from tradingbot_operator.domain.names import COMPONENT, FIELD_MANAGER, HALT, LABEL_BOT, LABEL_MANAGED_BY
from tradingbot_operator.domain.observed import Observed, Report, Revision
from tradingbot_operator.domain.outcome import Applied
from tradingbot_operator.domain.plan import Plan, Remove, Run, Step


class Cluster:
    """The cluster as one bot's pass sees it."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def find(self, key: tuple[str, str]) -> Bot | None:
        return await observe.find_bot(self.api, key)

    async def observe(self, bot: Bot, report: Report | None) -> Observed:
        siblings = 0
        if bot.deleted_at:
            others = await self.api.list(BOT, bot.namespace)
            siblings = sum(1 for each in others if each["metadata"]["uid"] != bot.uid)
        return await observe.observe(self.api, bot, report, siblings)

    async def carry_orders(self, bot: Bot, plan: Plan) -> None:
        """Halts and resumes first: nothing that follows may delay them."""
        for note in plan.notes:
            await apply.annotate_pod(self.api, bot, note)
        if plan.raised is not None:
            await apply.annotate_bot(self.api, bot, {HALT: plan.raised})
            raise Outdated("a halt was copied from a pod to its bot")

    async def hold(self, bot: Bot) -> Bot:
        return await apply.set_finalizer(self.api, bot)

    async def apply(self, bot: Bot, kept: tuple[Manifest, ...], applied: tuple[Manifest, ...]) -> Applied:
        return await apply.apply(self.api, bot, kept, applied)

    async def write_status(
        self, bot: Bot, change: Mapping[str, Any] | None, status: Mapping[str, Any], now: str
    ) -> None:
        """The report stands, and people were told what is new in it."""
        if change is None:
            return
        await apply.write_status(self.api, bot, change)
        await events.tell(self.api, bot, status, now)

    async def remove(self, bot: Bot, observed: Observed, action: Remove) -> None:
        """One step of an orderly end; it creates nothing, so that it works in a namespace that is going too."""
        if action.step is Step.STOP:
            for workload in observed.workloads:
                await self.api.merge(
                    DEPLOYMENT.path(bot.namespace, workload.name), {"spec": {"replicas": 0}}, FIELD_MANAGER
                )
        if action.step is Step.RELEASE and action.last:
            await self._clear_namespace(bot.namespace)

    async def finish(self, bot: Bot, plan: Plan) -> None:
        """A bot whose end is complete is let go, last of all."""
        if isinstance(plan.action, Remove) and plan.action.step is Step.RELEASE:
            await apply.release(self.api, bot)

    async def _clear_namespace(self, namespace: str) -> None:
        """What served all bots of a namespace goes with the last of them."""
        for kind in (POLICY, POD_MONITOR):
            for each in await self.api.list(kind, namespace, f"{LABEL_MANAGED_BY}={COMPONENT}"):
                await self.api.delete(kind, namespace, each["metadata"]["name"], each["metadata"]["uid"])

    async def prune(self, bot: Bot, observed: Observed, run: Run) -> None:
        """Revisions beyond the history are gone, and with them the settings no other revision reads."""
        pruned = [each for each in observed.revisions if each.name in run.prune]
        if not pruned:
            return
        for each in pruned:
            await self.api.delete(REVISION, bot.namespace, f"{bot.name}-{each.name}", each.uid)
        read = {_config(each) for each in observed.revisions if each not in pruned}
        for config in await self.api.list(CONFIG, bot.namespace, f"{LABEL_BOT}={bot.name}"):
            meta = config["metadata"]
            if meta["name"] in {_config(each) for each in pruned} - read:
                await self.api.delete(CONFIG, bot.namespace, meta["name"], meta["uid"])


def _config(revision: Revision) -> str | None:
    """The ConfigMap this revision's pods read."""
    volumes = (revision.data or {}).get("template", {}).get("spec", {}).get("volumes", ())
    return next((volume["configMap"]["name"] for volume in volumes if volume["name"] == "settings"), None)
