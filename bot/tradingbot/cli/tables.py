"""Answers as text for a terminal, pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Quotients have 28 digits; a person reads eight after the point, --json keeps them all.
SHOWN_DIGITS = 8
LONG = re.compile(rf"-?[0-9]+\.[0-9]{{{SHOWN_DIGITS + 1},}}")


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """*rows* in aligned columns under their names; ``none`` when there are none."""
    if not rows:
        return "none\n"
    cells = [[column.upper().replace("_", " ") for column in columns]]
    cells += [[cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells)
    return "".join(f"{line}\n" for line in lines)


def pairs(values: Mapping[str, Any]) -> str:
    """One line for each of *values*, names aligned."""
    width = max(map(len, values), default=0)
    return "".join(f"{name.ljust(width)}  {cell(value)}\n" for name, value in values.items())


def cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and LONG.fullmatch(value):
        return value[: value.index(".") + 1 + SHOWN_DIGITS]
    # Controls could repaint a terminal; a venue's message may hold any.
    return "".join(char if char.isprintable() else " " for char in str(value))


def status_text(status: Mapping[str, Any]) -> str:
    """The answer of ``/status`` on one screen."""
    last = status["last_decision"]
    head = {
        "bot": f"{status['namespace']}/{status['bot']} ({status['mode']})",
        "state": status["state"],
        "trading": status["trading_active"],
        "colour, revision": f"{status['colour']} {status['revision']}",
        "epoch": f"{status['epoch']} of {status['highest_epoch']}, ledger {status['ledger_id'] or '-'}",
        "equity": f"{status['equity']} {status['currency']}, cash {status['cash']}",
        "open orders": status["open_orders"],
        "last decision": last and f"{last['action']} {last['symbol']} on {last['bar']} {last['reason']}",
        "blocks": ", ".join(status["blocks"]) or None,
        "started": status["started_at"],
    }
    return (
        pairs(head)
        + ("\nhalts\n" + table(status["halts"], HALT_COLUMNS) if status["halts"] else "")
        + ("\npositions\n" + table(status["positions"], POSITION_COLUMNS))
        + ("\nlast orders\n" + table(status["last_orders"], ORDER_COLUMNS))
    )


def health_text(report: Mapping[str, Any]) -> str:
    """The answer of ``/health``, a line for each figure."""
    shown = {name: value for name, value in report.items() if name != "checks"}
    return pairs({**shown, "blocks": ", ".join(report["blocks"]) or None})


HALT_COLUMNS = ("id", "kind", "source", "since", "reason")
POSITION_COLUMNS = ("symbol", "quantity", "average_price", "mark", "unrealised", "stop_price", "covered")
ORDER_COLUMNS = ("at", "client_id", "symbol", "side", "type", "quantity", "filled", "price", "status", "message")
TRADE_COLUMNS = ("at", "symbol", "side", "quantity", "price", "commission", "commission_asset", "client_id", "trade_id")
