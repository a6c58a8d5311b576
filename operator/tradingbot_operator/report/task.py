"""What a task is told: that it began, and how it ended."""

from datetime import datetime
from typing import Any

from tradingbot_operator.domain.condition import Condition, Truth, placed
from tradingbot_operator.domain.moment import FORM
from tradingbot_operator.domain.plan import Answer, Keep, Wait
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
    if answer.waits is not None:
        return _waiting(answer, answer.waits, at)
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


def _waiting(answer: Answer, wait: Wait, at: datetime) -> dict[str, Any] | None:
    """The task is under way and says what it waits for; who waits for it knows whether a person must act."""
    task, now = answer.task, at.strftime(FORM)
    current = (
        Condition("Complete", Truth.FALSE, "Running", wait.message, task.generation),
        Condition("Stalled" if wait.stuck else "Reconciling", Truth.TRUE, "Running", wait.message, task.generation),
    )
    before = task.status.get("conditions") or ()
    said = placed(before, current, now)
    if said == list(before):
        return None
    started = task.status.get("startedAt") or now
    return {
        "observedGeneration": task.generation,
        "phase": "Running",
        "conditions": said,
        **_begun(answer, started),
    }


def _begun(answer: Answer, at: str) -> dict[str, Any]:
    return {"startedAt": at, **({"target": answer.target} if answer.target else {})}
