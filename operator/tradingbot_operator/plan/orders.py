"""Tasks that order something of the bot's process: which of them stand, and what each is told."""

from datetime import datetime

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.observed import Observed, Report
from tradingbot_operator.domain.plan import Answer, Ask, Keep, Remove, Run, Wait
from tradingbot_operator.domain.task import ASKED, ORDERED, Task

TAKEN = "a task of this name was carried out before; create one of another name"
GOING = "the bot is being deleted; its positions are as they were"
ASLEEP = "spec.suspend is true, and only a process with the lease can answer; set it to false, or flatten the bot"
ACTIONS = ("show", "adopt", "close-unexpected", "mark-closed")
FLAT = "flat: the venue lists no order of this bot, and what is left is dust; the halt stands until it is resumed"


def is_of(task: Task, types: frozenset[str]) -> bool:
    """Whether it is a valid task of these types that is not answered yet."""
    return task.spec is not None and task.spec.type in types and task.finished_at is None and not task.deleted


def begun(bot: Bot, observed: Observed, types: frozenset[str] = ORDERED) -> tuple[Task, ...]:
    """The orders that stand, oldest first; the status remembers a task's name before anything is done about it."""
    known = {(each["name"], each["uid"]) for each in bot.status.get("tasks") or ()}
    stand = (each for each in observed.tasks if is_of(each, types) and (each.name, each.uid) in known)
    return tuple(sorted(stand, key=lambda each: (each.created, each.name)))


def asks(bot: Bot, observed: Observed) -> tuple[Ask, ...]:
    """What the process that holds the epoch is to be asked now."""
    trader = _trader(observed)
    return tuple(Ask(each, trader) for each in begun(bot, observed, ASKED)) if trader else ()


def _trader(observed: Observed) -> str | None:
    """Where the process with the epoch is reached."""
    pods = (pod for pod in observed.pods if pod.ip and not pod.deleting and pod.uid in observed.reports)
    return next((pod.ip for pod in pods if observed.reports[pod.uid].epoch is not None), None)


def is_new(bot: Bot, task: Task) -> bool:
    """Whether no task of that name was ever carried out."""
    return task.name not in {each["name"] for each in bot.status.get("tasks") or ()}


def words(task: Task) -> str:
    """The halt that stands for as long as the task does; it is latched by the process, and stays when the task goes."""
    reason = task.spec.reason if task.spec else None
    return f"flatten: {reason or f'task {task.name}'}"


def obeyed(bot: Bot, observed: Observed, action: Run | Keep | Remove, now: datetime) -> tuple[Answer, ...]:
    """What each order is told in this pass."""
    stand = {each.uid for each in begun(bot, observed, ORDERED | ASKED)}
    asked = {each.task.uid for each in asks(bot, observed)}
    told: list[Answer] = []
    for task in observed.tasks:
        if not is_of(task, ORDERED | ASKED) or task.uid in asked:
            continue
        if isinstance(action, Remove):
            told.append(Answer(task, None, failed=GOING))
        elif task.uid in stand:
            told.append(_how_far(bot, task, observed, action))
        elif not is_new(bot, task):
            told.append(Answer(task, None, failed=TAKEN))
        elif wrong := _wrong(task):
            told.append(Answer(task, None, failed=wrong))
        elif not _is_late(task, now):
            told.append(Answer(task, None))
    return tuple(told)


def _wrong(task: Task) -> str | None:
    """What no process could be asked."""
    parameters = task.spec.parameters if task.spec else {}
    action = parameters.get("action")
    if task.spec is None or task.spec.type not in ASKED or action in ACTIONS:
        return None
    return f"spec.parameters.action: '{action or ''}' cannot be asked for; write one of {', '.join(ACTIONS)}"


def _is_late(task: Task, now: datetime) -> bool:
    """Too late to begin; the task's own pass says so."""
    last = task.spec.not_after if task.spec else None
    return last is not None and now >= datetime.fromisoformat(last)


def _how_far(bot: Bot, task: Task, observed: Observed, action: Run | Keep | Remove) -> Answer:
    if is_of(task, ASKED):
        asleep = not isinstance(bot.spec, Rejection) and bot.spec.suspend
        return Answer(task, None, waits=Wait(ASLEEP, True) if asleep else _wait(observed, action, []))
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
