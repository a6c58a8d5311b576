"""Every write the venue saw and what became of it, in order."""

from dataclasses import dataclass, field, replace
from typing import Any

from exchange_simulator.domain.entry import Entry


@dataclass(slots=True)
class OrderLog:
    """Append-only, but for the time an answer left."""

    entries: list[Entry] = field(default_factory=list)

    def append(self, **fields: Any) -> Entry:
        """The entry stands at the end, with the next sequence number."""
        entry = Entry(seq=len(self.entries) + 1, **fields)
        self.entries.append(entry)
        return entry

    def since(self, seq: int) -> list[Entry]:
        """Entries with a sequence number above *seq*."""
        return self.entries[max(0, seq) :]

    def answered(self, first: int, last: int, at_ms: int) -> None:
        """Writes logged after the first *first* up to *last* carry the time their answer left."""
        for index in range(first, last):
            if self.entries[index].request:
                self.entries[index] = replace(self.entries[index], answered_ms=at_ms)
