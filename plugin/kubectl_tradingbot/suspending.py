"""The verbs that end a bot's process and begin it again: ``spec.suspend``, waited for until it is so."""

from collections.abc import Callable

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.cluster import Bot
from kubectl_tradingbot.incident import LATE, Name, Namespace, Patience
from kubectl_tradingbot.tasking import stop


def stop_bot(bot: Name, namespace: Namespace = None, timeout: Patience = 120) -> None:
    """End the process of a bot; what is open keeps its stops at the venue, and only start begins it again."""
    one = cluster.one(namespace, bot)
    cluster.suspend(one, True)
    _until(one, lambda now: now.is_suspended, timeout, "its process has not ended yet")
    typer.echo(f"{bot} is suspended: kubectl tradingbot start {bot}")


def start_bot(bot: Name, namespace: Namespace = None, timeout: Patience = 120) -> None:
    """Begin the process of a suspended bot, and wait until it is ready; a halt that stood still stands."""
    one = cluster.one(namespace, bot)
    cluster.suspend(one, False)
    _until(one, lambda now: now.is_ready, timeout, "it is not ready yet")
    typer.echo(f"{bot} is ready: {cluster.one(one.namespace, bot).condition('Ready').get('message')}")


def _until(bot: Bot, true: Callable[[Bot], bool], seconds: float, otherwise: str) -> None:
    if not cluster.wait(lambda: true(cluster.listed(bot.namespace, bot.name)[0]), seconds):
        stop(LATE, f"{bot.name}: {otherwise} ({seconds:g} s); see kubectl describe tb {bot.name}")
