"""The verb that tries parameters of a bot's strategy on recorded candles, beside the bot."""

from collections.abc import Sequence
from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import USAGE, Name, Namespace, Patience
from kubectl_tradingbot.tasking import carried_out, stop

Grid = Annotated[
    list[str] | None,
    typer.Option("--grid", metavar="NAME=VALUE,VALUE", help="what to try for a parameter; once for each parameter"),
]
Recordings = Annotated[
    str | None, typer.Option("--recordings", metavar="CLAIM", help="claim with recordings; default: those of the bot")
]


def train(
    bot: Name, grid: Grid = None, recordings: Recordings = None, namespace: Namespace = None, timeout: Patience = 600
) -> None:
    """Choose parameters on the first part of recorded candles, judge them on the rest, and print both as JSON."""
    if wrong := unreadable(grid or ()):
        stop(USAGE, wrong)
    tried = {name: values for name, _, values in (text.partition("=") for text in grid or ())}
    target = {"target": recordings} if recordings else {}
    one = cluster.one(namespace, bot)
    typer.echo(carried_out(one, {"type": "train", "parameters": tried, **target}, timeout))


def unreadable(grid: Sequence[str]) -> str | None:
    """Why *grid* cannot be asked for, in a sentence; what the values mean is the strategy's business."""
    seen: set[str] = set()
    for text in grid:
        name, _, values = text.partition("=")
        if not name or not values:
            return f"--grid '{text}' names nothing to try; write NAME=VALUE,VALUE"
        if name in seen:
            return f"--grid names {name} twice; write all its values once, {name}=VALUE,VALUE"
        seen.add(name)
    return None
