"""The page of a hand-over: look at the lease, write down what is decided, then have one effect on it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tradingbot_operator import probing, promoting
from tradingbot_operator.cluster import events
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.prometheus import Watch
from tradingbot_operator.cluster.tasks import Tasks
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.handover import (
    UNDER_WAY,
    Admit,
    Effect,
    Fence,
    Grant,
    Kill,
    Launch,
    Order,
    Rollout,
    Step,
    TakeBack,
)
from tradingbot_operator.domain.lease import LeaseDoor, LeaseRow, LedgerAway, LedgerMoved
from tradingbot_operator.domain.moment import Moment
from tradingbot_operator.domain.observed import Observed, Pod, Report, Shut
from tradingbot_operator.domain.outcome import APPLIED
from tradingbot_operator.domain.plan import Answer, Keep, Plan
from tradingbot_operator.domain.rollout import parse_rollout, written
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.domain.task import ASKED, ORDERED
from tradingbot_operator.plan.orders import begun
from tradingbot_operator.prepare import Means
from tradingbot_operator.report.status import carried, change, report
from tradingbot_operator.report.task import answered

log = logging.getLogger(__name__)
ANSWER_SECONDS = 0.3
# Who is late with a second beat stands still, and every pass of the hand-over that is to replace it would wait for it.
MISSED_MS, HARDLY_SECONDS = 1100, 0.05
# What is decided at these has no effect but waiting, so the report at the end of the pass is early enough.
QUIET = frozenset({Step.VERIFYING, Step.RELEASING, Step.OBSERVING})


@dataclass(frozen=True, slots=True)
class Reach:
    """What a pass reaches beside the API server: each bot's lease, and its processes. *clock* counts seconds."""

    door: Callable[[Bot, BotSpec, Observed], Awaitable[LeaseDoor | Keep]]
    ask: Callable[[Pod], Awaitable[Report | None]]
    clock: Callable[[], float]
    means: Means | None = None  # with which a ledger on a server is prepared
    watch: Watch | None = None
    untold_seconds: float = 2.0  # how long a start may go on before the status tells of it


async def look(bot: Bot, observed: Observed, now: datetime, means: tuple[Cluster, Reach]) -> Observed:
    """What the watches brought and what they cannot, with the lease as it is now, asked for all at once.

    While a hand-over is under way, or an order of a task stands, both processes are asked too, and one that is new:
    that it serves is told at once.
    """
    cluster, reach = means
    if isinstance(bot.spec, Rejection) or bot.deleted_at is not None:
        return await cluster.complete(bot, observed)
    rollout = parse_rollout(bot.status)
    new = tuple(pod for pod in observed.pods if pod.ready and pod.uid not in observed.reports)
    hurries = (rollout is not None and rollout.step in UNDER_WAY) or bool(begun(bot, observed, ORDERED | ASKED))
    asked = observed.pods if hurries else new
    whole, (row, said) = await asyncio.gather(
        cluster.complete(bot, observed), _lease(bot, bot.spec, (observed, asked), means)
    )
    fresh = {pod.uid: report for pod, report in zip(asked, said, strict=True) if report is not None}
    known = {uid: report for uid, report in observed.reports.items() if uid not in {pod.uid for pod in asked}}
    seen = replace(whole, row=row, reports={**known, **fresh}, shut=_shut(bot, cluster, reach))
    seen = await promoting.proved(bot, bot.spec, seen, (cluster, reach.watch))
    return await probing.asked(bot, bot.spec, rollout, seen, (cluster, reach.watch, now))


async def _lease(
    bot: Bot, spec: BotSpec, known: tuple[Observed, tuple[Pod, ...]], means: tuple[Cluster, Reach]
) -> tuple[LeaseRow | None, list[Report | None]]:
    """The lease and then what each of the pods says, for the lease tells how long each is waited for."""
    (observed, asked), (_, reach) = known, means
    row = await _row(bot, spec, observed, means)
    return row, await asyncio.gather(*(_said(pod, reach, patience(pod.uid, row)) for pod in asked))


async def _row(bot: Bot, spec: BotSpec, observed: Observed, means: tuple[Cluster, Reach]) -> LeaseRow | None:
    """The lease, or None: nothing may be concluded from that."""
    cluster, reach = means
    try:
        door = await reach.door(bot, spec, observed)
        return None if isinstance(door, Keep) else await door.row()
    except LedgerAway as reason:
        log.debug("%s/%s: %s", bot.namespace, bot.name, reason)
        if isinstance(reason, LedgerMoved):
            # A bot at rest is prepared no more: now it is, which tells what a person has to do, or does it.
            cluster.memory.unsettle(bot.key)
        return None


def patience(uid: str, row: LeaseRow | None) -> float:
    """How many seconds the pod is waited for; hardly, when its ledger has not heard of it either."""
    signs = row.signs if row is not None else ()
    silent = min((sign.silent_ms for sign in signs if sign.instance.partition("/")[0] == uid), default=0)
    return HARDLY_SECONDS if silent >= MISSED_MS else ANSWER_SECONDS


