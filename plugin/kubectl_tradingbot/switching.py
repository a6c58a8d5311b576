"""The strategies of a bot: which decide, and the switch of each."""

from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import Name, Namespace

strategies = typer.Typer(no_args_is_help=True, help="The strategies of a bot.", rich_markup_mode=None)
Strategy = Annotated[str, typer.Argument(help="its name, as list shows it")]
Reason = Annotated[str, typer.Option("--reason", help="why; it is kept in the audit log")]


@strategies.command("list")
def list_(bot: Name, namespace: Namespace = None) -> None:
    """Show each strategy of the trader, and whether it is switched on."""
    typer.echo(cluster.in_pod(cluster.one(namespace, bot), "atb", "strategies", "status"))


@strategies.command()
def enable(bot: Name, strategy: Strategy, reason: Reason = "asked with kubectl", namespace: Namespace = None) -> None:
    """Let a strategy enter again."""
    typer.echo(cluster.in_pod(cluster.one(namespace, bot), "atb", "strategies", "enable", strategy, "--reason", reason))


@strategies.command()
def disable(bot: Name, strategy: Strategy, reason: Reason = "asked with kubectl", namespace: Namespace = None) -> None:
    """Let a strategy enter nothing more, over restarts too; its exits and stops go on."""
    typer.echo(
        cluster.in_pod(cluster.one(namespace, bot), "atb", "strategies", "disable", strategy, "--reason", reason)
    )
