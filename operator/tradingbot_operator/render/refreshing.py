"""The Job of a task of type dataRefresh: what a venue tells anybody is kept on a claim, or put into the ledger."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.task import INTO_LEDGER, Task
from tradingbot_operator.render.training import job, pod

LISTS = ("symbols", "timeframes")
DATABASE = "database"


def refreshing(task: Task, bot: Bot, template: Mapping[str, Any]) -> Manifest:
    """It asks the venue what anybody may ask, and has no keys of the account."""
    said = task.spec.parameters if task.spec else {}
    if said.get("action") in INTO_LEDGER:
        words = ["atb", "data", *INTO_LEDGER[said["action"]], "--last-word"]
        made = pod(template["spec"], task, words, read_only=True)
        return job(task, bot, _with_ledger(made, template["spec"]))
    # Each value in a word with its flag, so that no value can be taken for a flag.
    lists = [f"--{name}={each}" for name in LISTS for each in said.get(name, "").replace(",", " ").split()]
    years = [f"--years={said['years']}"] if "years" in said else []
    words = ["atb", "data", "prefill-cache", "--last-word", *lists, *years]
    return job(task, bot, pod(template["spec"], task, words, read_only=False))


def _with_ledger(made: Manifest, of: Mapping[str, Any]) -> Manifest:
    """The login of tasks, under which nothing can be traded without an epoch."""
    (container,), (own, *_) = made["containers"], of["containers"]
    mounts = [each for each in own["volumeMounts"] if each["name"] == DATABASE]
    secrets = [each["secret"] for each in of["volumes"] if each["name"] == DATABASE]
    logins = [{"name": DATABASE, "secret": {**each, "items": [{"key": "task", "path": "url"}]}} for each in secrets]
    return {
        **made,
        "containers": [{**container, "volumeMounts": [*container["volumeMounts"], *mounts]}],
        "volumes": [*made["volumes"], *logins],
    }
