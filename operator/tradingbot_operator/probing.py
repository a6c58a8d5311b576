"""The page of the questions put to colours from outside: Jobs are seen, begun and removed; Prometheus is asked."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tradingbot_operator.cluster import jobs
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.prometheus import Watch
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.handover import GATED, Kind, Rollout, Step
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Plan
from tradingbot_operator.domain.probe import JOB, SMOKE, Ask
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.plan.probing import HURRIED
from tradingbot_operator.render.probe import probe

COLOURS = ("blue", "green")


async def asked(
    bot: Bot, spec: BotSpec, rollout: Rollout | None, observed: Observed, means: tuple[Cluster, Watch | None, datetime]
) -> Observed:
    """What was seen, with the Jobs that ask and the values Prometheus has, where the step rests on them."""
    cluster, watch, now = means
    if rollout is None or rollout.step in HURRIED:
        return observed
    probes = await jobs.probes(cluster.api, bot) if _has_jobs(spec, rollout) else None
    samples = await _samples(bot, spec, watch, now) if rollout.step is Step.OBSERVING and rollout.kind in GATED else {}
    return replace(observed, probes=probes, samples=samples)


def _has_jobs(spec: BotSpec, rollout: Rollout) -> bool:
    gates = any(each.name in (SMOKE, JOB) for each in spec.rollout.gates)
    return gates or rollout.kind is Kind.PROMOTION or any(each.job for each in spec.rollout.analysis)


async def _samples(bot: Bot, spec: BotSpec, watch: Watch | None, now: datetime) -> Mapping[tuple[str, str], Decimal]:
    """The values at one time for both colours; what was not answered is not in it."""
    server = spec.monitoring.prometheus
    queries = [each for each in spec.rollout.analysis if each.query is not None]
    if watch is None or server is None or not queries:
        return {}
    wanted = [(each.name, colour, _filled(each.query or "", bot, colour)) for each in queries for colour in COLOURS]
    values = await asyncio.gather(*(watch.query(server, text, now) for _, _, text in wanted))
    found = zip(wanted, values, strict=True)
    return {(name, colour): value for (name, colour, _), value in found if value is not None}


def _filled(query: str, bot: Bot, colour: str) -> str:
    """The query of one colour of this bot."""
    names = {"$namespace": bot.namespace, "$colour": colour, "$bot": bot.name}
    for name, value in names.items():
        query = query.replace(name, value)
    return query


async def launch(bot: Bot, ask: Ask, observed: Observed, cluster: Cluster) -> None:
    """The Job asks the pod, if both the pod and the record of its revision are there."""
    data = await cluster.recorded(bot, ask.revision)
    address = next((pod.ip for pod in observed.pods if pod.name == ask.pod), None)
    if data is None or not address:
        return
    # It was just seen to be absent, whatever is remembered of it.
    cluster.memory.unsettle(bot.key)
    await cluster.apply(bot, (probe(bot, data["template"], ask, address),), ())


async def sweep(bot: Bot, plan: Plan, cluster: Cluster) -> None:
    """No Job is left whose answer stands in the status, or that nobody waits for."""
    for each in plan.over:
        await jobs.remove(cluster.api, bot, each)
