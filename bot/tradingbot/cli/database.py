"""``atb db``: the ledger, from beside the trader."""

import contextlib
import importlib
import json
import re
import secrets as randomness
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.client import Client
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.settings import Settings
from tradingbot.start.bound import bound_to
from tradingbot.start.credentials import ledger_url
from tradingbot.start.ending import LAST_WORD, leave_word

database = typer.Typer(help="The ledger: verify, query, migrate.", rich_markup_mode=None)

LEDGER_ID = re.compile("[0-9a-z]{6}")
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@database.command()
def verify(as_json: AsJson = False) -> int:
    """Check that the ledger is whole; exit 1 when it is not."""
    rows = [asdict(finding) for finding in _ledger("audit").verify(_url())]
    sound = all(row["ok"] for row in rows)
    answer = json.dumps({"ok": sound, "checks": rows}, indent=2) + "\n"
    typer.echo(answer if as_json else tables.table(rows, ("check", "ok", "message")), nl=False)
    return Exit.OK if sound else Exit.REFUSED


@database.command()
def query(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One statement; it cannot change anything.")],
    scalar: Annotated[bool, typer.Option("--scalar", help="Print the first value only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run one reading statement."""
    answer = _ledger("query").query(_url(), statement)
    columns, rows = answer.columns, answer.rows
    if scalar:
        typer.echo(tables.cell(rows[0][0] if rows else None))
        return
    named = [dict(zip(columns, map(plain, row), strict=True)) for row in rows]
    typer.echo(json.dumps(named, indent=2) + "\n" if as_json else tables.table(named, columns), nl=False)


@database.command()
def init(
    only_check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when it is not.")] = False,
) -> int:
    """Make the ledger's schema where there is none, and say so; a trader does it by itself at its first start."""
    if not only_check:
        return _told(lambda settings: _migrate(settings, None, None, None), "DB initialized")
    checks = {finding.check: finding for finding in _ledger("audit").verify(_url())}
    for name in ("schema", "tables"):
        if not checks[name].ok:
            raise Failed(Exit.REFUSED, f"DB is not initialized: {name} {checks[name].message}")
    typer.echo("DB initialized")
    return Exit.OK


LedgerId = Annotated[str | None, typer.Option("--ledger-id", help="Six base36 characters; needs --fencer.")]
Fencer = Annotated[str | None, typer.Option("--fencer", help="The operator's role.")]
Active = Annotated[str | None, typer.Option("--active", help="Schema the trader at work was written for.")]


To = Annotated[str | None, typer.Option("--to", help="Back to this schema, as 0004; exit 4 when that cannot be.")]


@database.command()
def migrate(ledger_id: LedgerId = None, fencer: Fencer = None, active: Active = None, to: To = None) -> int:
    """Bring the ledger to the newest schema; safe to run twice. With an owner's login: owner, rights and fence too."""
    if to is not None:
        return _lowered(to, active)
    if (ledger_id is None) != (fencer is None):
        raise Failed(Exit.USAGE, "--ledger-id and --fencer go together: write both or neither")
    return _told(lambda settings: _migrate(settings, ledger_id, fencer, active), "the ledger has the newest schema")


@database.command()
def compat(active: Active = None) -> int:
    """Tell whether that code could write the ledger after a migration to this version's schema; changes nothing."""
    done = "a migration to this version's schema shuts nobody out"
    return _told(lambda settings: _ledger("migrate").check(owner_url(settings), active), done)


@database.command()
def adopt(
    ledger_id: Annotated[str, typer.Option("--ledger-id", help="The ledger in the database.")],
    above: Annotated[int, typer.Option("--above", min=0, help="The highest epoch known, for a copy elsewhere.")] = 0,
) -> int:
    """Make the ledger that of the bot in these settings; it, or its server, has moved, and nobody may trade on it."""

    def work(settings: Settings) -> None:
        owner = _ledger("identity").Owner(settings.bot.cluster, settings.bot.namespace, settings.bot.name)
        _ledger("adopt").adopt(owner_url(settings), ledger_id, owner, above)

    return _told(work, f"ledger {ledger_id} belongs to this bot")


def _lowered(to: str, active: str | None) -> int:
    """As *migrate*, the other way; the trader of this pod is asked for which schema it was written."""
    settings = local_settings()
    with contextlib.suppress(Failed):  # where no trader runs in this pod
        active = active or Client(settings).ops("/status").body["schema"]["code"]
    why = _ledger("lower").lower(owner_url(settings), to, active)
    if why:
        raise Failed(Exit.IRREVERSIBLE, why)
    typer.echo(f"the ledger has schema {to}")
    return Exit.OK


def _migrate(settings: Settings, ledger_id: str | None, fencer: str | None, active: str | None) -> None:
    if ledger_id is None or fencer is None:
        _ledger("migrate").migrate(owner_url(settings), active)
        return
    if not LEDGER_ID.fullmatch(ledger_id):
        raise Failed(Exit.USAGE, f'--ledger-id "{ledger_id}" is not six characters of 0-9 and a-z')
    if settings.database.mode == "embedded":
        raise Misconfigured('--ledger-id needs database.mode "postgres": the bot makes an embedded ledger itself')
    prepare, identity = _ledger("prepare"), _ledger("identity")
    owner = identity.Owner(settings.bot.cluster, settings.bot.namespace, settings.bot.name)
    book = identity.Book(*bound_to(settings), "")
    prepare.prepare(owner_url(settings), prepare.Wanted(ledger_id, fencer, owner, book, active), randomness.randbelow)


def _told(work: Callable[[Settings], None], done: str) -> int:
    """What a Job needs: 0, 75 to be tried again, or 78 with one sentence where Kubernetes looks for it."""
    try:
        work(local_settings())
    except LedgerUnavailable as away:
        raise Failed(Exit.AGAIN, str(away)) from away
    except Misconfigured as refusal:
        leave_word(str(refusal), LAST_WORD)
        raise
    typer.echo(done)
    return Exit.OK


def owner_url(settings: Settings) -> str:
    """The owner's login where one is mounted, else the bot's own."""
    try:
        return (settings.paths.secrets / "owner/url").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ledger_url(settings)


def _url() -> str:
    return ledger_url(local_settings())


def _ledger(name: str) -> Any:
    # By name, because the commands that ask the trader must not pay for loading SQL.
    return importlib.import_module(f"tradingbot.ledger.{name}")


def plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
