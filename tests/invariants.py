"""The invariants of the one-trader protocol, judged from the venue's own books and the ledger. Pure.

I4: every venue order maps to one intent, and every intent ends. I5: the position by the ledger is the sum of the
venue's fills, exactly. I9: covering stops equal the position to one step.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

ENDED = {"filled", "cancelled", "expired", "refused", "absent"}


def orders_without_intent(venue_orders: Iterable[str], intents: Iterable[str]) -> list[str]:
    """I4: the client ids the venue knows and the ledger does not."""
    return sorted(set(venue_orders) - set(intents))


def unended_intents(statuses: Mapping[str, str], open_at_venue: Iterable[str]) -> list[str]:
    """I4: the intents whose fate nobody knows: not ended, and not open at the venue either."""
    still_open = set(open_at_venue)
    return sorted(
        client_id for client_id, status in statuses.items() if status not in ENDED and client_id not in still_open
    )


def held(trades: Iterable[Mapping[str, Any]], base: str) -> Decimal:
    """I5: what the venue's trades leave in *base*, net of commission taken in it."""
    total = Decimal(0)
    for trade in trades:
        quantity = Decimal(str(trade["qty"]))
        total += quantity if trade["isBuyer"] else -quantity
        if trade["commissionAsset"] == base:
            total -= Decimal(str(trade["commission"]))
    return total


def sent_twice(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The client ids of more than one accepted order: an intent is sent at most once."""
    seen: dict[str, int] = {}
    for entry in entries:
        if entry["action"] == "order" and entry["outcome"] == "accepted":
            seen[entry["client_id"]] = seen.get(entry["client_id"], 0) + 1
    return sorted(client_id for client_id, count in seen.items() if count > 1)


def uncovered(position: Decimal, stops: Iterable[Decimal], step: Decimal) -> Decimal:
    """I9: how much of the position no stop covers (negative: stops sell more than there is); 0 within one step."""
    gap = position - sum(stops, Decimal(0))
    return gap if abs(gap) >= step else Decimal(0)
