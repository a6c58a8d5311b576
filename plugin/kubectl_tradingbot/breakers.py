"""The circuit breakers of a bot: what failed too often at its venue, and the way to close one before its time."""

from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import REFUSED, Name, Namespace

breaker = typer.Typer(no_args_is_help=True, help="What failed too often at the venue.", rich_markup_mode=None)
COLUMNS = ("name", "state", "opened_at", "last_error")


@breaker.command("list")
def list_(bot: Name, namespace: Namespace = None) -> None:
    """Show each breaker of the trader with its state and last error."""
    one = cluster.one(namespace, bot)
    if one.live is None:
        _say_no(f"{bot} does not answer; see kubectl describe tb {bot}")
    for each in (one.live or {}).get("circuit_breakers") or ():
        typer.echo("  ".join(str(each.get(column) or "-") for column in COLUMNS))


@breaker.command()
def reset(
    bot: Name,
    name: Annotated[str | None, typer.Option("--name", help="only this one, as binance/enter")] = None,
    reason: Annotated[str, typer.Option("--reason", help="why; it is kept in the log")] = "asked with kubectl",
    namespace: Namespace = None,
) -> None:
    """Close every breaker of the trader, or the one named; what made it open may open it again."""
    one = cluster.one(namespace, bot)
    typer.echo(cluster.in_pod(one, "atb", "breaker", "reset", "--reason", reason, *(["--name", name] if name else [])))


def _say_no(sentence: str) -> None:
    typer.echo(f"kubectl tradingbot: {sentence}", err=True)
    raise typer.Exit(REFUSED)
