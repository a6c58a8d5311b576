"""What has to pass before an image is built: the steps of ``make test`` and the coverage they demand."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What the run that this test is part of was told, among it to go on after a failure.
DROPPED = ("MAKE", "MFLAGS", "PYTEST_", "KEEP_GOING")
STEP = """#!/usr/bin/env bash
echo "$1" >>"$STEPS"
[ "$1" != "$FAILS" ]
"""


def steps(folder: Path, fails: str) -> tuple[int, list[str]]:
    """The exit code of ``make test``, and the steps that it took when the one called *fails* does not pass."""
    done = folder / f"steps{fails}"
    command = ["make", "-o", "setup", "test"]
    environment = {**bare(folder), "STEPS": str(done), "FAILS": fails}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, done.read_text().split()


def bare(folder: Path) -> dict[str, str]:
    """Nothing of the run that this test is part of."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    return {**kept, "COVERAGE_FILE": str(folder / "coverage")}


@pytest.mark.row("S1-015")
def test_no_image_is_built_before_every_test_and_its_coverage_has_passed(
    tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """Images are made by the last step; a step that fails, as one whose coverage is short, is the last one taken."""
    for name in ("Makefile", "tests/run"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name, text in (("bin/make", STEP), ("cluster/status", "#!/bin/sh\n")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    code, taken = steps(tmp_path, "")
    evidence("make test; echo $?", f"{' '.join(taken)} {code}")
    assert (code, taken) == (0, ["check", "unit", "golden", "contract", "integration", "e2e", "rows"])
    code, taken = steps(tmp_path, "unit")
    evidence("make test; echo $? (coverage short)", f"{' '.join(taken)} {code}")
    assert (code, taken) == (2, ["check", "unit"])
    dry = ["make", "-n", "-o", "venv", "unit"]
    shown = subprocess.run(dry, cwd=ROOT, env=bare(tmp_path), capture_output=True, text=True, check=True)
    unit = shown.stdout.replace("tests/unit", "tests/unit/test_house.py").replace("-n auto", "")
    short = subprocess.run(
        ["bash", "-c", unit], cwd=ROOT, env=bare(tmp_path), capture_output=True, text=True, check=False
    )
    evidence("make unit; echo $? (one file of its tests)", f"{short.stdout[-200:]} {short.returncode}")
    assert "Required test coverage of 100% not reached" in short.stdout + short.stderr
    assert short.returncode == 1
