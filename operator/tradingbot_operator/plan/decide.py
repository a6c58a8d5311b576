"""The choice: which revision runs with how many replicas, or why nothing is touched, or how far a deletion is."""

from dataclasses import replace
from datetime import datetime, timedelta

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.handover import CANDIDATE, GATED, Move, Rollout, Seen, Verdict
from tradingbot_operator.domain.moment import soonest
from tradingbot_operator.domain.names import FINALIZER
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.operations import Deletion
from tradingbot_operator.domain.plan import Keep, Plan, Remove, Run, Step
from tradingbot_operator.domain.rollout import parse_rollout
from tradingbot_operator.domain.scalars import span
from tradingbot_operator.domain.site import Site
from tradingbot_operator.plan.case import Case as HandOver
from tradingbot_operator.plan.checks import Case, first_refusal
from tradingbot_operator.plan.handover import move
from tradingbot_operator.plan.modes import unfinished
from tradingbot_operator.plan.orders import asks, is_new, obeyed
from tradingbot_operator.plan.probing import over
from tradingbot_operator.plan.promotion import blocked, verdicts
from tradingbot_operator.plan.revisions import ran, run
from tradingbot_operator.plan.rotation import due, seconds_left
from tradingbot_operator.plan.rule import MOVING
from tradingbot_operator.plan.sides import seen
from tradingbot_operator.plan.tasks import answers, takes

LOOK_AGAIN_SECONDS = 5.0
LOOK_AT_KEYS_SECONDS = 300.0
LOOK_AT_ORDERS_SECONDS = 1.0


def decide(bot: Bot, observed: Observed, site: Site, now: datetime) -> Plan:
    """Total: every bot in every state has a plan."""
    gates = () if isinstance(bot.spec, Rejection) else verdicts(bot, bot.spec, observed, now)
    action = _action(bot, observed, site, (now, gates))
    moved = _moved(bot, observed, action, now)
    # Whatever becomes of the spec, a token grows old; only an end creates nothing.
    tokens = None if isinstance(action, Remove) else observed.tokens
    orders = obeyed(bot, observed, action, now)
    again = soonest(
        _again(action),
        _look_at_keys(action, observed),
        seconds_left(tokens, now),
        LOOK_AT_ORDERS_SECONDS if orders or asks(bot, observed) else None,
    )
    begins = tuple(each.task for each in orders if is_new(bot, each.task) and each.failed is None)
    wishes = () if isinstance(action, Remove) else asks(bot, observed)
    plan = Plan(action, again, due(tokens, now), ran(observed), gates=gates, answers=orders, begins=begins, asks=wishes)
    if moved is None:
        return plan
    what, step = moved
    said = answers(bot, observed, what.request, step)
    takes_task = what.request if takes(what.request, step) else None
    done = over(HandOver(step.rollout, what, now))
    return replace(plan, move=step, terms=what.terms, answers=(*orders, *said), takes=takes_task, over=done)


def _moved(bot: Bot, observed: Observed, action: Run | Keep | Remove, now: datetime) -> tuple[Seen, Move] | None:
    """The next step of the hand-over; with a spec that is refused, of one to nothing new."""
    if isinstance(action, Remove) or isinstance(bot.spec, Rejection):
        return None
    rollout = parse_rollout(bot.status)
    what = seen(bot, bot.spec, observed, action.revision if isinstance(action, Run) else "", now)
    if isinstance(action, Keep):
        if not what.active.revision:
            return None
        what = replace(what, wanted=_goes_on_to(bot, rollout) or what.active.revision)
    return what, move(rollout, what, now)


def _goes_on_to(bot: Bot, rollout: Rollout | None) -> str | None:
    """What the hand-over under way is to end with, though what the spec asks for now is refused."""
    if rollout is None or rollout.step not in MOVING:
        return None
    judged = rollout.kind in GATED and rollout.step in CANDIDATE and not rollout.in_place
    # Whoever broke the spec no longer means this candidate, and by which gates it would be judged may be unknown.
    return rollout.source.revision if bot.refused and judged else rollout.target.revision


def _again(action: Run | Keep | Remove) -> float | None:
    if isinstance(action, Keep):
        return action.again_seconds
    return LOOK_AGAIN_SECONDS if isinstance(action, Remove) and action.step is not Step.RELEASE else None


def _look_at_keys(action: Run | Keep | Remove, observed: Observed) -> float | None:
    """Other keys in the same Secret make no event."""
    return LOOK_AT_KEYS_SECONDS if isinstance(action, Run) and observed.keys else None


def _action(
    bot: Bot, observed: Observed, site: Site, moment: tuple[datetime, tuple[Verdict, ...]]
) -> Run | Keep | Remove:
    now, gates = moment
    if bot.deleted_at is not None:
        return _remove(bot, observed, now >= bot.deleted_at + _deadline(bot))
    if bot.refused is not None:
        return Keep("SpecRejected", bot.refused.message)
    if isinstance(bot.spec, Rejection):
        return Keep("SpecRejected", bot.spec.message)
    refusal = first_refusal(Case(bot.spec, site, observed.keys)) or blocked(gates)
    refusal = refusal or unfinished(bot, bot.spec, observed)
    return refusal or run(bot, bot.spec, observed)


def _remove(bot: Bot, observed: Observed, late: bool) -> Remove:
    """Stop first, with the grace a bot needs to settle; let go when no pod is left, or at the deadline all the same."""
    last = observed.siblings == 0
    working = [each.name for each in observed.workloads if each.replicas > 0]
    left = ", ".join([f"Deployment {name}" for name in working] + [f"pod {pod.name}" for pod in observed.pods])
    if not left or FINALIZER not in bot.finalizers:
        return Remove(Step.RELEASE, last)
    if late:
        return Remove(Step.RELEASE, last, left)
    return Remove(Step.STOP if working else Step.WAIT, last)


def _deadline(bot: Bot) -> timedelta:
    deletion = Deletion() if isinstance(bot.spec, Rejection) else bot.spec.deletion
    return span(deletion.deadline)


def wants_finalizer(bot: Bot, plan: Plan) -> bool:
    """Whether the finalizer must be set before anything is created that needs an orderly end."""
    return isinstance(plan.action, Run) and FINALIZER not in bot.finalizers
