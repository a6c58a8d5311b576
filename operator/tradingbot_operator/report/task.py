"""What a task is told: that it began, and how it ended."""

from datetime import datetime
from typing import Any

from tradingbot_operator.domain.condition import Condition, Truth, placed
from tradingbot_operator.domain.moment import FORM
from tradingbot_operator.domain.plan import Answer, Keep
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


def answered(answer: Answer, at: datetime) -> dict[str, Any] | None:
    """The status after *answer*, or None when the task says so already."""
    task, now = answer.task, at.strftime(FORM)
    started = task.status.get("startedAt") or now
    if answer.failed is not None:
        why = Keep("NotCarriedOut", answer.failed)
        return {**failed(task, why, at), **_begun(answer, started)}
    if answer.result is None:
        if task.status.get("startedAt"):
            return None
        return {"observedGeneration": task.generation, "phase": "Running", **_begun(answer, now)}
    current = (
        Condition("Complete", Truth.TRUE, "Done", answer.result, task.generation),
        Condition("Failed", Truth.FALSE, "Done", "the task was carried out", task.generation),
    )
    return {
        "observedGeneration": task.generation,
        "phase": "Complete",
        "conditions": placed(task.status.get("conditions") or (), current, now),
        "finishedAt": now,
        "result": answer.result,
        **_begun(answer, started),
    }


def _begun(answer: Answer, at: str) -> dict[str, Any]:
    return {"startedAt": at, **({"target": answer.target} if answer.target else {})}
