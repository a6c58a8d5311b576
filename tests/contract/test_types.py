"""The type check is part of `make check`, passes, and would not pass a mistake."""

import pathlib
import subprocess
import sys
from collections.abc import Callable

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MYPY = str(pathlib.Path(sys.executable).with_name("mypy"))


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.row("S1-016")
def test_types_are_checked_before_anything_is_deployed(
    tmp_path: pathlib.Path, evidence: Callable[[str, str], None]
) -> None:
    """`make check` runs the strict check of every source file; its exit code is 0, and 1 with a mistake."""
    assert "mypy" in run("make", "-n", "check").stdout
    done = run(MYPY)
    evidence("mypy; echo $?", f"{done.stdout.strip()} {done.returncode}")
    assert done.returncode == 0, done.stdout
    (tmp_path / "wrong.py").write_text("orders: int = 'ten'\n")
    wrong = run(MYPY, str(tmp_path / "wrong.py"))
    evidence("mypy wrong.py; echo $?", f"{wrong.stdout.strip()} {wrong.returncode}")
    assert (wrong.returncode, "Incompatible types in assignment" in wrong.stdout) == (1, True)
