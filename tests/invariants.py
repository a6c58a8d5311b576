"""The invariants of the one-trader protocol, judged from the venue's own books and the ledger. Pure.

I1: accepted intents never go back in epoch. I2: nothing of an epoch is accepted after something of a later one, cancels
included. I3: one sender at a time, over [sent, answered]. I4: every venue order maps to one intent, and every intent
ends. I5: the position by the ledger is the sum of the venue's fills, exactly. I6: the gaps between two senders. I7: an
aborted swap leaves the old colour as it was. I8: a restore exceeds every epoch ever issued. I9: covering stops equal
the position to one step.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

STEP = Decimal("0.00001")
ENTRY_GRACE_MS = 1000
BASES = {"BTC", "ETH"}
WRITES = {"order", "cancel", "cancelReplace"}
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


def accepted_writes(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What somebody sent and the venue carried out, in the order in which it did."""
    return [e for e in entries if e["action"] in WRITES and e["outcome"] == "accepted" and e["request"]]


def epoch_of(client_id: str) -> int | None:
    """The epoch in one of our ids; None for a foreign one."""
    return int(client_id[7:11], 36) if len(client_id) == 18 and client_id[0] == "t" else None


def epochs_going_back(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """I1: accepted orders and replacements of an older epoch than one accepted before."""
    newest, back = 0, []
    for entry in accepted_writes(entries):
        epoch = epoch_of(entry["client_id"]) if entry["action"] != "cancel" else None
        if epoch is not None and epoch < newest:
            back.append(f"{entry['client_id']} of epoch {epoch} after epoch {newest}")
        newest = max(newest, epoch or 0)
    return back


def stale_writes(entries: Iterable[Mapping[str, Any]], senders: Mapping[int, str]) -> list[str]:
    """I2: writes, cancels too, of a sender whose epoch was over; *senders* tells whose each epoch was.

    A cancel names its target only, so it is judged by who sent it: the holder of the newest epoch seen, or of a later.
    """
    current, stale = 0, []
    for entry in accepted_writes(entries):
        epoch = epoch_of(entry["client_id"]) if entry["action"] != "cancel" else None
        theirs = [e for e, sender in senders.items() if sender == entry["sender"] and e >= current]
        if epoch is None and theirs:
            epoch = min(theirs)
        if epoch is None or epoch < current or senders.get(epoch) != entry["sender"]:
            stale.append(f"{entry['action']} {entry['client_id']} by {entry['sender']} in epoch {current}")
        current = max(current, epoch or 0)
    return stale


def two_senders(entries: Iterable[Mapping[str, Any]], life_ms: int = 2000) -> list[str]:
    """I3: requests of different senders that overlap; one never answered lasts until it expires."""
    spans = []
    for entry in entries:
        if entry["request"] and entry["sender"]:
            end = entry["answered_ms"] if entry["answered_ms"] is not None else entry["arrived_ms"] + life_ms
            spans.append((entry["arrived_ms"], end, entry["sender"]))
    spans.sort()
    overlaps, last = [], {}
    for begin, end, sender in spans:
        for other, until in last.items():
            if other != sender and until > begin:
                overlaps.append(f"{sender} at {begin} while {other} had one out until {until}")
        last[sender] = max(end, last.get(sender, end))
    return overlaps


def gaps_ms(entries: Iterable[Mapping[str, Any]]) -> list[int]:
    """From the last write accepted from a sender to the first new entry accepted from the next one."""
    gaps, last = [], None
    for entry in accepted_writes(entries):
        if last is not None and entry["sender"] != last["sender"]:
            if entry["action"] != "order" or entry["side"] != "BUY":
                continue
            gaps.append(entry["at_ms"] - last["at_ms"])
        last = entry
    return gaps


def holders(entries: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Who wrote first under each epoch, by the log alone."""
    found: dict[int, str] = {}
    for entry in accepted_writes(entries):
        epoch = epoch_of(entry["client_id"]) if entry["action"] != "cancel" else None
        if epoch is not None:
            found.setdefault(epoch, entry["sender"])
    return found


def aborted_badly(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """I7: what is wrong after an aborted swap; rows of colour, epoch, trading, halted, stalled. None: as it was."""
    if after["stalled"]:
        return None
    if after["colour"] != before["colour"]:
        return "another colour holds the epoch"
    if after["epoch"] < before["epoch"]:
        return "the epoch went back"
    if before["trading"] and not (after["trading"] or after["halted"]):
        return "nobody trades, and nobody says so"
    return None


def issued_already(epoch: int, issued: Iterable[int]) -> list[int]:
    """I8: the epochs ever issued that a restore did not exceed."""
    return sorted(each for each in issued if each >= epoch)


def unprotected_ms(entries: Sequence[Mapping[str, Any]], until_ms: int) -> int:
    """I9: the longest time, beyond a second after an entry's fill, in which stops covered less than what is held."""
    worst, since, held_now, stops = 0, None, Decimal(0), dict[str, Decimal]()
    for entry in [*entries, {"action": "end", "at_ms": until_ms}]:
        if since is not None:
            worst = max(worst, entry["at_ms"] - since)
        change = _held_change(entry)
        held_now += change
        _note_stop(stops, entry)
        short = held_now - sum(stops.values(), Decimal(0)) >= STEP
        if not short:
            since = None
        elif since is None:
            since = entry["at_ms"] + (ENTRY_GRACE_MS if change > 0 else 0)
    return max(0, worst)


def _held_change(entry: Mapping[str, Any]) -> Decimal:
    if entry["action"] != "fill":
        return Decimal(0)
    quantity = Decimal(str(entry["quantity"]))
    taken = Decimal(str(entry.get("commission") or 0)) if entry.get("commission_asset") in BASES else Decimal(0)
    return (quantity if entry["side"] == "BUY" else -quantity) - taken


def _note_stop(stops: dict[str, Decimal], entry: Mapping[str, Any]) -> None:
    """*stops* holds what each working stop would sell."""
    if not str(entry.get("type", "")).startswith("STOP") or entry["outcome"] == "refused":
        return
    name = entry["client_id"]
    if entry["action"] in ("order", "cancelReplace"):
        stops[name] = Decimal(str(entry["quantity"]))
    elif entry["action"] in ("cancel", "expire"):
        stops.pop(name, None)
    elif entry["action"] == "fill" and name in stops:
        stops[name] -= Decimal(str(entry["quantity"]))
