"""``atb audit``: whether the audit log is as it was written."""

import importlib
import json
from typing import Annotated

import typer

from tradingbot.cli.exits import Exit
from tradingbot.cli.local import local_settings
from tradingbot.start.credentials import ledger_url

audit = typer.Typer(help="The audit log.", rich_markup_mode=None)


@audit.callback()
def log() -> None:
    """The audit log: what was halted, resumed and ordered, by whom."""


@audit.command()
def verify(as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False) -> int:
    """Tell whether the log is whole and where it ends; exit 1 and name the first broken entry when it is not."""
    # By name, because the commands that ask the trader must not pay for loading SQL.
    head, wrong = importlib.import_module("tradingbot.ledger.trail").verify(ledger_url(local_settings()))
    answer = {"ok": wrong is None, "entries": head.number, "hash": head.hash, "broken": wrong and wrong.number}
    sentence = wrong.message if wrong else f"audit log is whole: {head.number} entries, the last one {head.hash}"
    typer.echo(json.dumps({**answer, "message": sentence}) if as_json else sentence)
    return Exit.REFUSED if wrong else Exit.OK
