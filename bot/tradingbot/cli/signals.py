"""``atb signals``: what the strategies wanted, what they rested it on, and what risk made of it."""

import hashlib
import importlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.local import local_settings
from tradingbot.start.credentials import ledger_url

# Whoever waits decides nothing that anybody has to explain: a bar that was held on is no signal.
SIGNALS = """
SELECT bar, strategy, symbol, action, price, stop_price, seen_at, reason, refusal, client_id
  FROM decisions WHERE action <> 'hold' ORDER BY bar DESC, symbol LIMIT {last}
"""
INPUTS = ("strategy", "symbol", "action", "price", "stop_price", "seen_at", "reason")
COLUMNS = ("bar", "strategy", "symbol", "action", "inputs", "price", "stop_price", "reason", "refusal", "client_id")


def signals(
    last: Annotated[int, typer.Option("--last", min=1, max=10000, help="How many, newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """List what was wished, newest first; the same inputs again and again are a strategy that goes in circles."""
    # By name, because the commands that ask the trader must not pay for loading SQL.
    answer = importlib.import_module("tradingbot.ledger.query").query(ledger_url(local_settings()), asked(last))
    rows = [shown(dict(zip(answer.columns, row, strict=True))) for row in answer.rows]
    typer.echo(json.dumps(rows, indent=2) + "\n" if as_json else tables.table(rows, COLUMNS), nl=False)


def asked(last: int) -> str:
    return SIGNALS.format(last=last)


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """*row* with a short name for all that its decision rested on."""
    told = {name: None if value is None else str(value) for name, value in row.items()}
    inputs = json.dumps([told[name] for name in INPUTS])
    return {**told, "inputs": hashlib.sha256(inputs.encode()).hexdigest()[:12]}
