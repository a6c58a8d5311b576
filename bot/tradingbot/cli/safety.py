"""``atb safety``: whether a bot without real money would be kept from it."""

import asyncio
import importlib
import json
from dataclasses import asdict
from typing import Annotated

import typer

from tradingbot.cli.exits import Exit
from tradingbot.cli.local import local_environment, local_settings

safety = typer.Typer(help="What keeps a bot on paper from real money.", rich_markup_mode=None)


@safety.callback()
def layers() -> None:
    """What keeps a bot on paper from real money."""


@safety.command()
def verify(as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False) -> int:
    """Try each layer with what must not get through, which leaves this pod in no case; exit 1 when one lets it."""
    # By name, because the commands that ask the trader must not pay for loading a venue.
    drill = importlib.import_module("tradingbot.start.drill")
    found = asyncio.run(drill.drilled(local_settings(), local_environment().of_money))
    blocked = all(each.blocks for each in found)
    if as_json:
        typer.echo(json.dumps({"ok": blocked, "layers": [asdict(each) for each in found]}, indent=2))
    else:
        for each in found:
            typer.echo(f"{'ok' if each.blocks else 'FAIL':<4}  {each.name}: {each.message}")
    return Exit.OK if blocked else Exit.REFUSED
