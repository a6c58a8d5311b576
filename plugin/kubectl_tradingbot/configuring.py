"""What a bot was told: its settings as its own process has read them."""

from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import Name, Namespace

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
