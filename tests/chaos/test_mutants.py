"""Every mutant of the one-trader protocol turns those tests red that stand for its rule; without it they are green."""

import os
import pathlib
import subprocess
import sys

import pytest

from chaos.chaosbook import note
from chaos.lease_mutants import LEASE_MUTANTS
from chaos.mutants import MUTANTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
RED, GREEN = 1, 0


def verdict(tests: tuple[str, ...], mutant: str | None) -> tuple[int, str]:
    """The exit code and the end of what pytest says of *tests* with *mutant* in the product."""
    path = f"{ROOT}/tests:{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": path} | ({"TRADINGBOT_MUTANT": mutant} if mutant else {})
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "chaos.mutating", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    return done.returncode, (done.stdout + done.stderr)[-1500:]


def test_without_a_mutant_all_of_them_are_green():
    """Else a red one would prove nothing."""
    tests = tuple(sorted({test for mutant in MUTANTS.values() for test in mutant.caught_by}))
    code, said = verdict(tests, None)
    assert code == GREEN, said


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_caught(name: str):
    """Red is a failed test; a run that could not begin has caught nothing."""
    code, said = verdict(MUTANTS[name].caught_by, name)
    note("mutants", {name: code == RED})
    assert code == RED, f"{name}: {said}"


@pytest.mark.parametrize("name", sorted(LEASE_MUTANTS))
def test_a_lease_with_a_rule_less_is_found_out_on_a_server(name: str, monkeypatch: pytest.MonkeyPatch):
    """By the machine alone: no example that was written for that rule."""
    monkeypatch.setenv("DEEP", "1")
    code, said = verdict(LEASE_MUTANTS[name].caught_by, name)
    assert code == RED, f"{name}: {said}"


def test_all_of_them_are_counted():
    """Sixteen are in the protocol."""
    assert len(MUTANTS) == 16
