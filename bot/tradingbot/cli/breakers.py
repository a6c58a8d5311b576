"""``atb breaker``: the circuit breakers of the trader in this pod."""

import json
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.client import Client, accepted
from tradingbot.cli.local import local_settings

COLUMNS = ("name", "state", "failures", "opened_at", "last_error")
breaker = typer.Typer(
    no_args_is_help=True, help="Operations at the venue that failed too often.", rich_markup_mode=None
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@breaker.command("list")
def list_() -> None:
    """Show each breaker with its state and last error."""
    typer.echo(tables.table(_rows(Client(local_settings()).api("/api/circuit-breakers")), COLUMNS), nl=False)


@breaker.command()
def reset(
    name: Annotated[str, typer.Option("--name", help="Only this one, as binance/enter.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the log.")] = "asked at the command line",
    as_json: AsJson = False,
) -> None:
    """Close every breaker, or the one named, before its time."""
    body = accepted(Client(local_settings()).api("/api/circuit-breakers/reset", {"name": name, "reason": reason}))
    typer.echo(json.dumps(body, indent=2) if as_json else f"closed: {', '.join(body['reset']) or 'none was open'}")


def _rows(reply: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = accepted(reply)["circuit_breakers"]
    return rows
