"""The page of a task: find, decide, report; and when its time is over, let it go."""

from tradingbot_operator.cluster.tasks import Tasks
from tradingbot_operator.computing import compute
from tradingbot_operator.domain.moment import Moment
from tradingbot_operator.domain.outcome import Outcome
from tradingbot_operator.domain.task import COMPUTED
from tradingbot_operator.plan.tasks import expires_in, refusal
from tradingbot_operator.report.task import failed


async def steer(key: tuple[str, str], tasks: Tasks, moment: Moment) -> Outcome:
    """A task that cannot be carried out says so once; a finished one is deleted after its time."""
    task = await tasks.find(key)
    if task is None or task.deleted:
        return Outcome("gone")
    left = expires_in(task, moment.now)
    if left is None:
        why = refusal(task, await tasks.has_bot(task), moment.now)
        if why:
            await tasks.write_status(task, failed(task, why, moment.now))
        elif task.spec and task.spec.type in COMPUTED:
            return await compute(task, tasks, moment)
        return Outcome("done")
    if left == 0:
        await tasks.delete(task)
    return Outcome("done", left or None)
