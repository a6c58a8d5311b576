"""What becomes of a task, from what it asks and what is there."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.handover import AT_REST, Move, Request, Rollout, Step
from tradingbot_operator.domain.names import COMPONENT, LABEL_MANAGED_BY
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Answer, Keep, Wait
from tradingbot_operator.domain.probe import JobState, Ran
from tradingbot_operator.domain.task import COMPUTED, INTO_LEDGER, OF_A_BOT, Task, TaskSpec
from tradingbot_operator.plan.sides import steers

# The types whose work this operator can do; each later one moves here with the code that does it.
SERVED: frozenset[str] = OF_A_BOT | COMPUTED
PREFILL = "prefill"
PREFILLED = {"action", "symbols", "timeframes", "years"}
NO_REVISION = "no revision of the bot has run yet, and a task is worked out with the settings of one"


def refusal(task: Task, bot_exists: bool, now: datetime) -> Keep | None:
    """Why the task is not carried out, or None."""
    if task.spec is None:
        return Keep("SpecRejected", task.complaint or "the spec cannot be used")
    spec = task.spec
    if not bot_exists:
        return Keep("BotNotFound", f"spec.bot: there is no TradingBot '{spec.bot}' in namespace {task.namespace}")
    if spec.not_after and now >= datetime.fromisoformat(spec.not_after) and not task.status.get("startedAt"):
        return Keep("Expired", f"spec.notAfter: '{spec.not_after}' has passed; create a new task with a later time")
    if spec.type not in SERVED:
        return Keep("TypeNotServed", f"spec.type: '{spec.type}' is not carried out by this operator yet")
    wrong = _unusable(spec) if spec.type == "dataRefresh" else None
    return Keep("SpecRejected", wrong) if wrong else None


def _unusable(spec: TaskSpec) -> str | None:
    """Why nothing can be refreshed as *spec* says."""
    action = spec.parameters.get("action")
    if action != PREFILL and action not in INTO_LEDGER:
        return f"spec.parameters.action: '{action or ''}' is not known; write {', '.join((PREFILL, *INTO_LEDGER))}"
    known = PREFILLED if action == PREFILL else {"action"}
    odd = sorted(spec.parameters.keys() - known)
    if odd:
        return f"spec.parameters: '{odd[0]}' does not go with {action}; write {', '.join(sorted(known))}"
    if action in INTO_LEDGER:
        return "spec.target: only prefill keeps something on a claim; leave it out" if spec.target else None
    if spec.target is None:
        return "spec.target: name the PersistentVolumeClaim that is to keep the bars; without one they end with the Job"
    return None


def hindrance(task: Task, has_run: bool, claim: Mapping[str, str] | None) -> str | None:
    """Why the task's Job cannot begin yet; *claim* are the labels of the claim it names, None where that is not there.

    Only one node at a time has a bot's volume: a Job that holds it could keep a trader from starting on another.
    """
    if not has_run:
        return NO_REVISION
    target = task.spec.target if task.spec else None
    if target is None:
        return None
    if claim is None:
        return f"spec.target: there is no PersistentVolumeClaim '{target}' in namespace {task.namespace}; create it"
    if claim.get(LABEL_MANAGED_BY) == COMPONENT:
        return f"spec.target: '{target}' is the volume of a bot; copy its recordings into another claim and name that"
    return None


def ledgerless(task: Task, volumes: Sequence[Mapping[str, Any]]) -> str | None:
    """Why what the task is to write cannot be written from beside the bot, whose pod has those *volumes*."""
    action = task.spec.parameters.get("action", "") if task.spec and task.spec.type == "dataRefresh" else ""
    if action not in INTO_LEDGER or any(each["name"] == "database" for each in volumes):
        return None
    return f"the ledger is a file of the bot's pod; run atb data {' '.join(INTO_LEDGER[action])} there"


def computed(task: Task, job: Ran, hindered: str | None) -> Answer:
    """What a task is told whose Job is that far; *hindered*: why it cannot begin."""
    if job.state is JobState.DONE:
        return Answer(task, None, job.words or "the Job ended well and said nothing")
    if job.state is JobState.FAILED:
        return Answer(task, None, failed=job.words or "the Job failed and said nothing")
    if job.state is JobState.GONE and hindered is not None:
        return Answer(task, None, waits=Wait(hindered))
    return Answer(task, None, waits=Wait("its Job runs"))


def answers(bot: Bot, observed: Observed, request: Request | None, move: Move) -> tuple[Answer, ...]:
    """What each task that steers is told in this pass."""
    begun = {each["name"]: each["uid"] for each in bot.status.get("tasks") or ()}
    said = (_answer(each, begun.get(each.name), request, move) for each in observed.tasks if steers(each))
    return tuple(each for each in said if each is not None)


def _answer(task: Task, begun: str | None, request: Request | None, move: Move) -> Answer | None:
    if begun is not None:
        return _of_begun(task, begun, move.rollout)
    if request is None or request.task != task.name:
        return None
    if request.kind == "rollback" and request.target is None:
        asked = task.spec.target if task.spec else None
        nothing = f"spec.target: there is no revision '{asked or 'previous'}' to go back to in this mode"
        return Answer(task, None, failed=nothing)
    if move.ends is not None:
        return Answer(task, request.target, move.ends)
    took = move.rollout is not None and move.rollout.task == task.name
    return Answer(task, request.target) if took else None


def _of_begun(task: Task, begun: str, rollout: Rollout | None) -> Answer | None:
    """Of a task that was begun before: how far the hand-over is that it asked for."""
    target = task.status.get("target")
    if begun != task.uid:
        return Answer(task, target, failed="a task of this name was carried out before; create one of another name")
    if rollout is None or rollout.task != task.name:
        return Answer(task, target, "carried out; another hand-over has followed")
    if rollout.step in (Step.REFUSED, Step.IDLE):
        return Answer(task, rollout.target.revision, failed=rollout.reason or "called off")
    if rollout.step in AT_REST or rollout.step is Step.OBSERVING:
        where = f"revision {rollout.target.revision} trades in colour {rollout.target.colour}"
        return Answer(task, rollout.target.revision, where)
    return None if task.status.get("startedAt") else Answer(task, rollout.target.revision)


def takes(request: Request | None, move: Move) -> bool:
    """Whether this move begins or ends what the task asks for: the status remembers its name from then on."""
    if request is None:
        return False
    return move.ends is not None or (move.rollout is not None and move.rollout.task == request.task)


def lifetime(task: Task) -> timedelta:
    """How long a finished task is kept."""
    return timedelta(seconds=task.spec.ttl_seconds_after_finished if task.spec else 604800)


def expires_in(task: Task, now: datetime) -> float | None:
    """Seconds until a finished task is to go; None while it is not finished."""
    if task.finished_at is None:
        return None
    return max(0.0, (task.finished_at + lifetime(task) - now).total_seconds())
