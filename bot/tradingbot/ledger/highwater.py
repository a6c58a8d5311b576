"""The highest (epoch, sequence) this volume has seen: a ledger that is below it has been set back (protocol 9)."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.lease import NotClaimed


@dataclass(frozen=True, slots=True, order=True)
class HighWater:
    """Where a ledger stood: the epoch that was claimed and the newest sequence of any epoch."""

    epoch: int
    sequence: int


def set_back(seen: HighWater | None, now: HighWater) -> NotClaimed | None:
    """Why the ledger, which stands at *now* after a claim, must not be traded on; None when it never went back.

    A claim always begins an epoch, so even an equal epoch has been given away twice.
    """
    if seen is None or (now.epoch > seen.epoch and now.sequence >= seen.sequence):
        return None
    return NotClaimed(
        "LedgerSetBack",
        f"the ledger stands at epoch {now.epoch}, sequence {now.sequence}, but epoch {seen.epoch}, sequence "
        f"{seen.sequence} have been used; restore it with an epoch above every one ever issued",
        False,
    )


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
    before = load(path)
    highest = seen if before is None else HighWater(max(before.epoch, seen.epoch), max(before.sequence, seen.sequence))
    if highest == before:
        return highest
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(asdict(highest), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return highest
