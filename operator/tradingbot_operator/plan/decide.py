"""The choice: which revision runs with how many replicas, or why nothing is touched, or how far a deletion is."""

from datetime import datetime, timedelta

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.moment import soonest
from tradingbot_operator.domain.names import BLUE, FINALIZER
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.operations import Deletion
from tradingbot_operator.domain.plan import Keep, Plan, Ran, Remove, Run, Step
from tradingbot_operator.domain.revision import revision_name
from tradingbot_operator.domain.scalars import span
from tradingbot_operator.domain.site import Site
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.plan.checks import Case, first_refusal
from tradingbot_operator.plan.halts import notes, raised
from tradingbot_operator.plan.rotation import due, seconds_left

LOOK_AGAIN_SECONDS = 5.0


def decide(bot: Bot, observed: Observed, site: Site, now: datetime) -> Plan:
    """Total: every bot in every state has a plan. Halts are carried to the pods whatever the spec says."""
    action = _action(bot, observed, site, now)
    # Whatever becomes of the spec, a token grows old; only an end creates nothing.
    tokens = None if isinstance(action, Remove) else observed.tokens
    again = soonest(_again(action), seconds_left(tokens, now))
    return Plan(action, notes(bot, observed), raised(bot, observed), again, due(tokens, now), _ran(observed))


def _again(action: Run | Keep | Remove) -> float | None:
    if isinstance(action, Keep):
        return action.again_seconds
    return LOOK_AGAIN_SECONDS if isinstance(action, Remove) and action.step is not Step.RELEASE else None


def _action(bot: Bot, observed: Observed, site: Site, now: datetime) -> Run | Keep | Remove:
    if bot.deleted_at is not None:
        return _remove(bot, observed, now >= bot.deleted_at + _deadline(bot))
    if isinstance(bot.spec, Rejection):
        return Keep("SpecRejected", bot.spec.message)
    return first_refusal(Case(bot.spec, site, observed.keys)) or _run(
        bot.spec, bot.status.get("collisionCount") or 0, observed
    )


def _run(spec: BotSpec, collisions: int, observed: Observed) -> Run:
    name = revision_name(spec, collisions)
    replicas = 0 if spec.suspend else 1
    return Run(name, _number(name, observed), replicas, _prune(name, observed, spec.rollout.history_limit))


def _number(name: str, observed: Observed) -> int:
    """The newest revision has the highest number; one that comes back is newest again."""
    newest = max(observed.revisions, key=lambda each: each.number, default=None)
    if newest is None:
        return 1
    return newest.number if newest.name == name else newest.number + 1


def _ran(observed: Observed) -> tuple[Ran, ...]:
    """The images of the revisions that serve for the first time; what is recorded is never changed."""
    images = {pod.revision: pod.image_id for pod in observed.pods if pod.ready and pod.image_id}
    fresh = (each for each in observed.revisions if not each.image_id and each.name in images)
    return tuple(Ran(each.name, each.uid, images[each.name]) for each in fresh)


def _prune(name: str, observed: Observed, limit: int) -> tuple[str, ...]:
    """The oldest revisions beyond the limit, sparing what runs and what is about to."""
    running = observed.workload(BLUE)
    spared = {name} | ({running.revision} if running else set()) | {pod.revision for pod in observed.pods}
    history = sorted(observed.revisions, key=lambda each: each.number, reverse=True)
    return tuple(each.name for each in history[limit:] if each.name not in spared)


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
