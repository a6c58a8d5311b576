"""``atb logs``: what this pod has written down, from the log files and from the trader that runs."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from tradingbot.cli.client import Client, accepted
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.domain.logline import LEVELS, Line, Wanted, parse_line, together
from tradingbot.scalars import parse_duration
from tradingbot.start.outlets import APP, ERROR_LOG

POLL_SECONDS = 0.5
MOST = 1000


def logs(
    errors: Annotated[bool, typer.Option("--errors", help="Only what is ERROR or graver.")] = False,
    lines: Annotated[int, typer.Option("--lines", "--tail", min=1, max=100_000, help="How many, the newest.")] = 100,
    since: Annotated[str, typer.Option("--since", help="Not older than that, as 10m.")] = "",
    component: Annotated[str, typer.Option("--component", help="Of this part, as LiveTradingEngine.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="And those that come, until Ctrl-C.")] = False,
) -> None:
    """Print log lines, oldest first, those of earlier processes too; each is a JSON object."""
    wanted = Wanted("ERROR" if errors else LEVELS[0], component or None, _after(since))
    settings = local_settings()
    client = Client(settings)
    path = settings.paths.data / "logs" / (ERROR_LOG if errors else APP)
    before = filed(path, wanted, lines)
    try:
        told, number = tail(client, wanted, 0)
    except Failed:
        # Who ended long ago can still be read; who follows wants what comes.
        if follow or not before:
            raise
        told, number = (), 0
    for line in together(before, told)[-lines:]:
        typer.echo(line.text)
    while follow:
        time.sleep(POLL_SECONDS)
        told, latest = tail(client, wanted, number)
        # Another process began to count anew.
        told, number = tail(client, wanted, 0) if latest < number else (told, latest)
        for line in told:
            typer.echo(line.text)


def log_level(
    level: Annotated[str, typer.Argument(help=f"One of {' '.join(LEVELS).lower()}.")] = "",
) -> None:
    """Print the lowest level the trader logs, or set it until it ends."""
    client = Client(local_settings())
    sent = {"level": level} if level else None
    typer.echo(accepted(client.api("/api/config/log-level", sent, "PUT"))["level"])


def filed(path: Path, wanted: Wanted, most: int) -> tuple[Line, ...]:
    """The newest lines that are *wanted* in the file at *path* and the one put aside before it, oldest first."""
    found: list[Line] = []
    for text in _newest_first(path):
        line = parse_line(text)
        if line is not None and wanted.takes(line):
            found.append(line)
        if len(found) == most:
            break
    return tuple(reversed(found))


def _newest_first(path: Path) -> Iterator[str]:
    for file in (path, path.with_name(f"{path.name}.1")):
        try:
            yield from reversed(file.read_text(encoding="utf-8", errors="replace").splitlines())
        except OSError:
            continue


def tail(client: Client, wanted: Wanted, after: int) -> tuple[tuple[Line, ...], int]:
    """What the trader has written after number *after*, and the number of its newest line; Failed without a trader."""
    asked = {"lines": MOST, "level": wanted.level, "after": after}
    asked |= {"component": wanted.component} if wanted.component else {}
    body = accepted(client.api(f"/api/logs?{urlencode(asked)}"))
    parsed = (parse_line(text) for text in body["lines"])
    return tuple(line for line in parsed if line is not None and wanted.takes(line)), body["next"]


def _after(since: str) -> datetime | None:
    try:
        # A command begins here, as the trader does in main.
        return datetime.now(UTC) - parse_duration(since) if since else None  # noqa: TID251
    except (ValueError, OverflowError):
        raise Failed(Exit.USAGE, f'--since "{since}" is not a duration: write for example 10m') from None
