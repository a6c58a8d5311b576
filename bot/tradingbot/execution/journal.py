"""Exits sent without the ledger, on the state volume: synced before they are sent, replayed when the ledger is back."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradingbot.domain.clientid import ClientId
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import Order, OrderType, Purpose, Side, VenueWrite

# The ledger numbers its own writes below, and those whose number is taken from three quarters on.
FIRST, QUARTER = 36**7 // 2, 36**7 // 8


class ExitJournal:
    """One file of lines, only ever longer, so that no number is used twice. Without a *path* it lasts as we do."""

    def __init__(self, path: Path | None = None, colour: str = "blue") -> None:
        self._path = path
        # Each colour has a volume of its own, so each numbers its own range.
        self._first = FIRST if colour == "blue" else FIRST + QUARTER
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._lines: list[dict[str, Any]] = [read for line in lines if (read := _read(line)) is not None]

    def entries(self) -> tuple[VenueWrite, ...]:
        """What the ledger has not been told, oldest first."""
        told = {line["told"] for line in self._lines if "told" in line}
        return tuple(_write(line) for line in self._lines if "told" not in line and line["client_id"] not in told)

    def numbered(self, lease: Lease, request: Order, times: tuple[datetime, datetime]) -> VenueWrite:
        """The write that *request* becomes; it is on the disk when this returns. OSError: it must not be sent."""
        used = [line["sequence"] for line in self._lines if "sequence" in line]
        sequence = max(used, default=self._first - 1) + 1
        name = str(ClientId(lease.ledger_id, lease.epoch, sequence))
        made = VenueWrite(name, lease.epoch, sequence, request, *times)
        self._append(json.loads(json.dumps(asdict(made), default=str)))
        return made

    def told(self, client_id: str) -> None:
        """The ledger has it."""
        self._append({"told": client_id})

    def _append(self, line: dict[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a") as file:
                # The line before may be torn: it must not take this one with it.
                file.write(f"\n{json.dumps(line)}\n")
                file.flush()
                os.fsync(file.fileno())
        self._lines.append(line)


def _read(line: str) -> dict[str, Any] | None:
    """A line that was torn by a crash is None: its write was not sent, for the sync came before."""
    try:
        read: dict[str, Any] | None = json.loads(line)
    except ValueError:
        read = None
    return read


def _write(line: Mapping[str, Any]) -> VenueWrite:
    fields = dict(line["request"])
    words = {"side": Side(fields["side"]), "type": OrderType(fields["type"]), "purpose": Purpose(fields["purpose"])}
    amounts = {name: _amount(fields[name]) for name in ("price", "stop_price")}
    request = Order(**{**fields, **words, **amounts, "quantity": Decimal(fields["quantity"]), "seen_at": None})
    times = (datetime.fromisoformat(line["timestamp"]), datetime.fromisoformat(line["expires_at"]))
    return VenueWrite(line["client_id"], line["epoch"], line["sequence"], request, *times)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
