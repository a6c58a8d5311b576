"""A TradingBot applied to a real Kubernetes trades, survives, and goes away. One story, told in order on one bot."""

import json
import os
import pathlib
import signal
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

import invariants
import node
from trading import AT_ONCE, OFTEN

NAMESPACE = "trading"
BOT = "btc"
pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("product")]


def manifest(**changes: object) -> str:
    spec = {
        "mode": "paper",
        "exchange": {
            "name": "binance",
            "symbols": ["BTC/USDT"],
            "endpoint": "http://exchange-simulator.exchange-simulator.svc:8080",
            "sandbox": True,
            "credentialsSecretRef": {"name": f"{BOT}-exchange"},
        },
        "strategy": OFTEN,
        # Fees alone lose 200 in 650 bars, eleven minutes here: no daily halt ends a story told twice on one volume. And
        # no bar of the recording meets the stops.
        "risk": {
            "stopLossPercent": "10",
            "maxOrdersPerMinute": 600,
            "maxDailyLoss": "5000",
            "maxDailyLossPercent": "50",
            "maxDrawdownPercent": "50",
        },
        "backup": {"schedule": "0 2 * * *", "destination": {"claim": f"{BOT}-backups"}},
    }
    bot = {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "TradingBot",
        "metadata": {"name": BOT, "namespace": NAMESPACE},
        "spec": {**spec, **changes},
    }
    return json.dumps(bot)


@pytest.fixture(scope="module")
def bot() -> Iterator[str]:
    """A bot with an account of its own at the simulator, trading."""
    if node.open_account(BOT):
        # A simulator that was started anew knows nothing of what a ledger of an earlier run holds.
        claims = (f"pvc/{BOT}-{kind}" for kind in ("data", "backups"))
        node.kubectl("-n", NAMESPACE, "delete", *claims, "--ignore-not-found", "--timeout=60s")
    node.kubectl("-n", NAMESPACE, "delete", "secret", f"{BOT}-exchange", "--ignore-not-found")
    node.kubectl(
        *("-n", NAMESPACE, "create", "secret", "generic", f"{BOT}-exchange"),
        *(f"--from-literal=apiKey={BOT}", "--from-literal=secret=e2e-only"),
    )
    node.kubectl("apply", "-f", "-", text=manifest())
    node.kubectl("-n", NAMESPACE, "wait", f"tradingbot/{BOT}", "--for=condition=Ready", "--timeout=60s")
    yield BOT
    node.kubectl(
        "-n", NAMESPACE, "annotate", "tradingbot", BOT, "tradingbot.io/delete=the story is over", "--overwrite"
    )
    node.kubectl("-n", NAMESPACE, "delete", "tradingbot", BOT, "--timeout=90s")


def account() -> dict:
    return node.simulator(f"/control/accounts/{BOT}")


def log(*actions: str) -> list[dict]:
    """The venue's log of this bot, of these actions or of all."""
    entries = node.simulator("/control/orders?since=0")["entries"]
    return [entry for entry in entries if entry["api_key"] == BOT and (not actions or entry["action"] in actions)]


def ledger(query: str) -> list[dict]:
    return json.loads(node.in_pod(BOT, NAMESPACE, "atb", "db", "query", "--json", query))


def check_invariants() -> None:
    """I4, I5 and I9 at rest: the bot is halted first, so that nothing is on its way while the books are compared."""
    node.kubectl(
        "-n", NAMESPACE, "annotate", "tradingbot", BOT, "tradingbot.io/halt=halt:comparing the books", "--overwrite"
    )
    node.eventually(halts, within=20)
    node.eventually(books_agree, within=30)
    node.kubectl("-n", NAMESPACE, "annotate", "tradingbot", BOT, "tradingbot.io/halt-", "--overwrite")
    for halt in halts():
        resume = f"tradingbot.io/resume={halt} the books agree"
        node.kubectl("-n", NAMESPACE, "annotate", "tradingbot", BOT, resume, "--overwrite")
        node.eventually(lambda each=halt: each not in halts(), within=60)
    assert halts() == []


def halts() -> list[str]:
    """The ids of the halts that the bot says it stands under."""
    return [halt["id"] for halt in node.status_of(BOT, NAMESPACE)["halts"]]


def books_agree() -> bool:
    """True; what the books differ in is what the failure says."""
    assert settled_difference() == {}
    return True


def settled_difference() -> dict[str, object]:
    """Everything in which the venue's books and the ledger differ; empty when they agree."""
    books, status = account(), node.status_of(BOT, NAMESPACE)
    statuses = {row["client_id"]: row["status"] for row in ledger("SELECT client_id, status FROM orders")}
    at_venue = [order["clientOrderId"] for order in books["orders"]]
    still_open = [order["clientOrderId"] for order in books["open_orders"]]
    by_bot = {held["symbol"]: Decimal(held["quantity"]) for held in status["positions"]}
    held = invariants.held(books["trades"], "BTC")
    found = {
        "orders without intent": invariants.orders_without_intent(at_venue, statuses),
        "unended intents": invariants.unended_intents(statuses, still_open),
        "sent twice": invariants.sent_twice(log()),
        "position": held - by_bot.get("BTC/USDT", Decimal(0)),
        "uncovered": uncovered(books),
    }
    return {name: value for name, value in found.items() if value}


