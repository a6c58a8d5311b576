"""The verb for a bot that is not as it should be: what is known of it, on one page."""

from collections.abc import Iterable

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.domain import diagnosis
from kubectl_tradingbot.domain.logs import Wanted, newest
from kubectl_tradingbot.incident import Name, Namespace
from kubectl_tradingbot.logs import written

LINES, BEFORE = 50, 100


def diagnose(bot: Name, namespace: Namespace = None) -> None:
    """Show conditions, containers, events and log lines of a bot, and the last words of the container before."""
    one = cluster.listed(namespace, bot)[0]
    pods = cluster.pods(one)
    _section("conditions", diagnosis.conditions(one.resource))
    _section("containers", diagnosis.containers(pods))
    _section("Events", diagnosis.events(bot, cluster.events_in(one.namespace)))
    _section(f"logs (last {LINES})", _logs(one, pods, LINES))
    if before := _logs(one, pods, BEFORE, "--previous"):
        _section(f"logs of the container before (last {BEFORE})", before)


def last_lines(one: cluster.Bot) -> list[str]:
    """The newest log lines of its pods."""
    return _logs(one, cluster.pods(one), LINES)


def _logs(one: cluster.Bot, pods: cluster.Items, most: int, *flags: str) -> list[str]:
    return newest(written(one, pods, f"--tail={most}", *flags)[0], Wanted(), most)


def _section(heading: str, lines: Iterable[str]) -> None:
    typer.echo(f"{heading}:")
    for line in list(lines) or ["none"]:
        typer.echo(f"  {line}")
    typer.echo()
