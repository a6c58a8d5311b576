"""Who traded when, by the venue's order log alone. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class Spell(NamedTuple):
    """From the first to the last accepted order of one sender."""

    sender: str
    first_ms: int
    last_ms: int


def spells(entries: Iterable[Mapping[str, Any]]) -> list[Spell]:
    """One for each sender, in the order in which they began."""
    found: dict[str, Spell] = {}
    for entry in entries:
        if entry["action"] != "order" or entry["outcome"] != "accepted":
            continue
        name, at = entry["sender"], entry["arrived_ms"]
        known = found.get(name, Spell(name, at, at))
        found[name] = Spell(name, known.first_ms, max(known.last_ms, at))
    return sorted(found.values(), key=lambda spell: spell.first_ms)


def gaps_ms(entries: Iterable[Mapping[str, Any]]) -> list[int]:
    """Between the last order of each sender and the first of the next; below zero both traded for so long."""
    return [after.first_ms - before.last_ms for before, after in pairwise(spells(entries))]


def traders_at_once(entries: Iterable[Mapping[str, Any]]) -> int:
    """The largest number of senders whose spells cover one instant."""
    known: Sequence[Spell] = spells(entries)
    return max((sum(other.first_ms <= one.first_ms <= other.last_ms for other in known) for one in known), default=0)
