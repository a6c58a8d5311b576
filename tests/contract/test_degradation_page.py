"""docs/degradation.md against what it names: each part away and slow, each pair, conditions, metrics, and its tests."""

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/degradation.md").read_text()
PARTS = ("database", "exchange REST", "exchange WebSocket", "rate gate", "DNS")


def table(heading: str) -> list[dict[str, str]]:
    """The rows of the table below *heading*, by the names of its columns."""
    lines = [line for line in PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines() if "|" in line]
    names, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(names, row, strict=True)) for row in rows]


SINGLE, PAIRS = table("One part"), table("Two parts at once")


def waits(row: dict[str, str]) -> set[str]:
    return set(row["waits"].split(", "))


def test_each_part_is_there_away_and_slow():
    """Nothing left out, nothing twice."""
    assert [row["part"] for row in SINGLE] == [f"{part} {how}" for part in PARTS for how in ("away", "slow")]


def test_each_pair_is_there_once():
    """Ten of five."""
    assert [row["parts"] for row in PAIRS] == [", ".join(pair) for pair in itertools.combinations(PARTS, 2)]


@pytest.mark.parametrize("row", PAIRS, ids=[row["parts"] for row in PAIRS])
def test_of_two_parts_waits_what_waits_for_either(row):
    """A pair that needed more would be a part of its own."""
    alone = {each["part"].removesuffix(" away"): waits(each) for each in SINGLE}
    first, second = row["parts"].split(", ")
    assert waits(row) == alone[first] | alone[second]


@pytest.mark.parametrize("part", PARTS)
def test_slow_is_never_worse_than_away(part):
    """What does not come in time counts as not there."""
    away, slow = (next(row for row in SINGLE if row["part"] == f"{part} {how}") for how in ("away", "slow"))
    assert waits(slow) <= waits(away)
    assert slow["condition"] == away["condition"]


def test_what_protects_waits_for_nothing():
    """Stops stand in no column of what waits, and exits only where nobody can know who the trader is."""
    assert not any("stop" in each for row in SINGLE for each in waits(row))
    assert {row["part"] for row in SINGLE if "other exits" in waits(row)} == {"database away", "database slow"}


def test_each_condition_and_metric_is_one_that_exists():
    """By the generated pages."""
    conditions = (ROOT / "docs/reference/conditions.md").read_text()
    metrics = (ROOT / "docs/reference/metrics.md").read_text()
    for row in SINGLE:
        kind, reason = row["condition"].split()
        assert re.search(rf"^\| {kind} \| \w+ \| {reason} \|", conditions, re.MULTILINE), row["condition"]
        assert f"| {row['metric']} |" in metrics, row["metric"]


def test_each_cell_names_tests_that_exist():
    """A single part has one at least; of pairs a sample has."""
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = [name for row in (*SINGLE, *PAIRS) for name in re.findall(r"`(test_\w+)`", row["shown by"])]
    assert [name for name in named if f"def {name}(" not in written] == []
    assert all("`test_" in row["shown by"] for row in SINGLE)
    assert sum("`test_" in row["shown by"] for row in PAIRS) >= 3
