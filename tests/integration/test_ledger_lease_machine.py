"""Any order of claims, releases, orders, grants, fences and exit grants leaves one holder, on each engine."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase

from chaos.lease_mutants import LEASE_MUTANTS
from lease_machine import inside, tried
from ledgers import migrated_file, running_server, running_server_17  # noqa: F401
from tradingbot.ledger import connect

DEEP = bool(os.environ.get("DEEP"))
SEED = int(os.environ.get("SEED", "24"))
FIRST: dict[str, Any] = {"phases": [Phase.generate], "report_multiple_bugs": False}
SAMPLE = random.Random(SEED).sample(sorted(LEASE_MUTANTS), 1)


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "examples"), [("sqlite", 1000), ("postgresql", 1000), ("postgresql17", 1000)])
def test_there_is_one_holder_whatever_happens(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, examples: int
) -> None:
    """The epoch never goes back, belongs to one process, and nobody else writes; no void order is obeyed.

    DEEP=1 tries all examples, else a tenth of them.
    """
    # A machine so busy that a test stands still for a second is no finding.
    monkeypatch.setitem(connect.POSTGRESQL_SETTINGS, "idle_in_transaction_session_timeout", "0")
    # Of a mutant (tests/chaos/mutating.py) it is asked whether it is seen, not what the smallest example is.
    how = FIRST if "TRADINGBOT_MUTANT" in os.environ else {}
    tried(request, tmp_path, engine, max_examples=examples if DEEP else examples // 10, **how)


@pytest.mark.parametrize("name", sorted(LEASE_MUTANTS) if DEEP else SAMPLE)
def test_a_lease_with_a_rule_less_is_found_out(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    """Without any one of its rules the machine sees more than one holder, or an answer that is not the model's.

    One of them, drawn by SEED; DEEP=1 tries all, and `make chaos` tries them on PostgreSQL too.
    """
    with inside(LEASE_MUTANTS[name]), pytest.raises(AssertionError):
        tried(request, tmp_path, "sqlite", max_examples=1000, derandomize=True, **FIRST)
