"""What is wrong with a bot by the venue's order log, its books and the ledger. Pure: each fault is a sentence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import invariants

Json = Mapping[str, Any]
# What was sent so shortly before is on its way, and no fault yet.
ON_ITS_WAY = timedelta(seconds=5)
# Of many alike the first tell enough.
FEW = 3
TAKES = ("claim", "named", "grant")


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger says: the lease row, whose each epoch was, every intent with its fate, and the fills' sum."""

    epoch: int
    released: bool
    history: tuple[tuple[int, str, str | None], ...]
    statuses: Mapping[str, tuple[str, datetime]]
    position: Decimal

    @property
    def senders(self) -> dict[int, str]:
        """The pod of each epoch."""
        return {epoch: who.partition("/")[0] for epoch, event, who in self.history if event in TAKES and who}


def named_by_pod(entries: Iterable[Json]) -> list[dict[str, Any]]:
    """The log with pods as senders; a request that took effect can arrive no more, whether its answer came or not."""
    told = []
    for entry in entries:
        ended = entry["answered_ms"] if entry["answered_ms"] is not None else entry["at_ms"]
        told.append({**entry, "sender": (entry["sender"] or "").partition("pod/")[2], "answered_ms": ended})
    return told


def log_faults(entries: Sequence[Json], senders: Mapping[int, str]) -> list[str]:
    """I1, I2, I3, and what was sent twice; *senders* are those the ledger names."""
    log = named_by_pod(entries)
    found = [
        *(f"I1: {each}" for each in invariants.epochs_going_back(log)),
        *(f"I2: {each}" for each in invariants.stale_writes(log, senders)),
        *(f"I3: {each}" for each in invariants.two_senders(log)),
        *(f"sent twice: {each}" for each in invariants.sent_twice(log)),
    ]
    return list(dict.fromkeys(found))


def book_faults(ledger: Ledger, account: Json, shown: Decimal, now: datetime) -> list[str]:
    """I4, I5 and I9 of a moment; *shown* is the position by the bot."""
    held, open_orders = invariants.held(account["trades"], "BTC"), account["open_orders"]
    old = {name: status for name, (status, at) in ledger.statuses.items() if now - at > ON_ITS_WAY}
    stops = [Decimal(str(each["origQty"])) for each in open_orders if each["type"].startswith("STOP")]
    strangers = invariants.orders_without_intent([each["clientOrderId"] for each in account["orders"]], ledger.statuses)
    unended = invariants.unended_intents(old, [each["clientOrderId"] for each in open_orders])
    found = [f"I4: the venue has {each}, the ledger has not" for each in strangers[:FEW]]
    found += [f"I4: nobody knows what became of {each}, {old[each]}" for each in unended[:FEW]]
    if not ledger.position == held == shown:
        found.append(f"I5: the ledger holds {ledger.position}, the venue {held}, the bot {shown}")
    if gap := invariants.uncovered(held, stops, invariants.STEP):
        found.append(f"I9: {gap} of {held} is not covered by {stops}")
    return found


def unprotected(entries: Sequence[Json]) -> int:
    """I9: the longest time in milliseconds in which stops covered less than what was held."""
    return invariants.unprotected_ms(named_by_pod(entries), entries[-1]["at_ms"]) if entries else 0


def settled_epoch(entries: Iterable[Json], least: int = 5) -> tuple[int, str] | None:
    """Epoch and pod of the last *least* orders accepted; None where they differ, or are too few."""
    log = [each for each in named_by_pod(entries) if each["action"] == "order" and each["outcome"] == "accepted"]
    last = {(invariants.epoch_of(each["client_id"]), each["sender"]) for each in log[-least:]}
    if len(log) < least or len(last) != 1:
        return None
    epoch, sender = last.pop()
    return None if epoch is None else (epoch, sender)
