"""Reads: one bot, what exists for it, and what its process says."""

from tradingbot_operator.cluster import reading
from tradingbot_operator.cluster.api import Api
from tradingbot_operator.domain.bot import Bot, parse
from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, POD, REVISION
from tradingbot_operator.domain.names import LABEL_BOT
from tradingbot_operator.domain.observed import Observed, Report

Key = tuple[str, str]


async def find_bot(api: Api, key: Key) -> Bot | None:
    """The bot as the API server has it now, or None if it certainly does not exist."""
    body = await api.find(BOT, *key)
    return parse(body) if body else None


async def observe(api: Api, bot: Bot, report: Report | None, siblings: int) -> Observed:
    """What exists for *bot* at this moment; objects of another bot of its name are not its own."""
    labels = f"{LABEL_BOT}={bot.name}"
    deployments = await api.list(DEPLOYMENT, bot.namespace, labels)
    pods = await api.list(POD, bot.namespace, labels)
    revisions = await api.list(REVISION, bot.namespace, labels)
    return Observed(
        workloads=tuple(reading.workload(each) for each in deployments if reading.controller_uid(each) == bot.uid),
        pods=tuple(reading.pod(each) for each in pods),
        revisions=tuple(reading.revision(each) for each in revisions if reading.controller_uid(each) == bot.uid),
        report=report,
        siblings=siblings,
    )
