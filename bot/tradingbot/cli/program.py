"""The commands of ``atb``: each one parses its flags, asks, prints, and says by its exit code how it went."""

import importlib
import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from tradingbot import __version__
from tradingbot.cli import sessions, tables, upkeep
from tradingbot.cli.audit import audit
from tradingbot.cli.breakers import breaker
from tradingbot.cli.client import Client, accepted
from tradingbot.cli.closing import Reconciling, close_position, emergency_close_all, reconcile, require_agreement
from tradingbot.cli.configuring import config
from tradingbot.cli.database import database
from tradingbot.cli.doctor import doctor
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.flags import command as flagged
from tradingbot.cli.gate import rate_gate
from tradingbot.cli.local import local_settings
from tradingbot.cli.logs import log_level, logs
from tradingbot.cli.prefilling import Spreading, prefill_cache
from tradingbot.cli.provider import ask_provider, data, exchange
from tradingbot.cli.refreshing import fetch_filters, list_universe, refresh_fees
from tradingbot.cli.safety import safety
from tradingbot.cli.signals import signals
from tradingbot.cli.state import state
from tradingbot.cli.strategies import strategies
from tradingbot.cli.top import top
from tradingbot.cli.train import train
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured, UnknownState, VenueUnavailable
from tradingbot.domain.halt import HaltKind, parse_halt
from tradingbot.halts.journal import raise_flag
from tradingbot.start.check import check

app = typer.Typer(
    name="atb",
    help="Starts a trading bot, and speaks to the one that runs in this pod.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(breaker, name="breaker")
app.add_typer(database, name="db")
app.add_typer(audit, name="audit")
app.add_typer(config, name="config")
app.add_typer(data, name="data")
app.add_typer(exchange, name="exchange")
app.add_typer(safety, name="safety")
app.add_typer(state, name="state")
app.add_typer(strategies, name="strategies")
app.command("test-provider")(ask_provider)
data.command("prefill-cache", cls=Spreading)(prefill_cache)
data.command()(fetch_filters)
data.command()(refresh_fees)
data.command("universe")(list_universe)
app.command()(doctor)
app.command()(flagged(Reconciling, reconcile))
app.command()(rate_gate)
app.command()(signals)
app.command()(train)
app.command()(logs)
app.command()(log_level)
app.command()(top)
database.command()(emergency_close_all)
database.command()(close_position)
for command in (sessions.connections, sessions.long_queries, sessions.kill_idle, sessions.slow_queries):
    database.command()(command)
database.command()(upkeep.table_sizes)
database.command()(upkeep.vacuum)
database.command()(upkeep.kill)
database.command()(upkeep.slow_log)
database.command("set")(upkeep.change_setting)


AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")]


def run(arguments: Sequence[str]) -> int:
    try:
        code = app(args=list(arguments) or ["--help"], prog_name="atb", standalone_mode=False)
    except TyperException as error:
        return _complain(error.format_message(), _usage(error), error.exit_code)
    except Failed as error:
        return _complain(str(error), "", error.code)
    except Misconfigured as error:
        return _complain(str(error), "", Exit.MISCONFIGURED)
    except UnknownState as error:
        return _complain(str(error), "", Exit.REFUSED)
    except (LedgerUnavailable, VenueUnavailable) as error:
        return _complain(str(error), "", Exit.UNREACHABLE)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    return code if isinstance(code, int) else Exit.OK


@app.command()
def live() -> int:
    """Trade with real money: mode live."""
    return _trade("live")


@app.command()
def paper() -> int:
    """Trade without real money: modes sim, dry-run and paper."""
    return _trade("paper")


@app.command("check")
def check_settings() -> int:
    """Tell whether a trader would start with these settings; exit 78 and a sentence when not. Nothing is asked."""
    return check()


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def health(as_json: AsJson = False) -> int:
    """Tell whether the trader is well; exit 1 when it is unhealthy."""
    reply = Client(local_settings()).ops("/health")
    _show(reply.body, as_json, tables.health_text(reply.body))
    return Exit.REFUSED if reply.body.get("status") == "unhealthy" else Exit.OK


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show state, money, positions, halts and the last orders."""
    body = accepted(Client(local_settings()).ops("/status"))
    _show(body, as_json, tables.status_text(body))


@app.command()
def positions(as_json: AsJson = False) -> None:
    """List what is held."""
    body = accepted(Client(local_settings()).api("/api/positions"))
    _show(body, as_json, tables.table(body, tables.POSITION_COLUMNS))


@app.command()
def orders(
    limit: Limit = 20,
    open_only: Annotated[bool, typer.Option("--open", help="Only working ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""
    which = "open" if open_only else "all"
    body = accepted(Client(local_settings()).api(f"/api/orders?limit={limit}&status={which}"))
    _show(body, as_json, tables.table(body, tables.ORDER_COLUMNS))


@app.command()
def trades(limit: Limit = 20, as_json: AsJson = False) -> None:
    """List trades at the venue, newest first."""
    body = accepted(Client(local_settings()).api(f"/api/trades?limit={limit}"))
    _show(body, as_json, tables.table(body, tables.TRADE_COLUMNS))


@app.command()
def halt(
    reason: Annotated[str, typer.Argument(help="Why; may begin with reduce:, halt: or flatten:")],
    kind: Annotated[HaltKind | None, typer.Option("--kind", help="What stays allowed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Stop trading until resume; works with the trader down, by a flag on the state volume."""
    named, text = parse_halt(reason)
    chosen = kind or named
    if not text.strip():
        raise Failed(Exit.USAGE, "REASON is empty: write why trading stops")
    settings = local_settings()
    try:
        body = accepted(Client(settings).api("/api/halt", {"reason": text, "kind": chosen.value}))
    except Failed as failure:
        flag = settings.paths.data / "state/halt"
        raise_flag(flag, f"{chosen.value}: {text}")
        body = {"id": None, "kind": chosen.value, "reason": text, "flag": str(flag), "why": str(failure)}
        _show(body, as_json, f"{failure}\nflag written to {flag}: the trader halts when it sees it\n")
        return
    _show(body, as_json, f"halted ({body['kind']}): resume with  atb resume {body['id']} REASON\n")


@app.command()
def resume(
    halt_id: Annotated[str, typer.Argument(metavar="ID", help="The halt's id, from atb status.")],
    reason: Annotated[str, typer.Argument(help="Why trading may go on.")],
    anyway: Annotated[bool, typer.Option("--anyway", help="Although ledger and account differ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Clear one halt and no other; refused while ledger and account differ, with a list."""
    if not reason.strip():
        raise Failed(Exit.USAGE, "REASON is empty: write why trading may go on")
    if not anyway:
        require_agreement()
    body = accepted(Client(local_settings()).api("/api/resume", {"id": halt_id, "reason": reason}))
    left = ", ".join(each["id"] for each in body["halts"]) or "none"
    _show(body, as_json, f"resumed {halt_id}; halts that still stand: {left}\n")


def _trade(command: str) -> int:
    # By name, because status and halt must not pay for loading the trader.
    code: int = importlib.import_module("tradingbot.main").run(command)
    return code


def _show(body: Any, as_json: bool, text: str) -> None:
    typer.echo(json.dumps(body, indent=2) + "\n" if as_json else text, nl=False)


def _usage(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.get_usage() if context else ""


def _complain(sentence: str, usage: str, code: int) -> int:
    typer.echo(
        "".join(f"atb: {line}\n" for line in sentence.splitlines()) + (f"{usage}\n" if usage else ""),
        err=True,
        nl=False,
    )
    return int(code)
