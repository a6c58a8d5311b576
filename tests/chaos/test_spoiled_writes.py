"""The operator as a real process, one of its writes spoiled on the wire: killed, failed, in conflict, or doubled."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from chaos.chaosbook import note

SCRIPT = pathlib.Path(__file__).with_name("crashing.py")


@pytest.mark.slow
def test_every_scenario_ends_as_the_calm_one_whichever_write_is_spoiled():
    """All writes of create, edit, halt and delete in all five ways; CHAOS_POINTS takes a seeded sample of each."""
    command = [sys.executable, str(SCRIPT), os.environ.get("CHAOS_POINTS", "all"), os.environ.get("CHAOS_SEED", "7")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=5400)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    note("crash_points", {f"process: {name}": facts for name, facts in counts.items()})
    failed = [line for line in done.stdout.splitlines() if "DIFFERENT" in line]
    assert {name: facts["failed"] for name, facts in counts.items()} == dict.fromkeys(counts, 0), failed
