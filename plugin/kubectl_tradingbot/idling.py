"""The verb that tells why a bot does not trade."""

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.domain.idle import idle
from kubectl_tradingbot.incident import REFUSED, Name, Namespace


def why_no_trades(bot: Name, namespace: Namespace = None) -> None:
    """Ask whether it is halted, its strategies are on and wish to enter, its market is open, risk refuses; exit 1."""
    findings = idle(cluster.one(namespace, bot).live)
    for each in findings:
        cure = f"; {each.cure}" if not each.ok else ""
        typer.echo(f"{'ok' if each.ok else 'NO':<4}  {each.check}: {each.message}{cure}")
    if not all(each.ok for each in findings):
        raise typer.Exit(REFUSED)
