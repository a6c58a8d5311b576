"""The verb for an account that is not as the ledger says: a BotTask asks the bot's process, and its result is shown."""

from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import REFUSED, USAGE, Name, Namespace, Patience
from kubectl_tradingbot.tasking import carried_out, stop

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
        stop(USAGE, "--close-unexpected and --adopt exclude each other; write one of them")
    action = "close-unexpected" if close_unexpected else "adopt" if adopt else "show"
    one = cluster.one(namespace, bot)
    result = carried_out(one, {"type": "reconcile", "parameters": {"action": action}}, timeout)
    typer.echo(f"{bot}: {result}")
    raise typer.Exit(REFUSED if action == "show" and result != AGREE else 0)
