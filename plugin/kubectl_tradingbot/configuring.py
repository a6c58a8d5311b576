"""What a bot was told and what it keeps: its settings, and its state file, as its own process has them."""

from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import USAGE, Name, Namespace
from kubectl_tradingbot.tasking import stop

config = typer.Typer(no_args_is_help=True, help="The settings of a bot.", rich_markup_mode=None)


@config.command()
def show(
    bot: Name,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    namespace: Namespace = None,
) -> None:
    """Show every setting of the trader with its value, also those that nobody wrote down."""
    one = cluster.one(namespace, bot)
    typer.echo(cluster.in_pod(one, "atb", "config", "show", *(["--json"] if as_json else [])))


state = typer.Typer(no_args_is_help=True, help="What a bot keeps beside its ledger.", rich_markup_mode=None)


@state.command("show")
def show_state(bot: Name, namespace: Namespace = None) -> None:
    """Print the state file of the trader as JSON."""
    typer.echo(cluster.in_pod(cluster.one(namespace, bot), "atb", "state", "show"))


@state.command()
def reset(
    bot: Name,
    confirm: Annotated[bool, typer.Option("--confirm", help="without it nothing is done")] = False,
    namespace: Namespace = None,
) -> None:
    """Forget the state file, and take over what the account has and the ledger does not know, with its stop."""
    if not confirm:
        stop(USAGE, "this changes what the bot takes for its own; look at kubectl atb reconcile, then add --confirm")
    typer.echo(cluster.in_pod(cluster.one(namespace, bot), "atb", "state", "reset", "--confirm"))
