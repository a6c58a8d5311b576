"""What a bot's pods have written down: looked through by level, component and age; also of a container that ended."""

from dataclasses import dataclass
from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.domain.logs import LEVELS, Wanted, newest
from kubectl_tradingbot.flags import spread
from kubectl_tradingbot.incident import REFUSED, USAGE, Name, Namespace
from kubectl_tradingbot.observe import ClusterSaysNo, kubectl, streamed
from kubectl_tradingbot.tasking import stop

ALL = "--tail=-1"


@dataclass(frozen=True, slots=True)
class Which:
    bot: Name
    level: Annotated[str | None, typer.Option("--level", help=f"lowest level: {' '.join(LEVELS)}")] = None
    component: Annotated[str | None, typer.Option("--component", help="one part, as LiveTradingEngine")] = None
    namespace: Namespace = None


@dataclass(frozen=True, slots=True)
class Span:
    tail: Annotated[int, typer.Option("--tail", min=1, help="how many, the newest")] = 100
    since: Annotated[str | None, typer.Option("--since", help="not older than that, as 10m")] = None
    follow: Annotated[bool, typer.Option("--follow", "-f", help="and those that come, until Ctrl-C")] = False
    previous: Annotated[bool, typer.Option("--previous", "-p", help="of the container that ended before")] = False


@spread
def logs(which: Which, span: Span) -> None:
    """Print log lines of a bot, oldest first; both colours' when there are two."""
    level = which.level.lower() if which.level else None
    if level not in (None, *LEVELS):
        stop(USAGE, f"--level {which.level} is no level; write one of {', '.join(LEVELS)}")
    wanted = Wanted(level, which.component)
    bot = cluster.listed(which.namespace, which.bot)[0]
    pods = cluster.pods(bot)
    if not pods:
        stop(REFUSED, f"{bot.name} has no pod; kubectl atb diagnose {bot.name} tells why")
    flags = [*([f"--since={span.since}"] if span.since else []), *(["--previous"] if span.previous else [])]
    if span.follow:
        _followed(bot, wanted, [f"--tail={span.tail}", *flags])
        return
    flags.append(ALL if wanted.is_choosy else f"--tail={span.tail}")
    read, refused = written(bot, pods, *flags)
    if refused and not read:
        raise refused[0]
    for text in newest(read, wanted, span.tail):
        typer.echo(text)


def written(bot: cluster.Bot, pods: cluster.Items, *flags: str) -> tuple[list[list[str]], list[ClusterSaysNo]]:
    """The lines of each pod that has any, and why others have none: never started, or never ended before."""
    read, refused = [], []
    for pod in pods:
        name = pod["metadata"]["name"]
        try:
            read.append(kubectl("logs", "-n", bot.namespace, name, "-c", "bot", *flags).splitlines())
        except ClusterSaysNo as error:
            refused.append(error)
    return read, refused


def _followed(bot: cluster.Bot, wanted: Wanted, flags: list[str]) -> None:
    which = ("-n", bot.namespace, "-l", f"tradingbot.io/bot={bot.name}", "-c", "bot")
    for text in streamed("logs", "-f", *which, *flags):
        if wanted.takes(text):
            typer.echo(text)
