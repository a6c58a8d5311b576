"""The verb for a bot that is to begin anew, with the settings and Secrets of now, and without two traders."""

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.incident import Name, Namespace, Patience
from kubectl_tradingbot.tasking import carried_out


def restart(bot: Name, namespace: Namespace = None, timeout: Patience = 120) -> None:
    """Hand over to a new pod of what runs, by a BotTask; the new one reads Secrets and settings anew."""
    typer.echo(f"{bot}: {carried_out(cluster.one(namespace, bot), {'type': 'restart'}, timeout)}")
