"""The whole operator on one page: find, observe, decide, render, apply, report. I/O stands in the lines that await."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.lease import LedgerAway
from tradingbot_operator.domain.ledger import Prepared, Preparing
from tradingbot_operator.domain.moment import Moment, soonest
from tradingbot_operator.domain.observed import Observed, TokenSecret
from tradingbot_operator.domain.outcome import APPLIED, Applied, Outcome, Trouble
from tradingbot_operator.domain.plan import Plan, Remove, Run
from tradingbot_operator.domain.revision import is_record_of
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode
from tradingbot_operator.handover import Reach, carry_out, look, tell, write_down
from tradingbot_operator.plan.decide import decide, wants_finalizer
from tradingbot_operator.plan.halts import notes, raised, roused
from tradingbot_operator.prepare import Wanted, prepare
from tradingbot_operator.probing import sweep
from tradingbot_operator.render.bundle import Given, Layout, intent, render
from tradingbot_operator.render.revision import content, keyed
from tradingbot_operator.render.secret import rotated
from tradingbot_operator.report.status import begins, change, report
from tradingbot_operator.report.wait import look_again
from tradingbot_operator.wishing import wished

LOOK_AT_LEDGER_SECONDS = 2.0
AFTER_ORDERS_SECONDS = 1.0


async def reconcile(key: tuple[str, str], cluster: Cluster, moment: Moment, reach: Reach) -> Outcome:
    """The cluster holds what the bot asks for, and its status says how far that is."""
    bot = await cluster.find(key)
    if bot is None:
        if reach.means is not None:
            await reach.means.doors.forget(key)
        return Outcome("gone")
    # From what the watches have told: no ledger that is slow to answer may keep a halt back.
    known = cluster.memory.orders(bot.key)
    bot = roused(bot, moment.seen, known)
    orders = notes(bot, moment.seen, known)
    await cluster.carry_orders(bot, orders, raised(bot, moment.seen))
    if orders:
        # The rest of a pass takes ten times as long, and a fleet that is to stop stands in one queue.
        return Outcome("done", AFTER_ORDERS_SECONDS)
    bot = roused(await cluster.recall(bot), moment.seen, known)
    observed = await look(bot, moment.seen, moment.now, (cluster, reach))
    plan = decide(bot, observed, moment.site, moment.now)
    bot = roused(await cluster.hold(bot), moment.seen, known) if wants_finalizer(bot, plan) else bot
    before, bot = bot, roused(await write_down(bot, observed, plan, (cluster, moment)), moment.seen, known)
    applied = await act(bot, observed, plan, (cluster, moment, reach))
    status = report(bot, observed, plan, applied, moment.now)
    again = look_again(bot, plan, applied, status)
    if left := untold(bot, status, cluster, (moment, reach)):
        return Outcome("done", soonest(left, again))
    if difference := change(bot.status, status):
        await cluster.write_status(bot, difference)
    await cluster.tell(before, status, moment.text)
    for answer in (*plan.answers, *await wished(bot, plan, (cluster, reach))):
        await tell(answer, cluster, moment)
    await sweep(bot, plan, cluster)
    for ran in plan.ran:
        await cluster.record_image(bot, ran)
    if plan.rotate is not None:
        await rotate(bot, plan.rotate, (cluster, moment))
    if isinstance(plan.action, Remove):
        await cluster.finish(bot, plan.action, moment.text)
    return Outcome("stalled" if applied.trouble else "done", again)


def untold(bot: Bot, status: Mapping[str, Any], cluster: Cluster, means: tuple[Moment, Reach]) -> float | None:
    """For how long nothing is told of a bot that starts: most serve before, and then one status tells all."""
    moment, reach = means
    if not begins(bot, status):
        return None
    left = cluster.memory.began(bot.key, moment.now) + timedelta(seconds=reach.untold_seconds) - moment.now
    return left.total_seconds() if left > timedelta() else None


async def act(bot: Bot, observed: Observed, plan: Plan, means: tuple[Cluster, Moment, Reach]) -> Applied:
    """One effect on the lease, or the objects as they are to be, unless they stand already."""
    cluster, _, reach = means
    if plan.move is not None and plan.move.effect is not None:
        await carry_out(bot, plan.move.effect, observed, (cluster, reach))
        return APPLIED
    if isinstance(plan.action, Remove):
        await cluster.remove(bot, observed, plan.action)
        return APPLIED
    if plan.move is None or isinstance(bot.spec, Rejection):
        return APPLIED
    return await lay_out(bot, bot.spec, (observed, plan), means)


async def lay_out(
    bot: Bot, spec: BotSpec, known: tuple[Observed, Plan], means: tuple[Cluster, Moment, Reach]
) -> Applied:
    """Both colours run what they are to run, and the Service leads to the one that trades."""
    (observed, plan), (cluster, moment, _) = known, means
    run = plan.action if isinstance(plan.action, Run) else None
    layout = Layout(plan.move.posts, plan.move.selector) if plan.move else Layout(())
    wanted = intent(bot, run, layout, moment.site)
    if cluster.memory.is_settled(bot.key, wanted):
        return APPLIED
    recorded = await _recorded(bot, spec, run, layout, cluster)
    if run is not None and (unready := await _unready(bot, spec, (run, observed, recorded), means)):
        return unready
    bundle = render(bot, spec, run, layout, Given(moment.site, moment.tokens, recorded))
    applied = await cluster.apply(bot, bundle.kept, bundle.held)
    if applied.trouble is None:
        if run is not None:
            await cluster.prune(bot, observed, run, bundle.held)
        await cluster.alerts.write(bot, bundle.alert, moment.now)
        cluster.memory.settle(bot.key, wanted)
    return applied


async def _recorded(
    bot: Bot, spec: BotSpec, run: Run | None, layout: Layout, cluster: Cluster
) -> Mapping[str, Mapping[str, Any]]:
    """What each revision holds that is to run, as far as it was recorded before."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in {each.revision for each in layout.posts} | ({run.revision} if run else set()):
        data = await cluster.recorded(bot, name)
        if data is not None:
            found[name] = data
    if run is None:
        return found
    own = found.get(run.revision)
    if own is not None and not is_record_of(spec, own):
        await cluster.count_collision(bot)
    alike = await cluster.recorded(bot, run.source) if own is None and run.source else None
    if alike is not None and is_record_of(spec, alike):
        found[run.revision] = keyed(alike, run)
    return found


