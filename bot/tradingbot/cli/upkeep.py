"""``atb db``: what a person changes on the database server; each change is told in the audit log."""

import importlib
import signal
import threading
from datetime import timedelta
from typing import Annotated, Any

import typer

from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.sessions import AsJson, duration, server_url, show_rows
from tradingbot.domain.errors import LedgerUnavailable

SLOW = "log_min_duration_statement"
LONGEST = timedelta(days=1)


def table_sizes(as_json: AsJson = False) -> None:
    """List every table with its bytes, indexes included; largest first."""
    show_rows(_upkeep().table_sizes(server_url()), ("schema", "name", "bytes", "rows"), as_json)


def vacuum() -> None:
    """Clear what is dead out of every table and make its statistics new; the trader goes on meanwhile."""
    names = _upkeep().vacuum(server_url())
    typer.echo(f"{len(names)} tables vacuumed and analyzed")


def kill(pid: Annotated[int, typer.Option("--pid", min=1, help="As atb db long-queries lists it.")]) -> None:
    """End one session of the server, with whatever it is doing."""
    found = _upkeep().end_session(server_url(), pid)
    if found is None:
        raise Failed(Exit.REFUSED, f"the server has no other session {pid}: atb db long-queries lists what runs")
    if not found["ended"]:
        raise Failed(Exit.REFUSED, f"session {pid} of {found['role']} was told to end and has not ended yet")
    typer.echo(f"session {pid} of {found['role']} has ended: {found['query']}")


def change_setting(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As max_connections.")],
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="Left out, it is shown.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Back to what the server's own file says.")] = False,
) -> None:
    """Show or change a setting of the server (ALTER SYSTEM), and say whether it waits for a restart."""
    if reset and value is not None:
        raise Failed(Exit.USAGE, "VALUE and --reset exclude each other: write one of them")
    before = _upkeep().setting(server_url(), name)
    if value is None and not reset:
        typer.echo(before["value"])
        return
    _upkeep().change(server_url(), name, value)
    when = "with the server's next restart" if before["restart"] else "now"
    typer.echo(f"{name} is {'what the file says' if reset else value} {when}; it was {before['value']}")


def slow_log(
    least: Annotated[str | None, typer.Option("--on", help="Log what takes as long as this, as 1000ms.")] = None,
    lasts: Annotated[str, typer.Option("--for", help="Then it is off again; the command stays until then.")] = "15m",
    off: Annotated[bool, typer.Option("--off", help="Switch it off now.")] = False,
) -> None:
    """Have the server log slow statements for a while: off again when the time has passed, or when this is ended."""
    if off and least is not None:
        raise Failed(Exit.USAGE, "--on and --off exclude each other: write one of them")
    if least is not None:
        wanted = duration("--on", least), duration("--for", lasts)
        if wanted[1] > LONGEST:
            raise Failed(Exit.USAGE, f'--for "{lasts}" is longer than a day: atb db set {SLOW} is for good')
        _log_slow(*wanted)
    elif off:
        _upkeep().change(server_url(), SLOW, None)
    typer.echo(f"{SLOW} is {_upkeep().setting(server_url(), SLOW)['value']}")


def _log_slow(least: timedelta, lasts: timedelta) -> None:
    # A terminal that is closed must not leave it on; the other signals end by an exception already.
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    url, upkeep = server_url(), _upkeep()
    value = f"{least // timedelta(milliseconds=1)}ms"
    try:
        upkeep.change(url, SLOW, value)
        typer.echo(f"{SLOW} is {value} for {lasts}")
        threading.Event().wait(lasts.total_seconds())
    finally:
        try:
            upkeep.change(url, SLOW, None)
        except LedgerUnavailable as away:
            cure = "atb db slow-log --off ends it"
            raise Failed(Exit.UNREACHABLE, f"{SLOW} may still be on, {cure}: {away}") from away


def _upkeep() -> Any:
    # By name, because the commands that ask the trader must not pay for loading SQL.
    return importlib.import_module("tradingbot.ledger.upkeep")
