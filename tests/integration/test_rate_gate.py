"""The rate gate as a process of its own: what people ask of it with curl."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bots
from operators import eventually, fetch

ATB = Path(sys.executable).with_name("atb")
TOKEN = "only-in-this-test"
Note = Callable[[str, str], None]


class Gate:
    def __init__(self, port: int) -> None:
        self.port = port

    def curl(self, *arguments: str) -> tuple[int, str]:
        """The code of the answer, and its body."""
        *flags, path = arguments
        command = ["curl", "-sS", "-w", "%{http_code}", *flags, f"http://127.0.0.1:{self.port}{path}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
        return int(said[-3:]), said[:-3]

    def used(self) -> dict[str, int]:
        providers = json.loads(self.curl("/status")[1])["providers"]
        return {each["name"]: each["used"] for each in providers}

    def take(self, provider: str, weight: int) -> None:
        ask = json.dumps({"provider": provider, "kind": "usual", "weight": weight, "orders": 0})
        assert json.loads(self.curl("-d", ask, "/take")[1]) == {"granted": True}

    def refuses(self, provider: str) -> None:
        """The provider has answered 429."""
        answer = json.dumps({"provider": provider, "status": 429, "retry_after": 60, "used_weight": 3})
        assert self.curl("-d", answer, "/told") == (200, '{"told": true}\n')


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder, port = tmp_path_factory.mktemp("gate"), bots.free_port()
    (folder / "token").write_text(TOKEN)
    command = [ATB, "rate-gate", "--listen", f"127.0.0.1:{port}", "--token-file", folder / "token"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        eventually(lambda: fetch(f"http://127.0.0.1:{port}/health")[0] == 200, lambda: (folder / "log").read_text(), 30)
        yield Gate(port)
    finally:
        process.terminate()
        assert process.wait(20) == 0


@pytest.fixture
def gate(running: Gate) -> Gate:
    """Nothing is used."""
    said = json.dumps({"force": "true", "reason": "a new story"})
    assert running.curl("-H", f"Authorization: Bearer {TOKEN}", "-d", said, "/reset")[0] == 200
    return running


@pytest.mark.row("S2-021")
@pytest.mark.row("S2-072")
def test_the_status_tells_what_of_each_quota_is_used(gate: Gate, evidence: Note) -> None:
    """Each provider with what is used, what it allows, and whether it told us to wait."""
    gate.take("binance", 120)
    code, said = gate.curl("/status")
    evidence("curl -sSf :3001/status | jq .providers", said)
    found = {each["name"]: each for each in json.loads(said)["providers"]}
    assert (code, found["binance"]["used"], found["binance"]["limit"]) == (200, 120, 6000)
    assert (found["binance"]["exhausted"], found["binance"]["blocked_seconds"]) == (False, 0.0)
    assert (found["alphavantage"]["used"], found["alphavantage"]["limit"]) == (0, 5)


@pytest.mark.row("S2-022")
def test_an_early_reset_is_refused(gate: Gate, evidence: Note) -> None:
    """With nothing blocked it would hide who uses the quota up; once the provider blocks, it is carried out."""
    bearer = ("-H", f"Authorization: Bearer {TOKEN}", "-X", "POST")
    gate.take("binance", 7)
    early = gate.curl(*bearer, "/reset")
    gate.refuses("binance")
    late = gate.curl(*bearer, "/reset")
    evidence("curl -X POST :3001/reset", f"with nothing blocked: {early}; after 429: {late}")
    assert (early[0], late[0]) == (409, 200)


@pytest.mark.row("S2-023")
def test_after_a_reset_nothing_is_used(gate: Gate, evidence: Note) -> None:
    """All providers at once; without the token nothing happens."""
    gate.take("binance", 7)
    gate.refuses("alphavantage")
    assert gate.curl("-X", "POST", "/reset")[0] == 401
    assert gate.used()["binance"] == 7
    code, said = gate.curl("-X", "POST", "-H", f"Authorization: Bearer {TOKEN}", "/reset")
    used = gate.used()
    evidence("curl -X POST :3001/reset; curl :3001/status | jq '.providers[].used'", f"{said} {used}")
    assert (code, set(used.values())) == (200, {0})


@pytest.mark.row("S2-024")
@pytest.mark.row("S2-073")
def test_quotas_are_metrics(gate: Gate, evidence: Note) -> None:
    """What is used and what is allowed, by provider."""
    gate.take("kraken", 9)
    _, said = gate.curl("/metrics")
    shown = [line for line in said.splitlines() if line.startswith("rate_gate_quota_used")]
    evidence("curl -sSf :3001/metrics | grep rate_gate_quota_used", "\n".join(shown))
    assert 'rate_gate_quota_used{limit="requests-1m",provider="kraken"} 9.0' in shown
    assert 'rate_gate_quota_limit{limit="requests-1m",provider="kraken"} 60.0' in said


@pytest.mark.row("S2-074")
def test_one_provider_is_reset_alone(gate: Gate, evidence: Note) -> None:
    """Alpha Vantage's quota begins anew, Binance's stays."""
    gate.take("binance", 7)
    gate.take("alphavantage", 5)
    gate.refuses("alphavantage")
    code, said = gate.curl("-X", "POST", "-H", f"Authorization: Bearer {TOKEN}", "/reset/alphavantage")
    used = gate.used()
    evidence("curl -X POST :3001/reset/alphavantage", f"{said} {used}")
    assert (code, used["alphavantage"], used["binance"]) == (200, 0, 7)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pace", "0"], '--pace "0.0" is not a number above 0: write 1 for a venue in wall time'),
        (["--listen", "127.0.0.1:{port}"], "listen 127.0.0.1:{port} cannot be had"),
    ],
)
def test_a_gate_that_cannot_start_says_why(running: Gate, arguments: list[str], said: str) -> None:
    """One sentence, no traceback; the one that runs is not disturbed."""
    arguments = [each.format(port=running.port) for each in arguments]
    done = subprocess.run([ATB, "rate-gate", *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert said.format(port=running.port) in done.stderr
    assert "Traceback" not in done.stderr
