"""A hand-over on a real node: an edit swaps colours, a task goes back at once, and so does `helm rollback`."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import node

NAMESPACE = "trading"
BOT = "swap"
VALUES: dict[str, Any] = {
    "exchange": {
        "name": "binance",
        "endpoint": "http://exchange-simulator.exchange-simulator.svc:8080",
        "sandbox": True,
        "symbols": ["BTC/USDT"],
        "credentialsSecretRef": {"name": f"{BOT}-exchange"},
    },
    "strategy": {"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "2", "slow": "5"}},
    # A minute of candles passes every second here: the usual limits would halt the bot at once.
    "risk": {
        "maxOrdersPerMinute": 600,
        "maxDailyLoss": "5000",
        "maxDailyLossPercent": "50",
        "maxDrawdownPercent": "50",
    },
    "rollout": {"observe": "10m", "deadline": "2m"},
}
pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("product")]


def upgrade(**changes: object) -> None:
    """The release has one more revision; whoever waits for it waits for the hand-over."""
    chart = ("upgrade", "--install", BOT, "charts/tradingbot", "--namespace", NAMESPACE)
    node.helm(*chart, "--set-json", json.dumps({**VALUES, **changes}), "--wait", "--timeout", "150s")


@pytest.fixture(scope="module")
def release() -> Iterator[str]:
    """A bot as a Helm release, with an account of its own at the simulator."""
    node.ask_simulator("/control/accounts", {"api_key": BOT, "secret": "e2e-only", "balances": {"USDT": "10000"}})
    node.kubectl("-n", NAMESPACE, "delete", "secret", f"{BOT}-exchange", "--ignore-not-found")
    node.kubectl(
        *("-n", NAMESPACE, "create", "secret", "generic", f"{BOT}-exchange"),
        *(f"--from-literal=apiKey={BOT}", "--from-literal=secret=e2e-only"),
    )
    upgrade()
    # Before its first claim there is no trader to hand over from: the colour would be started anew instead.
    node.kubectl("-n", NAMESPACE, "wait", f"tradingbot/{BOT}", "--for=condition=TradingActive", "--timeout=60s")
    yield BOT
    note = "tradingbot.io/delete=the story is over"
    node.kubectl("-n", NAMESPACE, "annotate", "tradingbot", BOT, note, "--overwrite")
    node.helm("uninstall", BOT, "--namespace", NAMESPACE, "--wait", "--timeout", "150s")
    # The ledger outlives its bot; the next story begins with one of its own.
    node.kubectl("-n", NAMESPACE, "delete", "pvc", f"{BOT}-data", "--ignore-not-found", "--timeout=60s")


def status() -> dict[str, Any]:
    found: dict[str, Any] = node.resource("tradingbot", BOT, NAMESPACE)["status"]
    return found


def colour() -> str:
    return str(status()["active"]["colour"])


def is_at(step: str) -> Callable[[], bool]:
    return lambda: (status().get("rollout") or {}).get("step") == step


def leads_to() -> str:
    return str(node.resource("service", BOT, NAMESPACE)["spec"]["selector"]["tradingbot.io/colour"])


def test_edit_hands_over_to_the_other_colour(release: str) -> None:
    """Green takes the lease, the Service follows, and the old colour stays warm."""
    assert (colour(), leads_to()) == ("blue", "blue")
    upgrade(strategy={**VALUES["strategy"], "parameters": {"fast": "3", "slow": "6"}})
    node.eventually(is_at("Observing"), within=60)
    seen = status()
    assert seen["rollout"]["adoption"]["result"] == "adopted"
    assert (seen["active"]["colour"], leads_to()) == ("green", "green")
    told = {each["type"]: each for each in seen["conditions"]}
    assert told["RollbackAvailable"]["reason"] == "Warm"
    assert told["SingleWriter"]["reason"] == "LeaseHeld"
    assert node.status_of(release, NAMESPACE)["epoch"] == seen["active"]["epoch"]


def test_rollback_task_gives_the_lease_back_to_the_warm_colour(release: str) -> None:
    """No pod is started: the epoch goes back, the task says so, and the revision is held."""
    before = {each["metadata"]["uid"] for each in pods()}
    task = {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "BotTask",
        "metadata": {"generateName": "back-", "namespace": NAMESPACE},
        "spec": {"bot": release, "type": "rollback", "reason": "the spread is wrong"},
    }
    made = json.loads(node.kubectl("create", "-f", "-", "-o", "json", text=json.dumps(task)))["metadata"]["name"]
    node.eventually(is_at("RolledBack"), within=30)
    ended = node.eventually(lambda: node.resource("bottask", made, NAMESPACE)["status"].get("phase"), within=20)
    assert ended in ("Running", "Complete")
    node.eventually(lambda: node.resource("bottask", made, NAMESPACE)["status"]["phase"] == "Complete", within=20)
    assert (colour(), leads_to()) == ("blue", "blue")
    assert {each["metadata"]["uid"] for each in pods()} == before
    stalled = next(each for each in status()["conditions"] if each["type"] == "Stalled")
    assert stalled["reason"] == "RolledBack"


def test_helm_rollback_goes_back_at_once(release: str) -> None:
    """The old spec comes back while the new one is observed: the warm colour takes the lease, gates skipped."""
    upgrade(strategy={**VALUES["strategy"], "parameters": {"fast": "4", "slow": "8"}})
    before = {each["metadata"]["uid"] for each in pods()}
    assert colour() == "green"
    node.helm("rollback", release, "1", "--namespace", NAMESPACE, "--wait", "--timeout", "60s")
    node.eventually(is_at("RolledBack"), within=30)
    assert (colour(), leads_to()) == ("blue", "blue")
    assert {each["metadata"]["uid"] for each in pods()} == before
    assert not [each for each in status()["conditions"] if each["type"] == "Stalled"]


def test_revision_that_cannot_start_is_refused_and_the_trader_trades_on(release: str) -> None:
    """An image that is not there: the old colour keeps its epoch, and reverting the spec recovers."""
    epoch = status()["active"]["epoch"]
    patch = {"spec": {"image": "localhost/nobody-has-this:0", "pod": {"imagePullPolicy": "Never"}}}
    node.kubectl("-n", NAMESPACE, "patch", "tradingbot", release, "--type=merge", "-p", json.dumps(patch))
    node.eventually(is_at("Refused"), within=120)
    stalled = next(each for each in status()["conditions"] if each["type"] == "Stalled")
    assert stalled["reason"] == "Refused"
    node.eventually(lambda: node.status_of(release, NAMESPACE)["trading_active"], within=30)
    assert status()["active"]["epoch"] == epoch
    back = {"spec": {"image": None, "pod": None}}
    node.kubectl("-n", NAMESPACE, "patch", "tradingbot", release, "--type=merge", "-p", json.dumps(back))
    node.eventually(lambda: not [each for each in status()["conditions"] if each["type"] == "Stalled"], within=30)
    assert status()["active"]["epoch"] == epoch


def pods() -> list[dict[str, Any]]:
    """The pods of both colours."""
    found = node.kubectl("-n", NAMESPACE, "get", "pods", "-l", f"tradingbot.io/bot={BOT}", "-o", "json")
    listed: list[dict[str, Any]] = json.loads(found)["items"]
    return listed