async def _said(pod: Pod, reach: Reach, seconds: float) -> Report | None:
    if not pod.ip:
        return None
    try:
        return await asyncio.wait_for(reach.ask(pod), seconds)
    except TimeoutError:
        return None


def _shut(bot: Bot, cluster: Cluster, reach: Reach) -> Shut | None:
    """Whom this process shut out; a new process knows nothing of it and waits anew."""
    known = cluster.memory.shut(bot.key)
    if known is None:
        return None
    epoch, over = known
    return Shut(epoch, max(0, round((over - reach.clock()) * 1000)))


async def write_down(bot: Bot, observed: Observed, plan: Plan, means: tuple[Cluster, Moment]) -> Bot:
    """The decision stands in the status before it has any effect; a task that asked for it is told that it began.

    What is true of the bot meanwhile is written with it, so that the report at the end has mostly nothing to add.
    """
    cluster, moment = means
    began = [each for each in plan.answers if each.result is None and each.failed is None]
    decision = decided(bot, plan)
    if decision is None:
        return bot
    said = report(bot, observed, plan, APPLIED, moment.now)
    # With which keys a revision runs is said when it was written, not before.
    meanwhile = change(bot.status, {**said, "keyFingerprint": bot.status.get("keyFingerprint")}) or {}
    told = asyncio.gather(*(tell(each, cluster, moment) for each in began))
    after, _ = await asyncio.gather(cluster.write_decision(bot, {**meanwhile, **decision}), told)
    await events.tell_skipped(cluster.api, bot, after.status, moment.text)
    return after


def decided(bot: Bot, plan: Plan) -> Mapping[str, Any] | None:
    """The patch that must stand before the effects of this pass, or None when it stands already."""
    move, before = plan.move, parse_rollout(bot.status)
    if move is None or move.rollout is None or plan.terms is None:
        return carried(bot, plan) if plan.begins else None
    epoch = _epoch_named(move.effect)
    raised = epoch is not None and epoch > (bot.status.get("highestEpoch") or 0)
    same = _mark(move.rollout) == _mark(before) or (move.effect is None and move.rollout.step in QUIET)
    if same and not raised and plan.takes is None and not plan.begins:
        return None
    after = {"rollout": written(move.rollout, plan.terms), **carried(bot, plan)}
    if raised:
        after |= {"highestEpoch": epoch}
    known = {name: bot.status[name] for name in after if name in bot.status}
    return change(known, after)


def _mark(rollout: Rollout | None) -> tuple[Any, ...]:
    """What of a record an effect follows from."""
    if rollout is None:
        return ()
    return rollout.uid, rollout.step, rollout.successor, rollout.epoch, rollout.held, rollout.task


def _epoch_named(effect: Effect | None) -> int | None:
    """The epoch that may be handed out by this effect."""
    match effect:
        case Order(epoch=epoch):
            return epoch + 1
        case Grant(new=new):
            return new
    return None


async def carry_out(bot: Bot, effect: Effect, observed: Observed, means: tuple[Cluster, Reach]) -> None:
    """The effect was asked of the ledger once; whether it came is seen in the row by the next pass."""
    cluster, reach = means
    if isinstance(bot.spec, Rejection):
        return
    if isinstance(effect, Kill):
        await cluster.end_pods(bot, effect)
        return
    if isinstance(effect, Launch):
        await probing.launch(bot, effect.ask, observed, cluster)
        return
    try:
        door = await reach.door(bot, bot.spec, observed)
        if not isinstance(door, Keep):
            await _ask(door, effect, bot, means)
    except LedgerAway as reason:
        log.warning("%s/%s: %s", bot.namespace, bot.name, reason)


async def _ask(door: LeaseDoor, effect: Effect, bot: Bot, means: tuple[Cluster, Reach]) -> None:
    cluster, reach = means
    match effect:
        case Order(epoch, expected, successor, lasts_ms):
            await door.order(epoch, expected, successor, lasts_ms)
        case TakeBack(epoch, expected):
            await door.order(epoch, expected, None, 0)
        case Fence(epoch):
            fenced = await door.fence(epoch)
            # Counted from the end of the call: no session is left only then.
            if fenced is not None:
                cluster.memory.remember_shut(bot.key, epoch, reach.clock() + fenced.wait_ms / 1000)
        case Grant(expected, new, successor):
            await door.grant(expected, new, successor)
        case Admit(holder):
            await door.admit(holder)
        case Kill() | Launch():
            raise ValueError("pods are ended and Jobs begun by the API server, not by the ledger")


async def tell(answer: Answer, cluster: Cluster, moment: Moment) -> None:
    """The task says that it began, or how it ended; nothing is written twice, though the watch may be late."""
    status = answered(answer, moment.now)
    said = f"{status['phase']} {answer.waits.message if answer.waits else ''}" if status is not None else ""
    if status is not None and not cluster.memory.told(answer.task.uid, said):
        await Tasks(cluster.api).write_status(answer.task, status)
        cluster.memory.remember_told(answer.task.uid, said)