async def _unready(
    bot: Bot,
    spec: BotSpec,
    wanted: tuple[Run, Observed, Mapping[str, Mapping[str, Any]]],
    means: tuple[Cluster, Moment, Reach],
) -> Applied | None:
    """Why a ledger on a server cannot serve the wanted revision yet, or None."""
    _, moment, reach = means
    run, observed, recorded = wanted
    if spec.database.mode is not DatabaseMode.POSTGRES or run.replicas == 0 or reach.means is None:
        return None
    data = recorded.get(run.revision) or keyed(content(bot, spec, moment.site, run.revision), run)
    known = observed.revision(run.revision)
    code = observed.report.schema.code if observed.report and observed.report.schema else None
    try:
        prepared = await prepare(bot, spec, Wanted(data, bool(known and known.image_id), code), reach.means)
    except LedgerAway as reason:
        return Applied(Trouble("LedgerAway", f"spec.database: {reason}; it is asked again", LOOK_AT_LEDGER_SECONDS))
    if isinstance(prepared, Prepared):
        return None
    again = prepared.again_seconds if isinstance(prepared, Preparing) else None
    return Applied(Trouble(prepared.reason, prepared.message, again))


async def rotate(bot: Bot, tokens: TokenSecret, means: tuple[Cluster, Moment]) -> None:
    """New tokens are valid, and those that were newest until now still are; a Secret that is not the bot's is left."""
    cluster, moment = means
    body = await cluster.token_secret(bot, tokens)
    if body is not None:
        await cluster.write_tokens(bot, tokens.name, rotated(body, moment.tokens, moment.text))
