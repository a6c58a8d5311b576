"""``atb doctor``: the verb."""

import importlib
import json
from dataclasses import asdict
from typing import Annotated

import typer

from tradingbot.cli.exits import Exit

Verbose = Annotated[bool, typer.Option("--verbose", help="Show what is well too.")]
BeforeStart = Annotated[bool, typer.Option("--before-start", help="No trader runs here yet.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def doctor(verbose: Verbose = False, before_start: BeforeStart = False, as_json: AsJson = False) -> int:
    """Check settings, volume, venue, clock, ledger, trader and kill switch; exit 1 when one is not well."""
    # By name, because the commands that ask the trader must not pay for what they do not use.
    findings = importlib.import_module("tradingbot.cli.examine").examined(before_start)
    sick = [each for each in findings if not each.ok]
    if as_json:
        checks = {each.check: {"status": "ok" if each.ok else "fail", **asdict(each)} for each in findings}
        typer.echo(json.dumps({"ok": not sick, "checks": checks}, indent=2))
        return Exit.REFUSED if sick else Exit.OK
    # What failed stands last: of a Job only the end of its log is kept.
    for each in [*(each for each in findings if each.ok), *sick] if verbose else sick:
        cure = f"; {each.cure}" if not each.ok else ""
        typer.echo(f"{'ok' if each.ok else 'FAIL':<4}  {each.check}: {each.message}{cure}")
    typer.echo(f"{len(findings)} checks, {len(sick)} failed")
    return Exit.REFUSED if sick else Exit.OK
