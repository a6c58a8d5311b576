"""The verb for a bot that begins: what changes, what it writes down, and at last the figures it trades with."""

import time
from collections.abc import Iterator

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.diagnosing import last_lines
from kubectl_tradingbot.domain.diagnosis import conditions
from kubectl_tradingbot.incident import LATE, Name, Namespace, Patience
from kubectl_tradingbot.tasking import stop

KEY = ("bot_running", "api_connected", "trading_halted", "total_equity", "daily_pnl", "open_positions")
LOOKS_APART_SECONDS = 1.0


def watch(bot: Name, namespace: Namespace = None, timeout: Patience = 600) -> None:
    """Show each change of a condition and each new log line until the bot is Ready, then its key metrics."""
    end = time.monotonic() + timeout
    before: set[str] = set()
    while True:
        one = cluster.listed(namespace, bot)[0]
        now = [*conditions(one.resource), *last_lines(one)]
        for line in now:
            if line not in before:
                typer.echo(line)
        before = set(now)
        if _is_ready(one):
            break
        if time.monotonic() > end:
            stop(LATE, f"{bot} is not Ready yet ({timeout:g} s)")
        time.sleep(LOOKS_APART_SECONDS)
    for line in _key_metrics(one):
        typer.echo(line)


def _is_ready(one: cluster.Bot) -> bool:
    """Of what the spec asks for now; an older version may be ready all the while."""
    current = one.status.get("observedGeneration") == one.resource["metadata"].get("generation")
    return current and one.condition("Ready").get("status") == "True"


def _key_metrics(one: cluster.Bot) -> Iterator[str]:
    for line in cluster.metrics(one).splitlines():
        name, _, rest = line.partition("{")
        if rest and name in KEY:
            yield f"{name} {line.rpartition(' ')[2]}"
