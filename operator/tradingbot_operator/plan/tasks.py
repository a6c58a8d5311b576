"""What becomes of a task, from what it asks and what is there."""

from datetime import datetime, timedelta

from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.task import Task

# The types whose work this operator can do; each later one moves here with the code that does it.
SERVED: frozenset[str] = frozenset()


def refusal(task: Task, bot_exists: bool, now: datetime) -> Keep | None:
    """Why the task is not carried out, or None."""
    if task.spec is None:
        return Keep("SpecRejected", task.complaint or "the spec cannot be used")
    spec = task.spec
    if not bot_exists:
        return Keep("BotNotFound", f"spec.bot: there is no TradingBot '{spec.bot}' in namespace {task.namespace}")
    if spec.not_after and now >= datetime.fromisoformat(spec.not_after):
        return Keep("Expired", f"spec.notAfter: '{spec.not_after}' has passed; create a new task with a later time")
    if spec.type not in SERVED:
        return Keep("TypeNotServed", f"spec.type: '{spec.type}' is not carried out by this operator yet")
    return None


def lifetime(task: Task) -> timedelta:
    """How long a finished task is kept."""
    return timedelta(seconds=task.spec.ttl_seconds_after_finished if task.spec else 604800)


def expires_in(task: Task, now: datetime) -> float | None:
    """Seconds until a finished task is to go; None while it is not finished."""
    if task.finished_at is None:
        return None
    return max(0.0, (task.finished_at + lifetime(task) - now).total_seconds())
