"""The status of a task that ended."""

from datetime import datetime
from typing import Any

from tradingbot_operator.domain.condition import Condition, Truth, placed
from tradingbot_operator.domain.moment import FORM
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.task import Task


def failed(task: Task, why: Keep, at: datetime) -> dict[str, Any]:
    """The task has failed for good; a new one must be created."""
    now = at.strftime(FORM)
    current = (
        Condition("Complete", Truth.FALSE, "NotDone", "the task was not carried out", task.generation),
        Condition("Failed", Truth.TRUE, why.reason, why.message, task.generation),
    )
    return {
        "observedGeneration": task.generation,
        "phase": "Failed",
        "conditions": placed(task.status.get("conditions") or (), current, now),
        "finishedAt": now,
        "result": why.message,
    }
