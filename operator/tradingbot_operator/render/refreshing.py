"""The Job of a task of type dataRefresh: the past of markets is asked of the venue and kept on a claim."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.task import Task
from tradingbot_operator.render.training import job, pod

LISTS = ("symbols", "timeframes")


def refreshing(task: Task, bot: Bot, template: Mapping[str, Any]) -> Manifest:
    """It asks the venue what anybody may ask, and writes nothing but the claim."""
    said = task.spec.parameters if task.spec else {}
    # Each value in a word with its flag, so that no value can be taken for a flag.
    lists = [f"--{name}={each}" for name in LISTS for each in said.get(name, "").replace(",", " ").split()]
    years = [f"--years={said['years']}"] if "years" in said else []
    words = ["atb", "data", "prefill-cache", "--last-word", *lists, *years]
    return job(task, bot, pod(template["spec"], task, words, read_only=False))
