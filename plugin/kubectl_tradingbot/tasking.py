"""How a verb asks for a BotTask and waits for its result."""

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.cluster import Bot
from kubectl_tradingbot.incident import LATE, REFUSED


def carried_out(one: Bot, spec: Mapping[str, Any], timeout: float) -> str:
    """The result of a new task that asks *spec*; exit 1 when it failed, 3 when it is not finished in time."""
    task = f"{spec['type']}-{secrets.token_hex(4)}"
    cluster.order_task(one, task, spec)
    if not cluster.wait(partial(cluster.is_finished, one, task), timeout):
        waits = cluster.task_message(one, task) or "the operator has not taken it"
        stop(LATE, f"bottask {task} is not finished yet ({timeout:g} s): {waits}")
    status = cluster.task_status(one, task)
    result = str(status.get("result", ""))
    if status.get("phase") != "Complete":
        stop(REFUSED, result)
    return result


def stop(code: int, sentence: str) -> None:
    typer.echo(f"kubectl tradingbot: {sentence}", err=True)
    raise typer.Exit(code)
