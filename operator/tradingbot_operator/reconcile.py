"""The whole operator on one page: find, observe, decide, render, apply, report. I/O stands in the lines that await."""

from dataclasses import dataclass
from datetime import datetime

from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.observed import Observed, Report
from tradingbot_operator.domain.outcome import NOTHING, Applied, Outcome
from tradingbot_operator.domain.plan import Plan, Remove, Run
from tradingbot_operator.domain.site import Site, Tokens
from tradingbot_operator.plan.decide import decide, wants_finalizer
from tradingbot_operator.render.bundle import render
from tradingbot_operator.report.status import change, report


@dataclass(frozen=True, slots=True)
class Moment:
    """What a pass is given from outside: the time, fresh tokens, and what the bot's process last said."""

    now: datetime
    tokens: Tokens
    said: Report | None


async def reconcile(key: tuple[str, str], cluster: Cluster, site: Site, moment: Moment) -> Outcome:
    """Bring the cluster to what the bot asks for, and say how far it is."""
    bot = await cluster.find(key)
    if bot is None:
        return Outcome("gone")
    observed = await cluster.observe(bot, moment.said)
    plan = decide(bot, observed, site, moment.now)
    await cluster.carry_orders(bot, plan)
    bot = await cluster.hold(bot) if wants_finalizer(bot, plan) else bot
    applied = await _act(bot, observed, plan, (cluster, site, moment.tokens))
    now = moment.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    status = report(bot, observed, plan, applied, now)
    await cluster.write_status(bot, change(bot.status, status), status, now)
    await cluster.finish(bot, plan)
    return Outcome("stalled" if applied.trouble else "done", plan.again_seconds)


async def _act(bot: Bot, observed: Observed, plan: Plan, means: tuple[Cluster, Site, Tokens]) -> Applied:
    cluster, site, tokens = means
    match plan.action:
        case Run() as run:
            bundle = render(bot, run, observed, site, tokens)
            applied = await cluster.apply(bot, bundle.kept, bundle.applied)
            await cluster.prune(bot, observed, run)
            return applied
        case Remove() as remove:
            await cluster.remove(bot, observed, remove)
    return NOTHING
