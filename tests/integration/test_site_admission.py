"""What is refused before anything runs, and the sentence a person reads at the terminal."""

import copy
import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

import make_operator as make
import onenode
import operators
from apiserver import ApiServer
from applied import apply
from applied import documents as applied_documents

Note = Callable[[str, str], None]
ROOT = pathlib.Path(__file__).parents[2]
FIVE = ("maxOrderNotional", "maxPositionNotional", "maxDrawdownPercent", "maxDailyLoss", "maxOrdersPerMinute")
# Forms that real keys have: Binance's 64 letters and digits, AWS's, private keys, GitHub's tokens.
SECRETS = r"(AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|ghp_[A-Za-z0-9]{36}|apiKey: *[\"']?[A-Za-z0-9]{64})"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with operators.prepared(tmp_path_factory.mktemp("admission")) as made:
        yield made


def applied(server: ApiServer, folder: pathlib.Path, spec: dict[str, Any], *flags: str) -> tuple[int, str]:
    """What ``kubectl apply`` answers to a TradingBot with *spec*."""
    file = folder / "bad.yaml"
    body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "TradingBot", "metadata": {"name": "btc"}, "spec": spec}
    file.write_text(yaml.safe_dump(body))
    command = [onenode.tool("kubectl"), "apply", "-n", "trading", *flags, "-f", str(file)]
    environment = {**os.environ, "KUBECONFIG": str(server.kubeconfig)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.row("S4-037")
def test_live_without_saying_so_is_refused(server: ApiServer, tmp_path: pathlib.Path, evidence: Note) -> None:
    """Everything else of a live bot is there; the sentence names the field to set."""
    code, said = applied(server, tmp_path, {name: value for name, value in make.LIVE.items() if name != "safety"})
    evidence("kubectl apply -f live-no-ack.yaml", said)
    assert code == 1
    assert "spec.mode: Invalid value" in said
    assert "mode is live and trades real money; set safety.acknowledgeLiveRisk to true when that is meant" in said
    assert applied(server, tmp_path, make.LIVE, "--dry-run=server")[0] == 0


@pytest.mark.row("S0-039")
def test_a_check_interval_below_five_seconds_is_refused(
    server: ApiServer, tmp_path: pathlib.Path, evidence: Note
) -> None:
    """By the API server, with the value and the cure; five seconds are taken."""
    code, said = applied(server, tmp_path, {**make.MINIMAL, "engine": {"checkInterval": "3s"}})
    evidence("kubectl apply -f check-interval-3s.yaml", said)
    assert (code, "checkInterval is '3s'; use at least 5s" in said) == (1, True)
    assert applied(server, tmp_path, {**make.MINIMAL, "engine": {"checkInterval": "5s"}}, "--dry-run=server")[0] == 0


@pytest.mark.row("S4-041")
@pytest.mark.parametrize("limit", FIVE)
def test_live_without_one_of_five_limits_is_refused(
    limit: str, server: ApiServer, tmp_path: pathlib.Path, evidence: Note
) -> None:
    """The field that lacks is among those the sentence names."""
    spec = copy.deepcopy(make.LIVE)
    del spec["risk"][limit]
    code, said = applied(server, tmp_path, spec)
    evidence(f"kubectl apply -f live-without-{limit}.yaml", said)
    assert code == 1
    assert "spec.risk: Invalid value" in said
    assert limit in said


@pytest.mark.row("S4-049")
def test_live_without_its_limits_is_refused(server: ApiServer, tmp_path: pathlib.Path, evidence: Note) -> None:
    """Everything else of that bot is in order; with the limits on it is taken."""
    sample = ROOT / "tests/e2e/live-risk-disabled.yaml"
    spec = yaml.safe_load(sample.read_text())["spec"]
    code, said = applied(server, tmp_path, spec)
    evidence("kubectl apply -f tests/e2e/live-risk-disabled.yaml", said)
    assert code == 1
    assert "mode is live and risk.enabled is false; set it to true, or mode to paper" in said
    spec["risk"]["enabled"] = True
    assert applied(server, tmp_path, spec, "--dry-run=server")[0] == 0


@pytest.mark.row("S0-044")
def test_a_live_bot_that_looks_too_often_or_too_seldom_is_warned(
    server: ApiServer, tmp_path: pathlib.Path, evidence: Note
) -> None:
    """It is taken all the same; 15 and 30 seconds, and the default, are told nothing."""

    def told(interval: str | None) -> str:
        engine = {} if interval is None else {"engine": {"checkInterval": interval}}
        code, said = applied(server, tmp_path, {**make.LIVE, **engine}, "--dry-run=server")
        assert code == 0, said
        return said

    for item in applied_documents((ROOT / "manifests/policies/spec.yaml").read_text()):
        assert apply(server, item)[0] in {200, 201}
    advice = "is outside what is advised for a live bot; use 15s to 30s"
    deadline = time.monotonic() + 30
    while advice not in (said := told("10s")):
        assert time.monotonic() < deadline, "the policy did not come into force"
    evidence("kubectl apply -f live-check-interval-10s.yaml", said)
    assert "Warning: Validation failed for ValidatingAdmissionPolicy 'tradingbot-advice'" in said
    assert f"spec.engine.checkInterval: '10s' {advice}" in said
    assert advice in told("31s")
    assert [advice in told(interval) for interval in ("15s", "30s", None)] == [False, False, False]


@pytest.mark.row("S1-018")
def test_a_dry_run_tells_a_bad_configuration(server: ApiServer, tmp_path: pathlib.Path, evidence: Note) -> None:
    """Field, value and cure, without anything being written."""
    spec = {**make.MINIMAL, "engine": {"checkInterval": "1s"}, "risk": {"maxOrderNotional": "3000"}}
    code, said = applied(server, tmp_path, spec, "--dry-run=server")
    evidence("kubectl apply --dry-run=server -f bad.yaml", said)
    assert code == 1
    assert "maxOrderNotional '3000' exceeds maxPositionNotional '2000'; use at most that" in said
    assert "spec.engine.checkInterval" in said
    assert operators.bot(server, "btc") is None


@pytest.mark.row("S0-198")
def test_a_key_in_the_spec_is_refused_and_none_is_in_the_repository(
    server: ApiServer, tmp_path: pathlib.Path, evidence: Note
) -> None:
    """A literal key is no field of the resource, and nothing that looks like one is tracked."""
    spec = copy.deepcopy(make.SANDBOX)
    spec["exchange"]["apiKey"] = "literal"
    code, said = applied(server, tmp_path, spec, "--validate=strict")
    evidence("kubectl apply -f with-key.yaml", said)
    assert code == 1
    assert 'unknown field "spec.exchange.apiKey"' in said
    scan = subprocess.run(["git", "grep", "-nIE", SECRETS], cwd=ROOT, capture_output=True, text=True, check=False)
    found = [line for line in scan.stdout.splitlines() if not line.startswith("tests/integration/test_site_admission")]
    evidence("git grep -nIE <forms of keys>", json.dumps(found))
    assert (scan.returncode in (0, 1), found) == (True, [])


@pytest.mark.row("S3-014")
def test_a_paper_bot_with_a_key_that_may_trade_is_refused(
    server: ApiServer, tmp_path: pathlib.Path, evidence: Note
) -> None:
    """Paper money needs no private call at all, so any key of an account is more than it may have."""
    spec = copy.deepcopy(make.SANDBOX)
    spec["exchange"]["sandbox"] = False
    code, said = applied(server, tmp_path, spec)
    evidence("kubectl apply -f paper-with-key.yaml", said)
    assert code == 1
    assert "UnsafeKeyPermissions: keys are given but this mode makes no private call" in said
