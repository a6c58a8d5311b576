"""The whole operator on one page: find, observe, decide, render, apply, report. I/O stands in the lines that await."""

from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.moment import Moment
from tradingbot_operator.domain.observed import Observed, TokenSecret
from tradingbot_operator.domain.outcome import APPLIED, Applied, Outcome
from tradingbot_operator.domain.plan import Plan, Remove, Run
from tradingbot_operator.domain.revision import is_record_of
from tradingbot_operator.plan.decide import decide, wants_finalizer
from tradingbot_operator.render.bundle import Given, intent, render
from tradingbot_operator.render.revision import keyed
from tradingbot_operator.render.secret import rotated
from tradingbot_operator.report.status import change, report
from tradingbot_operator.report.wait import look_again


async def reconcile(key: tuple[str, str], cluster: Cluster, moment: Moment) -> Outcome:
    """The cluster holds what the bot asks for, and its status says how far that is."""
    bot = await cluster.find(key)
    if bot is None:
        return Outcome("gone")
    observed = await cluster.complete(bot, moment.seen)
    plan = decide(bot, observed, moment.site, moment.now)
    await cluster.carry_orders(bot, plan)
    bot = await cluster.hold(bot) if wants_finalizer(bot, plan) else bot
    applied = await act(bot, observed, plan, (cluster, moment))
    status = report(bot, observed, plan, applied, moment.now)
    if difference := change(bot.status, status):
        await cluster.write_status(bot, difference, status, moment.text)
    for ran in plan.ran:
        await cluster.record_image(bot, ran)
    if plan.rotate is not None:
        await rotate(bot, plan.rotate, (cluster, moment))
    if isinstance(plan.action, Remove):
        await cluster.finish(bot, plan.action, moment.text)
    return Outcome("stalled" if applied.trouble else "done", look_again(bot, plan, applied, status))


async def act(bot: Bot, observed: Observed, plan: Plan, means: tuple[Cluster, Moment]) -> Applied:
    """What the plan asks for is written, unless it stands already; a plan that keeps touches nothing."""
    cluster, moment = means
    match plan.action, bot.spec:
        case Run() as run, spec if not isinstance(spec, Rejection):
            wanted = intent(bot, run, moment.site)
            if cluster.memory.is_settled(bot.key, wanted):
                return APPLIED
            recorded = await cluster.recorded(bot, run.revision)
            if recorded is not None and not is_record_of(spec, recorded):
                await cluster.count_collision(bot)
            alike = await cluster.recorded(bot, run.source) if recorded is None and run.source else None
            if alike is not None and is_record_of(spec, alike):
                recorded = keyed(alike, run)
            bundle = render(bot, spec, run, Given(moment.site, moment.tokens, recorded))
            applied = await cluster.apply(bot, bundle.kept, bundle.held)
            if applied.trouble is None:
                await cluster.prune(bot, observed, run, bundle.held)
                cluster.memory.settle(bot.key, wanted)
            return applied
        case Remove() as remove, _:
            await cluster.remove(bot, observed, remove)
    return APPLIED


async def rotate(bot: Bot, tokens: TokenSecret, means: tuple[Cluster, Moment]) -> None:
    """New tokens are valid, and those that were newest until now still are; a Secret that is not the bot's is left."""
    cluster, moment = means
    body = await cluster.token_secret(bot, tokens)
    if body is not None:
        await cluster.write_tokens(bot, tokens.name, rotated(body, moment.tokens, moment.text))
