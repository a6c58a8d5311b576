"""``atb strategies``: what can decide, what does, and the switch of each."""

import importlib
import json
from typing import Annotated

import typer

from tradingbot.cli import tables
from tradingbot.cli.client import Client, accepted
from tradingbot.cli.local import local_settings

strategies = typer.Typer(no_args_is_help=True, help="What can decide, and what does.", rich_markup_mode=None)
COLUMNS = ("name", "enabled", "trades", "pnl")
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Name = Annotated[str, typer.Argument(help="The strategy, as status names it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the audit log.")]


@strategies.command("list")
def list_() -> None:
    """Print the name of every strategy there is, one a line."""
    typer.echo("\n".join(importlib.import_module("tradingbot.strategy.registry").NAMES))


@strategies.command()
def status(as_json: AsJson = False) -> None:
    """Show the strategies of the trader in this pod, and whether each is switched on."""
    _show(accepted(Client(local_settings()).api("/api/strategies")), as_json)


@strategies.command()
def enable(name: Name, reason: Reason = "asked at the command line", as_json: AsJson = False) -> None:
    """Let a strategy enter again."""
    _show(accepted(Client(local_settings()).api("/api/strategies/enable", {"name": name, "reason": reason})), as_json)


@strategies.command()
def disable(name: Name, reason: Reason = "asked at the command line", as_json: AsJson = False) -> None:
    """Let a strategy enter nothing more, over restarts too; its exits and stops go on."""
    _show(accepted(Client(local_settings()).api("/api/strategies/disable", {"name": name, "reason": reason})), as_json)


def _show(body: dict[str, list[dict[str, object]]], as_json: bool) -> None:
    typer.echo(json.dumps(body, indent=2) if as_json else tables.table(body["strategies"], COLUMNS), nl=as_json)
