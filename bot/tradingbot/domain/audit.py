"""The audit log: each entry's hash covers the one before it, so nothing told can be changed, taken out or moved."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tradingbot.domain.words import storable

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person may have to answer for: what, by whom, to what; *details* is the text of a JSON object."""

    type: str
    actor: str
    subject: str
    details: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry's number and hash, kept beside the log: without it nobody would miss the last entries."""

    number: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Entry:
    number: int
    at: datetime
    event: Event
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        return Head(self.number, self.hash)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry of which the log does not say what was written, and how that shows."""

    number: int
    message: str


def event(what: str, actor: str, subject: str, /, **details: object) -> Event:
    return Event(what, actor, subject, json.dumps(details, sort_keys=True))


def following(head: Head, told: Event, at: datetime) -> Entry:
    """The entry that tells *told* right after *head*."""
    number = head.number + 1
    told = Event(*map(storable, (told.type, told.actor, told.subject, told.details)))
    return Entry(number, at, told, head.hash, digest(number, at, told, head.hash))


def digest(number: int, at: datetime, told: Event, previous: str) -> str:
    """The hash of an entry, over its fields in this order and the hash before it."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [number, moment, told.type, told.actor, told.subject, told.details, previous]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def broken(entries: Iterable[Entry], head: Head) -> Broken | None:
    """The first of *entries*, oldest first, that breaks the chain which ends at *head*; None when it is whole."""
    before = Head()
    for each in entries:
        number = before.number + 1
        if each.number != number:
            return Broken(number, f"entry {number} is missing: after {before.number} comes {each.number}")
        if each.previous != before.hash:
            return Broken(number, f"entry {number} does not follow the entry before it: one of the two was changed")
        if each.hash != digest(number, each.at, each.event, each.previous):
            return Broken(number, f"entry {number} is not what was written: its hash does not fit its content")
        before = each.head
    if before == head:
        return None
    if before.number == head.number:
        return Broken(head.number, f"entry {head.number} is not the one that was written last")
    number = min(before.number, head.number) + 1
    return Broken(number, f"the log ends with entry {before.number}, but entry {head.number} was written last")
