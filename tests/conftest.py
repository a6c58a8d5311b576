"""Row marks: which runbook row a test proves, and what was run to prove it."""

import gc
import hashlib
import json
import pathlib
from collections.abc import Callable

import pytest
from hypothesis import settings

# How many examples are tried: few at every run, many with --hypothesis-profile=deep (make unit DEEP=1). Other processes
# share the machine, so no example is too slow.
settings.register_profile("quick", max_examples=40, deadline=None, print_blob=True)
settings.register_profile("deep", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile("quick")

# What is imported while tests are collected stays: it is neither collected meanwhile nor walked again after every few
# tests, which is a sixth of the time of the unit tests.
gc.disable()

ROOT = pathlib.Path(__file__).parent.parent
PROOFS = ROOT / "build" / "rows"
NOTES = pytest.StashKey[list[dict[str, str]]]()


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Notes for the test's rows the command, query or request that was run, and the start of its answer."""
    notes: list[dict[str, str]] = []
    request.node.stash[NOTES] = notes

    def note(command: str, answer: str) -> None:
        notes.append({"command": command, "answer": answer[:500]})

    return note


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marks = [mark.args[0] for mark in item.iter_markers("row")]
        if len(marks) > 3:
            raise pytest.UsageError(f"{item.nodeid} carries {len(marks)} row marks; split it, three are the most")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    outcome = yield
    report = outcome.get_result()
    rows = [mark.args[0] for mark in item.iter_markers("row")]
    if call.when != "call" or not rows:
        return
    PROOFS.mkdir(parents=True, exist_ok=True)
    proof = {
        "test": item.nodeid,
        "height": item.nodeid.split("/")[1],
        "outcome": "xfailed" if hasattr(report, "wasxfail") else report.outcome,
        "evidence": item.stash.get(NOTES, []),
    }
    for row in rows:
        (PROOFS / f"{row}--{hashlib.sha256(item.nodeid.encode()).hexdigest()[:10]}.json").write_text(
            json.dumps({"row": row, **proof}, indent=1)
        )
