"""The highest (epoch, sequence) this volume has seen: a ledger that is below it has been set back (protocol 9)."""

import fcntl
import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.domain.lease import NotClaimed

# How far a restore raises the epoch (protocol 9).
RESTORED = 1000
log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class HighWater:
    """Where a ledger stood: the epoch that was claimed and the newest sequence of any epoch."""

    epoch: int
    sequence: int


def set_back(seen: HighWater | None, now: HighWater) -> NotClaimed | None:
    """Why the ledger, which stands at *now* after a claim, must not be traded on; None when it never went back.

    A claim always begins an epoch, so even an equal epoch has been given away twice.
    """
    if seen is None or _restored(seen, now) or (now.epoch > seen.epoch and now.sequence >= seen.sequence):
        return None
    return NotClaimed(
        "LedgerSetBack",
        f"the ledger stands at epoch {now.epoch}, sequence {now.sequence}, but epoch {seen.epoch}, sequence "
        f"{seen.sequence} have been used; restore it with an epoch {RESTORED} above every one ever issued",
        False,
    )


def _restored(seen: HighWater, now: HighWater) -> bool:
    """True when somebody who restored the ledger has raised its epoch so far that no process can have done it."""
    return now.epoch >= seen.epoch + RESTORED


def path_of(state: Path, ledger_id: str) -> Path:
    return state / f"highest-{ledger_id}.json"


def load(path: Path) -> HighWater | None:
    """What was recorded at *path*; None when nothing ever was."""
    try:
        stored = json.loads(path.read_text())
        return HighWater(int(stored["epoch"]), int(stored["sequence"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise Misconfigured(
            f"{path} cannot be read as the highest epoch and sequence; restore it, or delete it by hand"
        ) from error


def record(path: Path, seen: HighWater) -> HighWater:
    """The higher of *seen* and what *path* held is on disk, and survives a loss of power."""
    path.parent.mkdir(parents=True, exist_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Two colours may share the volume, and what one has seen must not be lost to the other.
        fcntl.flock(directory, fcntl.LOCK_EX)
        before = load(path) or seen
        highest = HighWater(max(before.epoch, seen.epoch), max(before.sequence, seen.sequence))
        if _restored(before, seen):
            highest = seen
        if highest != before or not path.exists():
            _written(path, highest)
            os.fsync(directory)
        return highest
    finally:
        os.close(directory)


def _written(path: Path, highest: HighWater) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(asdict(highest), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class Memory:
    """What the state volume remembers of a ledger, for one process that claims it."""

    def __init__(self, state: Path, ledger_id: str) -> None:
        self._path = path_of(state, ledger_id)
        self._epoch: int | None = None
        self._recorded: HighWater | None = None
        self._due = False
        self._given: HighWater | None = None
        self._writing: Future[HighWater] | None = None
        self._disk = ThreadPoolExecutor(1, "high-water")

    def seen(self) -> HighWater | None:
        """What is remembered; ask before a claim, for another process may record a later one at any time."""
        return load(self._path)

    def is_due(self) -> bool:
        """True at the first beat under an epoch and at every other one after it: the disk is synced for each."""
        self._due = not self._due
        return self._due and self._epoch is not None

    def holds(self, epoch: int) -> bool:
        """True when this process was given *epoch* and the volume knows."""
        return self._epoch == epoch

    def given(self, now: HighWater) -> None:
        """The epoch is ours and on its way to the disk, beside what a hand-over has to read; see *remembered*."""
        self._epoch, self._due = now.epoch, False
        self._given, self._writing = now, self._disk.submit(record, self._path, now)

    def remembered(self) -> None:
        """What was given is on the disk; raises LedgerUnavailable when it cannot be, for then nothing guards it."""
        given, writing = self._given, self._writing
        if given is None:
            return
        self._writing = None
        try:
            self._recorded = writing.result() if writing else record(self._path, given)
        except OSError as error:
            raise LedgerUnavailable(f"{self._path} cannot be written ({error.strerror})") from None
        self._given = None

    def grown(self, sequence: int) -> None:
        """The newest *sequence* is remembered with the epoch this process has claimed, if it has claimed one."""
        if self._epoch is None or (self._recorded is not None and sequence <= self._recorded.sequence):
            return
        try:
            self._recorded = record(self._path, HighWater(self._epoch, sequence))
        except OSError as error:
            # The claim is on the disk: an older ledger is still refused, by its epoch.
            log.warning("The state volume takes no high-water mark", error=str(error))
