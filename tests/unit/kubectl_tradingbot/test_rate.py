"""What the rate gate says through kubectl: each limit, and whether entries wait or nobody may ask."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_tradingbot.main import program
from kubectl_tradingbot.observe import ClusterSaysNo

WEIGHT = {"name": "weight-1m", "used": 120, "limit": 6000, "seconds": 60.0}
ORDERS = {"name": "orders-10s", "used": 33, "limit": 100, "seconds": 10.0}
BINANCE = {"name": "binance", "limits": [WEIGHT, ORDERS], "exhausted": False, "blocked_seconds": 0.0, "why": ""}
GATE = "tradingbot-operator-rate-gate"


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl of our own in this folder; it writes down what it is asked."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def knows(folder: Path, services: list[str], **changes: object) -> None:
    """The services of the namespace, and a gate with one provider."""
    listed = json.dumps({"items": [{"metadata": {"name": name}} for name in services]})
    told = json.dumps({"providers": [{**BINANCE, **changes}]})
    script = f"""#!/bin/sh
echo "$*" >> {folder}/calls
case "$*" in *--raw*) echo '{told}' ;; *) echo '{listed}' ;; esac
"""
    (folder / "kubectl").write_text(script)
    (folder / "kubectl").chmod(0o755)


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, []),
        ({"exhausted": True}, ["binance  entries wait"]),
        (
            {"exhausted": True, "blocked_seconds": 29.6, "why": "the provider told us to wait"},
            ["binance  nobody asks for 30 s: the provider told us to wait"],
        ),
    ],
)
def test_each_limit_is_a_line(kubectl, changes, more):
    """What is used of what is allowed; below it who has to wait."""
    knows(kubectl, ["tradingbot-operator", GATE], **changes)
    done = CliRunner().invoke(program, ["rate"])
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        ["binance  weight-1m  120 of 6000", "binance  orders-10s  33 of 100", *more],
    )
    asked = f"get --raw /api/v1/namespaces/tradingbot-system/services/{GATE}:gate/proxy/status"
    assert (kubectl / "calls").read_text().splitlines()[-1] == asked


def test_where_there_is_no_gate_the_cure_is_told(kubectl):
    """Another namespace may have it."""
    knows(kubectl, ["tradingbot-operator"])
    done = CliRunner().invoke(program, ["rate", "-n", "elsewhere"])
    assert isinstance(done.exception, ClusterSaysNo)
    assert str(done.exception) == (
        "namespace elsewhere has no rate gate: install the operator with rateGate.enabled, or name its namespace"
    )
