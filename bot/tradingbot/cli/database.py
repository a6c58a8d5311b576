"""``atb db``: the ledger, from beside the trader."""

import importlib
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.exits import Exit
from tradingbot.cli.local import local_settings
from tradingbot.start.credentials import ledger_url

database = typer.Typer(help="The ledger: verify, query, migrate.", rich_markup_mode=None)

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
    named = [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]
    typer.echo(json.dumps(named, indent=2) + "\n" if as_json else tables.table(named, columns), nl=False)


@database.command()
def migrate() -> None:
    """Bring the ledger to the newest schema; safe to run twice."""
    _ledger("migrate").migrate(_url())
    typer.echo("the ledger has the newest schema")


def _url() -> str:
    return ledger_url(local_settings())


def _ledger(name: str) -> Any:
    # By name, because the commands that ask the trader must not pay for loading SQL.
    return importlib.import_module(f"tradingbot.ledger.{name}")


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
