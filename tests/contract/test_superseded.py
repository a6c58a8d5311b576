"""Rows that are superseded: each is on the page of its decision, and what the page says is held by tests that exist."""

import importlib.util
import re
from types import ModuleType

import onenode

DECISIONS = onenode.ROOT / "docs/decisions"


def report() -> ModuleType:
    place = importlib.util.spec_from_file_location("report", onenode.ROOT / "tests/rows/report.py")
    assert place is not None
    assert place.loader is not None
    made = importlib.util.module_from_spec(place)
    place.loader.exec_module(made)
    return made


def test_each_superseded_row_is_on_the_page_of_its_decision():
    """By its id; a row that names another row needs no page."""
    for row, why in report().SUPERSEDED.items():
        found = re.search(r"docs/decisions/(\d{4})", why)
        if found is None:
            assert re.search(r"S\d-\d{3}", why), row
            continue
        (page,) = DECISIONS.glob(f"{found[1]}-*.md")
        assert row in page.read_text(), (row, page.name)


def test_what_replaces_a_tool_is_held_by_tests_that_exist():
    """Every test and file that the page names is there."""
    page = (DECISIONS / "0012-tools-the-product-replaces.md").read_text()
    for path in re.findall(r"`(tests/[\w/]+\.py)`", page):
        assert (onenode.ROOT / path).exists(), path
    defined = {name for path in (onenode.ROOT / "tests").rglob("test_*.py") for name in names(path.read_text())}
    named = set(re.findall(r"`(test_\w+)`", page))
    assert named
    assert named - defined == set()


def names(text: str) -> list[str]:
    return re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE)


def test_a_row_that_inherits_from_a_superseded_one_is_superseded_too():
    """An alias stands or falls with its row."""
    row = {"id": "S3-120", "alias_of": "S3-036", "evidence": ""}
    assert report().state(row, {}) == "superseded"
