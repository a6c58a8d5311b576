"""The verb for an account that is not as the ledger says: a BotTask asks the bot's process, and its result is shown."""

import secrets
from functools import partial
from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import LATE, REFUSED, USAGE, Name, Namespace, Patience

AGREE = "ledger and account agree"


def reconcile(
    bot: Name,
    close_unexpected: Annotated[bool, typer.Option("--close-unexpected", help="sell what the ledger lacks")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="take it over as a position, with its stop")] = False,
    namespace: Namespace = None,
    timeout: Patience = 60,
) -> None:
    """Compare the ledger of a bot with its account; exit 1 when they differ, or when what was asked was not done."""
    if close_unexpected and adopt:
        _stop(USAGE, "--close-unexpected and --adopt exclude each other; write one of them")
    action = "close-unexpected" if close_unexpected else "adopt" if adopt else "show"
    one = cluster.one(namespace, bot)
    task = f"reconcile-{secrets.token_hex(4)}"
    cluster.order_task(one, task, {"type": "reconcile", "parameters": {"action": action}})
    if not cluster.wait(partial(cluster.is_finished, one, task), timeout):
        waits = cluster.task_message(one, task) or "the operator has not taken it"
        _stop(LATE, f"bottask {task} is not finished yet ({timeout:g} s): {waits}")
    status = cluster.task_status(one, task)
    result = str(status.get("result", ""))
    if status.get("phase") != "Complete":
        _stop(REFUSED, result)
    typer.echo(f"{bot}: {result}")
    raise typer.Exit(REFUSED if action == "show" and result != AGREE else 0)


def _stop(code: int, sentence: str) -> None:
    typer.echo(f"kubectl tradingbot: {sentence}", err=True)
    raise typer.Exit(code)
