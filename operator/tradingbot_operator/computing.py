"""The page of a task that a Job works out: it is begun once for each task, and its last word is the result."""

from tradingbot_operator.cluster.tasks import Tasks
from tradingbot_operator.domain.moment import Moment
from tradingbot_operator.domain.outcome import Outcome
from tradingbot_operator.domain.probe import JobState
from tradingbot_operator.domain.task import Task
from tradingbot_operator.plan.tasks import computed, hindrance, ledgerless
from tradingbot_operator.render.refreshing import refreshing
from tradingbot_operator.render.training import job_name, training
from tradingbot_operator.report.task import answered

# Jobs are not watched, and nobody is in a hurry.
LOOK_AGAIN_SECONDS = 2.0


async def compute(task: Task, tasks: Tasks, moment: Moment) -> Outcome:
    """The Job runs, or the task says what came of it. One that is gone too early is begun again: it changes nothing."""
    job, hindered = await tasks.ran(task, job_name(task)), None
    if job.state is JobState.GONE:
        known = await tasks.template(task)
        hindered = hindrance(task, known is not None, await tasks.claim(task))
        if known is not None:
            hindered = hindered or ledgerless(task, known[1]["spec"]["volumes"])
        if known is not None and hindered is None:
            made = training if task.spec and task.spec.type == "train" else refreshing
            await tasks.begin(made(task, *known))
    answer = computed(task, job, hindered)
    status = answered(answer, moment.now)
    if status is not None:
        await tasks.write_status(task, status)
    return Outcome("done", LOOK_AGAIN_SECONDS if answer.waits else None)
