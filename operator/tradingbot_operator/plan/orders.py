"""Tasks that order something of the bot's process: which of them stand, and what each is told."""

from datetime import datetime

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.observed import Observed, Report
from tradingbot_operator.domain.plan import Answer, Keep, Remove, Run, Wait
from tradingbot_operator.domain.task import ORDERED, Task

TAKEN = "a task of this name was carried out before; create one of another name"
GOING = "the bot is being deleted; its positions are as they were"
FLAT = "flat: the venue lists no order of this bot, and what is left is dust; the halt stands until it is resumed"


def is_order(task: Task) -> bool:
    return task.spec is not None and task.spec.type in ORDERED and task.finished_at is None and not task.deleted


def begun(bot: Bot, observed: Observed) -> tuple[Task, ...]:
    """The orders that stand, oldest first; the status remembers a task's name before anything is done about it."""
    known = {(each["name"], each["uid"]) for each in bot.status.get("tasks") or ()}
    stand = (each for each in observed.tasks if is_order(each) and (each.name, each.uid) in known)
    return tuple(sorted(stand, key=lambda each: (each.created, each.name)))


def is_new(bot: Bot, task: Task) -> bool:
    """Whether no task of that name was ever carried out."""
    return task.name not in {each["name"] for each in bot.status.get("tasks") or ()}


def words(task: Task) -> str:
    """The halt that stands for as long as the task does; it is latched by the process, and stays when the task goes."""
    reason = task.spec.reason if task.spec else None
    return f"flatten: {reason or f'task {task.name}'}"


def obeyed(bot: Bot, observed: Observed, action: Run | Keep | Remove, now: datetime) -> tuple[Answer, ...]:
    """What each order is told in this pass."""
    stand = {each.uid for each in begun(bot, observed)}
    told: list[Answer] = []
    for task in filter(is_order, observed.tasks):
        if isinstance(action, Remove):
            told.append(Answer(task, None, failed=GOING))
        elif task.uid in stand:
            told.append(_how_far(task, observed, action))
        elif not is_new(bot, task):
            told.append(Answer(task, None, failed=TAKEN))
        elif not _is_late(task, now):
            told.append(Answer(task, None))
    return tuple(told)


def _is_late(task: Task, now: datetime) -> bool:
    """Too late to begin; the task's own pass says so."""
    last = task.spec.not_after if task.spec else None
    return last is not None and now >= datetime.fromisoformat(last)


def _how_far(task: Task, observed: Observed, action: Run | Keep | Remove) -> Answer:
    reports = [observed.reports[pod.uid] for pod in observed.pods if pod.uid in observed.reports and not pod.deleting]
    if any(map(_is_flat, reports)):
        return Answer(task, None, FLAT)
    return Answer(task, None, waits=_wait(observed, action, reports))


def _is_flat(report: Report) -> bool:
    """By the word of the process that has the epoch and that an order to flatten stands in."""
    return report.flat and report.epoch is not None and any(halt.kind == "flatten" for halt in report.halts)


def _wait(observed: Observed, action: Run | Keep | Remove, reports: list[Report]) -> Wait:
    if any(report.epoch is not None for report in reports):
        return Wait("the process closes what is held and cancels its orders")
    trouble = next((pod.trouble for pod in observed.pods if pod.trouble and not pod.deleting), None)
    if trouble:
        return Wait(f"{trouble}; mend the spec or write back the one that worked: its process then closes all", True)
    if isinstance(action, Keep) and not observed.pods:
        return Wait(f"{action.reason}: {action.message}; no process can be started that would close anything", True)
    return Wait("a process is awaited that holds the lease")
