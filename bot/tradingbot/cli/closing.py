"""What a person does when ledger and account do not agree: asked of the trader in this pod, which holds the lease."""

import json
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.client import Client, Reply, accepted
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.cli.provider import parse_symbol
from tradingbot.domain.reconciliation import Action

COLUMNS = ("symbol", "ledger", "account", "done")
LATEST = "latest"
ANYWAY = "--anyway resumes all the same"
# The venue is asked, and orders may be sent and followed.
PATIENCE_SECONDS = 60.0

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")]


@dataclass(frozen=True, slots=True)
class Reconciling:
    """The flags of ``atb reconcile``."""

    close_unexpected: Annotated[bool, typer.Option("--close-unexpected", help="Sell what is not ours.")] = False
    adopt: Annotated[bool, typer.Option("--adopt", help="Take it over as a position, with its stop.")] = False
    unauthorized: Annotated[
        bool, typer.Option("--unauthorized", help="List the account's trades that no order of this ledger has made.")
    ] = False
    since: Annotated[str, typer.Option("--since", help="How far back those are looked for, 168h at most.")] = "24h"
    reason: Reason = "asked at the command line"
    as_json: AsJson = False

    @property
    def actions(self) -> tuple[Action, ...]:
        """What was asked for, all of it."""
        flags = (
            (self.close_unexpected, Action.CLOSE),
            (self.adopt, Action.ADOPT),
            (self.unauthorized, Action.UNAUTHORIZED),
        )
        return tuple(action for asked, action in flags if asked)


def reconcile(flags: Reconciling) -> int:
    """Compare ledger and account, market by market; exit 1 when they differ, or when what was asked was not done.

    With --unauthorized: exit 3 when somebody else has traded.
    """
    if len(flags.actions) > 1:
        names = " and ".join(f"--{action.value}" for action in flags.actions)
        raise Failed(Exit.USAGE, f"{names} exclude each other: write one of them")
    action = flags.actions[0] if flags.actions else Action.SHOW
    return done(action, flags.reason, flags.as_json, since=flags.since)


def done(action: Action, reason: str, as_json: bool, since: str = "24h") -> int:
    """What the trader answers is shown; raises Failed when it refuses."""
    reply = _asked(action, reason, more={"since": since})
    _show(reply, as_json)
    if reply.code == 409:
        raise Failed(Exit.REFUSED, reply.body["error"])
    found = any(each["done"] for each in reply.body["differences"])
    if action is Action.UNAUTHORIZED:
        return Exit.FOUND if found else Exit.OK
    return Exit.REFUSED if action is Action.SHOW and found else Exit.OK


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


def close_position(
    symbol: Annotated[str, typer.Option("--symbol", help="Market, as BTC/USDT or BTCUSDT.")],
    exit_price: Annotated[str, typer.Option("--exit-price", help="What it was sold at.")],
    exit_reason: Annotated[str, typer.Option("--exit-reason", help="Why; reports show it of the trade.")],
    force: Annotated[bool, typer.Option("--force", help="Although the venue still shows it.")] = False,
    as_json: AsJson = False,
) -> int:
    """Mark one position closed that was closed by hand; exit 2 where the venue still shows it."""
    sold = {"symbol": parse_symbol(symbol), "price": exit_price}
    reply = _asked(Action.MARK_CLOSED, exit_reason, force, sold)
    _show(reply, as_json)
    if reply.code == 409:
        raise Failed(Exit.USAGE if reply.body["differences"] else Exit.REFUSED, reply.body["error"])
    if not as_json and not reply.body["differences"]:
        typer.echo(f"no position of {sold['symbol']} is open in the ledger")
    return Exit.OK


def require_agreement() -> None:
    """Ledger and account say the same of positions, money and orders; raises Failed with a list of what differs."""
    reply = _asked(Action.SHOW, "before a resume")
    if reply.code == 409:
        raise Failed(Exit.REFUSED, f"ledger and account cannot be compared ({reply.body['error']}); {ANYWAY}")
    orders, money = reply.body.get("orders", {}), reply.body.get("account", {})
    wrong = [f"{each['symbol']} {each['done']}" for each in reply.body["differences"] if each["done"]]
    wrong += [f"order {name} is unknown here" for name in orders.get("unknown", ())]
    wrong += [f"order {name} is missing there" for name in orders.get("missing", ())]
    if not money.get("match", True):
        wrong.append(f"of {money['ledger']} {money['currency']} there are {money['account']}")
    if wrong:
        mend = "atb reconcile --adopt or --close-unexpected mends what is too much"
        raise Failed(Exit.REFUSED, f"ledger and account differ ({'; '.join(wrong)}); {mend}; {ANYWAY}")


def _asked(action: Action, reason: str, force: bool = False, more: Mapping[str, str] | None = None) -> Reply:
    """The trader's answer; raises Failed for any that is neither done nor refused."""
    sent = {"action": action.value, "reason": reason, "force": "true" if force else "false", **(more or {})}
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
