"""``atb rate-gate``: the process that keeps the budget of one address for all bots behind it."""

import asyncio
import importlib
import math
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from tradingbot.cli.exits import Exit, Failed
from tradingbot.start.credentials import TokenFile

Listen = Annotated[str, typer.Option("--listen", help="Address and port.")]
TokenPath = Annotated[Path, typer.Option("--token-file", help="Whoever sends a token in it may reset.")]
Pace = Annotated[float, typer.Option("--pace", help="How much faster than the wall the venue's time runs.")]


def rate_gate(
    listen: Listen = "0.0.0.0:3001",  # nosec B104 - the port of a Service
    token_file: TokenPath = Path("/etc/tradingbot/secrets/gate/token"),
    pace: Pace = 1.0,
) -> int:
    """Keep the budget of this address for all bots behind it, until told to end."""
    if not (math.isfinite(pace) and pace > 0):
        raise Failed(Exit.USAGE, f'--pace "{pace}" is not a number above 0: write 1 for a venue in wall time')
    serving = importlib.import_module("tradingbot.api.serve")
    app = importlib.import_module("tradingbot.gate.app")
    desk = importlib.import_module("tradingbot.gate.desk")
    listener = serving.bind(listen)
    made = app.gate_app(desk.Desk(lambda: time.monotonic() * pace), TokenFile(token_file))
    running = serving.server(made)

    def end(_: int, __: object) -> None:
        running.should_exit = True

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    typer.echo(f"the rate gate listens at {listen}")
    asyncio.run(serving.serve(running, listener))
    return Exit.OK
