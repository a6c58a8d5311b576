"""``atb config``: what this trader was told, and everything it may be told."""

import json
from typing import Annotated

import typer

from tradingbot.cli import tables
from tradingbot.cli.local import local_settings
from tradingbot.settings import Settings
from tradingbot.spelling import parameters, values

config = typer.Typer(no_args_is_help=True, help="The settings of the trader in this pod.", rich_markup_mode=None)
COLUMNS = ("name", "what", "default", "means")
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@config.command()
def show(as_json: AsJson = False) -> None:
    """Show every setting with its value, also those that nobody wrote down."""
    found = dict(values(local_settings()))
    typer.echo(json.dumps(found, indent=2) if as_json else tables.pairs(found), nl=as_json)


@config.command()
def schema(count: Annotated[bool, typer.Option("--count", help="Print only how many there are.")] = False) -> None:
    """List every setting there is, with what it may be, its default and what it means."""
    known = tuple(parameters(Settings))
    if count:
        typer.echo(str(len(known)))
        return
    rows = [{"name": each.name, "what": each.shape, "default": each.default, "means": each.means} for each in known]
    typer.echo(tables.table(rows, COLUMNS), nl=False)