def uncovered(books: dict) -> Decimal:
    """I9: how much of what is held by the venue's books no stop there covers."""
    stops = [
        Decimal(order["origQty"]) - Decimal(order["executedQty"])
        for order in books["open_orders"]
        if order["side"] == "SELL"
    ]
    return invariants.uncovered(invariants.held(books["trades"], "BTC"), stops, invariants.STEP)


def test_orders_at_the_venue_equal_fills_in_the_ledger(bot: str) -> None:
    """A bot applied with three commands trades, and its ledger says exactly what the venue's books say."""
    seen = len(log("fill"))
    node.eventually(lambda: len(log("fill")) >= seen + 2, within=90)
    check_invariants()
    trades = {str(trade["id"]): Decimal(trade["qty"]) for trade in account()["trades"]}
    fills = {row["trade_id"]: Decimal(row["quantity"]) for row in ledger("SELECT trade_id, quantity FROM fills")}
    assert {identity: fills.get(identity) for identity in trades} == trades


def test_the_operator_may_die_and_the_bot_trades_on(bot: str) -> None:
    """The operator is not in the trading path: without it the same process goes on sending orders."""
    pod, seen = node.pod_of(bot, NAMESPACE), len(log())
    node.kubectl("-n", "tradingbot-system", "scale", "deployment/tradingbot-operator", "--replicas=0")
    try:
        node.eventually(lambda: len(log()) >= seen + 2, within=90)
        assert node.pod_of(bot, NAMESPACE) == pod
    finally:
        node.kubectl("-n", "tradingbot-system", "scale", "deployment/tradingbot-operator", "--replicas=1")
        node.kubectl("-n", "tradingbot-system", "rollout", "status", "deployment/tradingbot-operator", "--timeout=120s")
    check_invariants()
    assert node.pod_of(bot, NAMESPACE) == pod


def process_of(pod_uid: str) -> int:
    """The host's pid of the bot in the pod: the one whose environment carries the pod's UID."""
    mark = f"POD_UID={pod_uid}".encode()
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError(f"no process of pod {pod_uid} on this machine")


def test_a_bot_killed_in_mid_order_settles_it_at_restart(bot: str) -> None:
    """kill -9 while the venue holds the request: the restarted process learns its fate and sends nothing twice."""
    node.ask_simulator("/control/faults", {"kind": "delay_after", "route": "order", "seconds": 20, "count": 1})
    started = len(log("order"))
    node.eventually(lambda: len(log("order")) > started, within=90, every=0.2)
    uid = node.resource("pod", node.pod_of(bot, NAMESPACE), NAMESPACE)["metadata"]["uid"]
    os.kill(process_of(uid), signal.SIGKILL)
    node.eventually(lambda: node.status_of(bot, NAMESPACE)["state"] in {"trading", "blocked"}, within=90)
    check_invariants()


def test_a_bad_spec_never_touches_the_running_bot(bot: str) -> None:
    """A strategy nobody knows is reported, and the pod that trades is the same afterwards."""
    pod = node.resource("pod", node.pod_of(bot, NAMESPACE), NAMESPACE)["metadata"]["uid"]
    strategy = {"strategy": {"name": "no_such_strategy", "timeframe": "1m", "parameters": {}}}
    node.kubectl("-n", NAMESPACE, "patch", "tradingbot", bot, "--type=merge", "-p", json.dumps({"spec": strategy}))
    try:
        stalled = node.eventually(lambda: (node.condition(bot, NAMESPACE, "Stalled") or {}).get("message"), within=60)
        assert "spec.strategy.name" in stalled
        assert node.resource("pod", node.pod_of(bot, NAMESPACE), NAMESPACE)["metadata"]["uid"] == pod
    finally:
        node.kubectl("apply", "-f", "-", text=manifest())
    check_invariants()


@pytest.mark.row("S0-015")
def test_the_image_runs_python_3_11_or_later(bot: str, evidence: Callable[[str, str], None]) -> None:
    """The interpreter in the running pod is 3.11 or newer."""
    answer = node.in_pod(bot, NAMESPACE, "python", "-V")
    evidence("kubectl exec <pod> -c bot -- python -V", answer)
    major, minor = answer.split()[1].split(".")[:2]
    assert (int(major), int(minor)) >= (3, 11)


