"""The ledger's pure rules: who may claim, what a volume remembers, how ids are minted."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import pytest

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.lease import Instance, LeaseRow
from tradingbot.ledger import highwater, tables
from tradingbot.ledger.embedded import refused
from tradingbot.ledger.highwater import HighWater
from tradingbot.ledger.identity import mint
from tradingbot.ledger.migrate import newest
from tradingbot.ledger.migrations import fence

ROW = LeaseRow("abc123", 4, "blue", "pod-1/a", None, None, None, None)
ME = Instance("blue", "pod-2", "a", "r1")
RELEASED = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "me", "known", "answer"),
    [
        (ROW, ME, "", "HeldByOther"),
        (ROW, ME, "silent", None),
        (replace(ROW, instance=None), ME, "", None),
        (replace(ROW, released_at=RELEASED), ME, "", None),
        (ROW, replace(ME, pod_uid="pod-1", start_id="b"), "", None),
        (replace(ROW, instance="/a"), replace(ME, pod_uid=""), "", "HeldByOther"),
        (ROW, ME, "used silent", "InstanceUsed"),
        (replace(ROW, revision="r2"), ME, "silent", "OtherRevision"),
        (replace(ROW, revision="r1"), ME, "silent", None),
        (replace(ROW, holder="green"), ME, "silent", "NotHolder"),
        (replace(ROW, holder=""), ME, "silent", "NotHolder"),
        (ROW, ME, "silent granted", "ExitGranted"),
        (replace(ROW, released_at=RELEASED), ME, "granted", "ExitGranted"),
        (ROW, ME, "granted", "HeldByOther"),
    ],
)
def test_who_may_claim(row: LeaseRow, me: Instance, known: str, answer: str | None) -> None:
    """The table of protocol 1; a row without a holder is nobody's to claim."""
    assert refused(row, me, "used" in known, "silent" in known, "granted" in known) == answer


@pytest.mark.parametrize(
    ("seen", "now", "trades"),
    [
        (None, HighWater(1, 0), True),
        (HighWater(3, 40), HighWater(4, 40), True),
        (HighWater(3, 40), HighWater(1003, 12), True),
        (HighWater(3, 40), HighWater(1002, 39), False),
        (HighWater(3, 40), HighWater(3, 41), False),
        (HighWater(3, 40), HighWater(2, 40), False),
        (HighWater(3, 40), HighWater(4, 39), False),
    ],
)
def test_a_ledger_below_what_was_seen_is_not_traded_on(seen: HighWater | None, now: HighWater, trades: bool) -> None:
    """After a claim the epoch is above every one seen and no sequence is missing, or the ledger was set back."""
    answer = highwater.set_back(seen, now)
    assert (answer is None) == trades
    if answer is not None:
        assert (answer.reason, answer.retry) == ("LedgerSetBack", False)


def test_the_volume_remembers_the_highest(tmp_path: Path) -> None:
    """Each of the two numbers only grows, and another ledger's file is another file."""
    path = highwater.path_of(tmp_path / "state", "abc123")
    assert highwater.load(path) is None
    assert highwater.record(path, HighWater(3, 40)) == HighWater(3, 40)
    assert highwater.record(path, HighWater(2, 50)) == HighWater(3, 50)
    assert highwater.load(path) == HighWater(3, 50)
    assert highwater.record(path, HighWater(1003, 12)) == HighWater(1003, 12), "restored: it counts from there"
    assert [file.name for file in path.parent.iterdir()] == ["highest-abc123.json"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"epoch": "x", "sequence": 1}'])
def test_a_spoilt_memory_is_not_no_memory(tmp_path: Path, text: str) -> None:
    """A file that cannot be read stops the bot, and is not taken for a first start."""
    path = tmp_path / "highest-abc123.json"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=r"highest-abc123\.json cannot be read"):
        highwater.load(path)


def test_a_ledger_id_is_six_base36_digits() -> None:
    numbers = cycle([0, 35, 10])
    assert mint(lambda below: next(numbers) % below) == "0za0za"


def test_this_version_is_written_for_the_newest_migration() -> None:
    """The head is a constant, so that a bot can compare it without Alembic."""
    assert newest() == tables.HEAD


def test_the_fence_stands_before_every_table_the_engine_writes() -> None:
    """Every table whose rows name their writer is fenced, and no other."""
    written = {name for name, table in tables.metadata.tables.items() if {"epoch", "instance"} <= set(table.c.keys())}
    assert written - {"lease", "lease_history", "holds"} == set(fence.FENCED)
    assert {table.name for table in tables.FENCED} == set(fence.FENCED)
