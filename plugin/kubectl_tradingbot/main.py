"""The program behind ``kubectl tradingbot`` and ``kubectl atb``."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from kubectl_tradingbot import __version__
from kubectl_tradingbot.breakers import breaker
from kubectl_tradingbot.configuring import config
from kubectl_tradingbot.credentials import keys
from kubectl_tradingbot.domain.view import BotView
from kubectl_tradingbot.incident import doctor, emergency_stop, halt, resume, show_history
from kubectl_tradingbot.observe import ClusterSaysNo, bots
from kubectl_tradingbot.reconciling import reconcile
from kubectl_tradingbot.suspending import start_bot, stop_bot
from kubectl_tradingbot.table import fleet, page
from kubectl_tradingbot.training import train

program = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)
program.add_typer(keys, name="keys")
program.add_typer(breaker, name="breaker")
program.add_typer(config, name="config")
program.command()(halt)
program.command()(resume)
program.command()(doctor)
program.command("emergency-stop")(emergency_stop)
program.command()(reconcile)
program.command("stop")(stop_bot)
program.command("start")(start_bot)
program.command()(train)
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


@program.command()
def status(
    bot: Name = None,
    namespace: Namespace = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="keep the table fresh until Ctrl-C")] = False,
    until_traded: Annotated[
        bool, typer.Option("--until-traded", help="watch until an order of each bot filled")
    ] = False,
    timeout: Annotated[int, typer.Option(min=1, help="seconds to watch; exit 3 when they are over")] = 600,
) -> None:
    """State, revision, position, equity and last orders."""
    if not (watch or until_traded):
        screen().print(page(bots(namespace, bot)))
        return
    enough = traded if until_traded else never
    if not follow(lambda: bots(namespace, bot), enough, timeout):
        raise typer.Exit(3 if until_traded else 0)


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
