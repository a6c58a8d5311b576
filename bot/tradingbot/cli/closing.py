"""What a person does when ledger and account do not agree: asked of the trader in this pod, which holds the lease."""

import json
import secrets as randomness
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.client import Client, Reply, accepted
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.domain.reconciliation import Action

COLUMNS = ("symbol", "ledger", "account", "done")
LATEST = "latest"
# The venue is asked, and orders may be sent and followed.
PATIENCE_SECONDS = 60.0

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")]


def reconcile(
    close_unexpected: Annotated[bool, typer.Option("--close-unexpected", help="Sell what is not ours.")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take it over as a position, with its stop.")] = False,
    reason: Reason = "asked at the command line",
    as_json: AsJson = False,
) -> int:
    """Compare ledger and account, market by market; exit 1 when they differ, or when what was asked was not done."""
    if close_unexpected and adopt:
        raise Failed(Exit.USAGE, "--close-unexpected and --adopt exclude each other: write one of them")
    action = Action.CLOSE if close_unexpected else Action.ADOPT if adopt else Action.SHOW
    reply = _asked(action, reason)
    _show(reply, as_json)
    if reply.code == 409:
        raise Failed(Exit.REFUSED, reply.body["error"])
    differs = action is Action.SHOW and any(each["done"] for each in reply.body["differences"])
    return Exit.REFUSED if differs else Exit.OK


def emergency_close_all(
    session_id: Annotated[str, typer.Option("--session-id", help="latest, or the epoch that trades now.")],
    force: Annotated[bool, typer.Option("--force", help="Also what the venue still shows.")] = False,
    reason: Reason = "closed outside of the bot",
    as_json: AsJson = False,
) -> int:
    """Mark every position closed at the last price; exit 2 with a list where the venue still shows one."""
    epoch = Client(local_settings()).ops("/status").body.get("epoch")
    if session_id not in (LATEST, str(epoch)):
        raise Failed(Exit.USAGE, f'--session-id "{session_id}" is not the one that trades: write {LATEST} or {epoch}')
    reply = _asked(Action.MARK_CLOSED, reason, force)
    _show(reply, as_json)
    if reply.code == 409:
        # Refused for positions that are still there, which are listed; else nothing was looked at yet.
        raise Failed(Exit.USAGE if reply.body["differences"] else Exit.REFUSED, reply.body["error"])
    if not as_json and not reply.body["differences"]:
        typer.echo("no position is open in the ledger")
    return Exit.OK


def _asked(action: Action, reason: str, force: bool = False) -> Reply:
    """The trader's answer; raises Failed for any that is neither done nor refused."""
    sent = {"action": action.value, "reason": reason, "force": "true" if force else "false"}
    # Each call is a wish of its own: what an earlier one left undone is a position of the ledger by now.
    sent["name"] = randomness.token_hex(4)
    reply = Client(local_settings(), PATIENCE_SECONDS).api("/api/reconcile", sent)
    if reply.code != 409:
        accepted(reply)
    return reply


def _show(reply: Reply, as_json: bool) -> None:
    rows: list[dict[str, Any]] = reply.body["differences"]
    if rows or as_json:
        typer.echo(json.dumps(reply.body, indent=2) + "\n" if as_json else tables.table(rows, COLUMNS), nl=False)
