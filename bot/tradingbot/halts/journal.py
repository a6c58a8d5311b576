"""Halts on the state volume: written and synced before anyone acts on them, so that a crash cannot forget one."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tradingbot.domain.halt import HaltKind


@dataclass(frozen=True, slots=True)
class Record:
    """One request to halt. *key* names its cause, so that the same cause is not recorded twice; *halt_id* the halt.

    *resumed* tells why it was cleared: such a record stays for as long as its cause does, because an annotation cannot
    be taken back from inside the pod.
    """

    key: str
    halt_id: str
    kind: HaltKind
    source: str
    reason: str
    since: str
    resumed: str | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """The records in one folder, a file each.

    On a volume that both colours share each keeps files of its own and reads those of the other, for whoever starts
    next is to be halted too; the other's keys end in a dot and its colour, and are no causes of this *owner*.
    """

    folder: Path
    owner: str = ""

    def keep(self, record: Record) -> None:
        """*record* is on the disk when this returns; raises OSError when it cannot be."""
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self._file(record.key).with_suffix(".part")
        with written.open("w", encoding="utf-8") as file:
            json.dump(asdict(record), file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._file(record.key))
        sync_folder(self.folder)

    def drop(self, key: str) -> None:
        """No record of *key* is on the disk when this returns."""
        self._file(key).unlink(missing_ok=True)
        # Before colours had files of their own, this was its name.
        (self.folder / f"{key}.json").unlink(missing_ok=True)
        if self.folder.is_dir():
            sync_folder(self.folder)

    def records(self) -> tuple[Record, ...]:
        """All records, oldest first; a file that cannot be read is a halt too, for unknown is never "may trade"."""
        return tuple(sorted(self._read(), key=lambda record: (record.since, record.key)))

    def _read(self) -> Iterator[Record]:
        for path in self.folder.glob("*.json"):
            try:
                fields = json.loads(path.read_text(encoding="utf-8"))
                key = path.stem.removesuffix(f".{self.owner}")
                yield replace(Record(**fields), kind=HaltKind(fields["kind"]), key=key)
            except (OSError, ValueError, TypeError, KeyError) as error:
                why = f"unreadable record {path.name} ({type(error).__name__})"
                yield Record(path.stem, path.stem, HaltKind.HALT, "file", why, "")

    def _file(self, key: str) -> Path:
        return self.folder / (f"{key}.{self.owner}.json" if self.owner and is_own(key) else f"{key}.json")


def is_own(key: str) -> bool:
    """False for a record of the other colour on a shared volume."""
    return "." not in key


def sync_folder(folder: Path) -> None:
    """Names created in or removed from *folder* survive a crash from now on."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def raise_flag(flag: Path, text: str) -> None:
    """The flag file *flag* holds *text* and survives a crash; a running bot takes it within a second."""
    flag.parent.mkdir(parents=True, exist_ok=True)
    written = flag.with_name(f".{flag.name}.part")
    with written.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    written.replace(flag)
    sync_folder(flag.parent)
