"""``atb train``: the verb."""

import importlib
from typing import Annotated

import typer

from tradingbot.cli.local import local_settings

Grid = Annotated[
    list[str] | None,
    typer.Option("--grid", metavar="NAME=VALUE,VALUE", help="What to try for a parameter; once for each parameter."),
]


def train(grid: Grid = None) -> None:
    """Choose parameters on the first part of the recordings, judge them on the rest, and print both as JSON."""
    # By name, because the commands that ask the trader must not pay for what they do not use.
    learning = importlib.import_module("tradingbot.start.learning")
    typer.echo(learning.told(learning.lesson(local_settings(), grid or [])))
