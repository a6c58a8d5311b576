"""What Prometheus' own checker says of the bot's metrics."""

import shutil
import subprocess

import pytest
from prometheus_client import generate_latest

from desks import IDENTITY, ListeningEngine, desk
from tradingbot.api.gauges import Gauges
from tradingbot.api.metrics import Counters, registry


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian package prometheus)")
def test_promtool_finds_nothing_to_say() -> None:
    """Names, units and help follow Prometheus' rules."""
    made = registry(Gauges(desk(ListeningEngine())))
    Counters(made, IDENTITY)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(made), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