@pytest.mark.row("S0-017")
@pytest.mark.row("S3-154")
def test_memory_and_cpu_limits_follow_the_spec(bot: str, evidence: Callable[[str, str], None]) -> None:
    """The default is 4Gi and two CPUs; a raised memory limit reaches the active pod, which trades on."""
    path = "jsonpath={.spec.containers[0].resources.limits}"

    def limits() -> str:
        return node.kubectl("-n", NAMESPACE, "get", "pod", node.pod_of(bot, NAMESPACE), "-o", path)

    assert json.loads(limits()) == {"cpu": "2", "memory": "4Gi"}
    ledger_id = node.status_of(bot, NAMESPACE)["ledger_id"]
    patch = {"spec": {"resources": {"limits": {"memory": "6Gi"}}}}
    node.kubectl("-n", NAMESPACE, "patch", "tradingbot", bot, "--type=merge", "-p", json.dumps(patch))
    node.eventually(lambda: json.loads(limits())["memory"] == "6Gi", within=90)
    node.kubectl("-n", NAMESPACE, "wait", f"tradingbot/{bot}", "--for=condition=Ready", "--timeout=60s")
    evidence(f"kubectl get pod <pod> -o {path}", limits())
    assert node.eventually(lambda: node.status_of(bot, NAMESPACE)["ledger_id"], within=30) == ledger_id
    check_invariants()


@pytest.mark.row("S0-019")
def test_the_data_claim_is_20gi_by_default_and_never_below_10gi(bot: str, evidence: Callable[[str, str], None]) -> None:
    """The claim asks for 20Gi; a spec that asks for 5Gi is rejected by the API server with a sentence."""
    size = node.kubectl(
        "-n", NAMESPACE, "get", "pvc", f"{bot}-data", "-o", "jsonpath={.spec.resources.requests.storage}"
    )
    evidence("kubectl get pvc btc-data -o jsonpath={.spec.resources.requests.storage}", size)
    assert size == "20Gi"
    patch = json.dumps({"spec": {"storage": {"size": "5Gi"}}})
    with pytest.raises(AssertionError, match="10Gi"):
        node.kubectl("-n", NAMESPACE, "patch", "tradingbot", bot, "--type=merge", "-p", patch)


@pytest.mark.row("S0-199")
def test_the_state_volume_has_the_folders_the_runbook_names(bot: str, evidence: Callable[[str, str], None]) -> None:
    """logs, models, cache and state stand on the volume."""
    look = ("python", "-c", "import os; print(*sorted(os.listdir('/data')))")
    answer = node.in_pod(bot, NAMESPACE, *look)
    claims = node.kubectl("-n", NAMESPACE, "get", "pvc", "-o", "name")
    evidence("kubectl exec <pod> -c bot -- " + " ".join(look), answer)
    evidence("kubectl get pvc -o name", claims)
    assert {"logs", "models", "cache", "state"} <= set(answer.split())
    assert {f"persistentvolumeclaim/{bot}-data", f"persistentvolumeclaim/{bot}-backups"} <= set(claims.split())


@pytest.mark.row("S0-021")
def test_kubectl_get_shows_what_a_person_looks_for(bot: str, evidence: Callable[[str, str], None]) -> None:
    """The printed columns say mode, active colour, readiness and halts; suspended means not Ready for trading."""
    answer = node.kubectl("-n", NAMESPACE, "get", "tb", bot)
    evidence("kubectl get tb btc", answer)
    heading, line = answer.splitlines()[:2]
    assert {"NAME", "MODE", "ACTIVE", "READY", "HALTED"} <= set(heading.split())
    assert line.split()[:2] == [bot, "paper"]
    shown = node.command("kubectl-tradingbot", "ps", "-n", NAMESPACE)
    evidence("kubectl tradingbot ps -n trading", shown)
    assert f"{NAMESPACE}/{bot}" in shown


def enter_for_good(bot: str) -> None:
    """The bot holds a position that its strategy never leaves, covered by its stop, and the books agree."""
    before = node.pod_of(bot, NAMESPACE)
    node.kubectl("apply", "-f", "-", text=manifest(strategy=AT_ONCE))
    node.eventually(lambda: node.pod_of(bot, NAMESPACE) != before, within=90)
    node.eventually(lambda: account()["open_orders"] and books_agree(), within=60)


def test_deleted_means_nothing_is_left_but_the_claims_and_the_stop(bot: str) -> None:
    """Deletion ends the process first and removes every child; the stop goes on covering, both claims stay.

    A bot of that name made again finds its ledger, in which the books still agree.
    """
    enter_for_good(bot)
    books = account()
    kept = {kind: books[kind] for kind in ("open_orders", "trades")}
    node.kubectl(
        "-n", NAMESPACE, "annotate", "tradingbot", bot, "tradingbot.io/delete=the story is over", "--overwrite"
    )
    node.kubectl("-n", NAMESPACE, "delete", "tradingbot", bot, "--timeout=90s")
    kinds = "deployments,pods,services,configmaps,secrets,controllerrevisions,persistentvolumeclaims"

    def left() -> list[str]:
        return node.kubectl("-n", NAMESPACE, "get", kinds, "-l", f"tradingbot.io/bot={bot}", "-o", "name").split()

    node.eventually(
        lambda: sorted(left()) == [f"persistentvolumeclaim/{bot}-{kind}" for kind in ("backups", "data")], within=90
    )
    books = account()
    assert {kind: books[kind] for kind in kept} == kept
    assert (len(kept["open_orders"]), uncovered(books)) == (1, 0)
    node.kubectl("apply", "-f", "-", text=manifest())
    node.kubectl("-n", NAMESPACE, "wait", f"tradingbot/{bot}", "--for=condition=Ready", "--timeout=60s")
    check_invariants()
