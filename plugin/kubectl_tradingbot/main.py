"""The program behind ``kubectl tradingbot`` and ``kubectl atb``."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from kubectl_tradingbot import __version__
from kubectl_tradingbot.breakers import breaker
from kubectl_tradingbot.configuring import config, state
from kubectl_tradingbot.credentials import keys
from kubectl_tradingbot.diagnosing import diagnose
from kubectl_tradingbot.domain.view import BotView
from kubectl_tradingbot.flags import spread
from kubectl_tradingbot.idling import why_no_trades
from kubectl_tradingbot.incident import doctor, emergency_stop, halt, resume, show_history
from kubectl_tradingbot.logs import logs
from kubectl_tradingbot.observe import ClusterSaysNo, bots, health, live, resources
from kubectl_tradingbot.rate import rate
from kubectl_tradingbot.reconciling import reconcile
from kubectl_tradingbot.restarting import restart
from kubectl_tradingbot.suspending import start_bot, stop_bot
from kubectl_tradingbot.switching import strategies
from kubectl_tradingbot.table import fleet, page
from kubectl_tradingbot.training import train
from kubectl_tradingbot.watching import watch

program = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)
program.add_typer(keys, name="keys")
program.add_typer(breaker, name="breaker")
program.add_typer(config, name="config")
program.add_typer(state, name="state")
program.add_typer(strategies, name="strategies")
program.command()(halt)
program.command()(resume)
program.command()(doctor)
program.command("emergency-stop")(emergency_stop)
program.command()(reconcile)
program.command("stop")(stop_bot)
program.command("start")(start_bot)
program.command()(train)
program.command()(logs)
program.command()(diagnose)
program.command()(restart)
program.command()(watch)
program.command()(why_no_trades)
program.command()(rate)
program.command("history")(show_history)
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="namespace; default: the context's")]
Name = Annotated[str | None, typer.Argument(help="one bot; default: all in the namespace")]


@program.command()
def version() -> None:
    """Print the plugin's version."""
    print(__version__)


@program.command()
def ps(
    namespace: Namespace = None, all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A")] = False
) -> None:
    """One line for each bot."""
    screen().print(fleet(bots("*" if all_namespaces else namespace, None)))


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Asked:
    bot: Name = None
    namespace: Namespace = None
    output: Annotated[Form, typer.Option("--output", "-o", help="json: what the bot itself says")] = Form.TABLE


@dataclass(frozen=True, slots=True)
class Watching:
    watch: Annotated[bool, typer.Option("--watch", "-w", help="keep the table fresh until Ctrl-C")] = False
    until_traded: Annotated[bool, typer.Option("--until-traded", help="watch until an order of each bot filled")] = (
        False
    )
    timeout: Annotated[int, typer.Option(min=1, help="seconds to watch; exit 3 when they are over")] = 600


@program.command()
@spread
def status(asked: Asked, watching: Watching) -> None:
    """State, revision, position, equity and last orders."""
    if asked.output is Form.JSON:
        told = [said(each) for each in resources(asked.namespace, asked.bot)]
        typer.echo(json.dumps(told[0] if asked.bot else told, indent=2))
        return
    if not (watching.watch or watching.until_traded):
        screen().print(page(bots(asked.namespace, asked.bot)))
        return
    enough = traded if watching.until_traded else never
    if not follow(lambda: bots(asked.namespace, asked.bot), enough, watching.timeout):
        raise typer.Exit(3 if watching.until_traded else 0)


def said(resource: Mapping[str, Any]) -> dict[str, Any]:
    """What a bot says of itself; an API server hands on no answer of 503, which is what an unhealthy one gives."""
    metadata = resource["metadata"]
    told = live(metadata)
    silent = {"status": "unhealthy"} if told else None
    return {"name": metadata["name"], "namespace": metadata["namespace"], "health": health(metadata) or silent} | {
        "status": told
    }


def never(_: Sequence[BotView]) -> bool:
    return False


def traded(views: Sequence[BotView]) -> bool:
    return bool(views) and all(view.has_traded for view in views)


def follow(observe: Callable[[], Sequence[BotView]], enough: Callable[[Sequence[BotView]], bool], timeout: int) -> bool:
    """Show the page anew each second; True when *enough* said so, False when *timeout* seconds were over."""
    end = time.monotonic() + timeout
    views = observe()
    console = screen()
    with Live(page(views), console=console, auto_refresh=False) as live:
        while not enough(views):
            if time.monotonic() > end:
                return False
            time.sleep(1)
            views = observe()
            live.update(page(views), refresh=True)
    if not console.is_terminal:
        console.print()  # away from a terminal the last table has no line end of its own
    return True


def screen() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def main() -> None:
    """Run the program; what the cluster refuses is one sentence and exit code 1."""
    try:
        program(prog_name="kubectl tradingbot")
    except ClusterSaysNo as error:
        typer.echo(f"kubectl tradingbot: {error}", err=True)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
