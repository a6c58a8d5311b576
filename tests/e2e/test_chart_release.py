"""One bot as a Helm release: its tests pass after installation and rollback, and fail while its ledger is away."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

import node

NAMESPACE = "trading"
RELEASE = "ats"
VALUES = {
    "exchange": {
        "name": "binance",
        "endpoint": "http://exchange-simulator.exchange-simulator.svc:8080",
        "sandbox": True,
        "symbols": ["BTC/USDT"],
        "credentialsSecretRef": {"name": "ats-exchange"},
    },
    "strategy": {"name": "sma_cross", "timeframe": "1m"},
    "tests": {"seconds": 10},
}
# Holds the ledger's write lock for as long as its standard input stays open.
LOCK = """
import sqlite3, sys
ledger = sqlite3.connect("/data/state/ledger.sqlite", isolation_level=None, timeout=30)
ledger.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("product")]


def upgrade(**changes: object) -> None:
    """The release has one more revision, and its bot is Ready in it."""
    values = json.dumps({**VALUES, **changes})
    chart = ("upgrade", "--install", RELEASE, "charts/tradingbot", "--namespace", NAMESPACE)
    node.helm(*chart, "--set-json", values, "--wait", "--timeout", "90s")


def helm_test(*flags: str) -> subprocess.CompletedProcess[str]:
    """What `helm test` answers, whatever its exit code."""
    command = ["helm", "test", RELEASE, "-n", NAMESPACE, *flags]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=node.ROOT, env=node.environment(), check=False
    )


def annotate(note: str) -> None:
    node.kubectl("-n", NAMESPACE, "annotate", "tradingbot", RELEASE, note, "--overwrite")


def halts() -> list[dict[str, str]]:
    """What the bot itself says it is halted for."""
    found: list[dict[str, str]] = node.status_of(RELEASE, NAMESPACE)["halts"]
    return found


@pytest.fixture(scope="module")
def release() -> Iterator[str]:
    """The release `ats`, with an account of its own at the simulator."""
    node.open_account(RELEASE)
    node.kubectl("-n", NAMESPACE, "delete", "secret", "ats-exchange", "--ignore-not-found")
    node.kubectl(
        *("-n", NAMESPACE, "create", "secret", "generic", "ats-exchange"),
        *(f"--from-literal=apiKey={RELEASE}", "--from-literal=secret=e2e-only"),
    )
    upgrade()
    yield RELEASE
    annotate("tradingbot.io/delete=the story is over")
    node.helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--timeout", "90s")


@pytest.mark.row("S2-045")
@pytest.mark.row("S3-147")
@pytest.mark.row("S1-031")
def test_helm_test_passes_after_installation_and_after_rollback(
    release: str, evidence: Callable[[str, str], None]
) -> None:
    """All five parts answer after an installation and after a rollback, and a halt in between outlives the rollback."""
    first = helm_test("--logs")
    evidence("helm test ats -n trading --logs (after installation)", first.stdout)
    assert first.returncode == 0, first.stdout + first.stderr
    # The API server hands on no answer but one of 200.
    health = node.proxied(NAMESPACE, f"{release}:ops", "/health")
    evidence("curl :9090/health", json.dumps(health))
    assert health["status"] in ("healthy", "degraded")
    assert first.stdout.count("Phase:          Succeeded") == 5
    upgrade(strategy={"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "4", "slow": "9"}})
    annotate("tradingbot.io/halt=spread looks wrong")
    node.eventually(halts, within=30)
    node.helm("rollback", release, "1", "--namespace", NAMESPACE, "--wait", "--timeout", "90s")
    bot = node.resource("tradingbot", release, NAMESPACE)
    assert "parameters" not in bot["spec"]["strategy"]
    assert bot["metadata"]["annotations"]["tradingbot.io/halt"] == "spread looks wrong"
    assert [halt["reason"] for halt in node.eventually(halts, within=30)] == ["spread looks wrong"]
    second = helm_test()
    evidence("helm test ats -n trading (after helm rollback ats 1)", second.stdout)
    assert second.returncode == 0, second.stdout + second.stderr


@pytest.mark.row("S2-045")
@pytest.mark.row("S3-147")
def test_helm_test_fails_while_the_ledger_is_away(release: str, evidence: Callable[[str, str], None]) -> None:
    """With the ledger locked away from the bot, helm test exits 1 and names the database; released, the bot goes on."""
    pod = node.pod_of(release, NAMESPACE)
    command = ["kubectl", "-n", NAMESPACE, "exec", "-i", pod, "-c", "bot", "--", "python3", "-c", LOCK]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=node.ROOT, env=node.environment(), **pipes) as locking:
        assert locking.stdout is not None
        assert locking.stdout.readline() == "locked\n"
        node.eventually(lambda: not has_ledger(release), within=60)
        sick = helm_test()
        assert locking.stdin is not None
        locking.stdin.close()
    evidence("helm test ats -n trading (ledger locked)", sick.stdout + sick.stderr)
    assert sick.returncode == 1, sick.stdout
    assert "ats-test-database" in sick.stdout + sick.stderr
    node.eventually(lambda: has_ledger(release), within=60)


def has_ledger(bot: str) -> bool:
    """Whether the bot itself says that its ledger answers."""
    metrics = f"/api/v1/namespaces/{NAMESPACE}/services/{bot}:ops/proxy/metrics"
    lines = node.kubectl("get", "--raw", metrics).splitlines()
    return [line.split()[-1] for line in lines if line.startswith("tradingbot_database_up")] == ["1.0"]


def test_the_operator_is_not_uninstalled_while_a_bot_exists(release: str) -> None:
    """Nobody else takes a bot's finalizer off: uninstalling the operator is refused, and the refusal can be undone."""
    system = ("-n", "tradingbot-system")
    before = node.resource("deployment", "tradingbot-operator", "tradingbot-system")
    command = ["helm", "uninstall", "tradingbot-operator", *system, "--timeout", "60s"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=node.ROOT, env=node.environment(), check=False
    )
    assert done.returncode != 0, done.stdout
    assert f"{NAMESPACE}/{release}" in done.stdout + done.stderr
    newest = json.loads(node.helm("history", "tradingbot-operator", *system, "-o", "json"))[-1]["revision"]
    node.helm("rollback", "tradingbot-operator", str(newest), *system, "--wait", "--timeout", "60s")
    assert json.loads(node.helm("status", "tradingbot-operator", *system, "-o", "json"))["info"]["status"] == "deployed"
    after = node.resource("deployment", "tradingbot-operator", "tradingbot-system")
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_the_operator_answers_its_own_tests(evidence: Callable[[str, str], None]) -> None:
    """helm test of the operator's release finds it ready and its metrics served."""
    since = time.monotonic()
    answer = node.helm("test", "tradingbot-operator", "-n", "tradingbot-system")
    assert answer.count("Phase:          Succeeded") == 2
    evidence("helm test tradingbot-operator", f"{answer} in {time.monotonic() - since:.0f} s")
