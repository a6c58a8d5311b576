"""``atb db``: what a person does with the database server when it is slow or full."""

import importlib
import json
from datetime import timedelta
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.database import owner_url, plain
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.scalars import parse_duration

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
OlderThan = Annotated[str, typer.Option("--older-than", help="A duration, as 5m.")]


def connections(as_json: AsJson = False) -> None:
    """Tell how many sessions the server has, and how many it allows."""
    found = _sessions().counted(server_url())
    typer.echo(json.dumps(found) if as_json else f"{found['connections']} of {found['most']}")


def long_queries(older_than: OlderThan = "5m", as_json: AsJson = False) -> None:
    """List what has been running for longer than that."""
    show_rows(
        _sessions().long_queries(server_url(), duration("--older-than", older_than)),
        ("pid", "role", "state", "duration", "query"),
        as_json,
    )


def kill_idle(older_than: OlderThan = "5m", as_json: AsJson = False) -> None:
    """End the sessions that have stood idle in a transaction for longer than that."""
    ended = _sessions().end_idle(server_url(), duration("--older-than", older_than))
    show_rows(ended, ("pid", "role", "idle", "query", "ended"), as_json)
    if not as_json:
        typer.echo(f"{sum(each['ended'] for each in ended)} sessions ended")


def slow_queries(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, slowest first.")] = 10,
    reset: Annotated[bool, typer.Option("--reset", help="Begin the statistics anew instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the statements that take longest on average."""
    if reset:
        _sessions().forget_slow_queries(server_url())
        typer.echo("the statistics begin anew")
        return
    show_rows(_sessions().slow_queries(server_url(), limit), ("mean_exec_time", "calls", "query"), as_json)


def show_rows(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    named = [{name: plain(value) for name, value in row.items()} for row in rows]
    typer.echo(json.dumps(named, indent=2) + "\n" if as_json else tables.table(named, columns), nl=False)


def duration(flag: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Failed(Exit.USAGE, f'{flag} "{text}" {error}') from None


def server_url() -> str:
    return owner_url(local_settings())


def _sessions() -> Any:
    # By name, because the commands that ask the trader must not pay for loading SQL.
    return importlib.import_module("tradingbot.ledger.sessions")
