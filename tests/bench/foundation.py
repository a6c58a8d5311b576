"""Measures the foundation on the real node: ``make bench NAME=foundation`` writes build/bench/foundation.json.

The demo is run twice (the second run is the warm one); then bots are applied one after the other, each with an account
of its own, and what the venue's log and the kernel say of them is noted.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import node  # the tests' own way to the node

RUNS = 5
NAMESPACE = "bench"
BARS = {
    "bot_idle_rss_mb": 125,
    "bot_paper_idle_rss_mb": 105,
    "operator_image_mb": 60,
    "bot_image_mb": 90,
    "cluster_up_warm_s": 15,
    "demo_warm_s": 60,
    "apply_to_first_order_p50_s": 10,
    "process_to_listening_p50_s": 2,
}


def timed(*command: str) -> float:
    since = time.monotonic()
    subprocess.run(command, cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - since


def manifest(name: str, sandbox: bool) -> str:
    exchange: dict[str, Any] = {
        "name": "binance",
        "symbols": ["BTC/USDT"],
        "endpoint": "http://exchange-simulator.exchange-simulator.svc:8080",
    }
    if sandbox:
        exchange |= {"sandbox": True, "credentialsSecretRef": {"name": name}}
    spec = {
        "mode": "paper",
        "exchange": exchange,
        "strategy": {"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "1", "slow": "2"}},
        "risk": {"maxOrdersPerMinute": 600},
    }
    metadata = {"name": name, "namespace": NAMESPACE}
    return json.dumps(
        {"apiVersion": "tradingbot.io/v1alpha1", "kind": "TradingBot", "metadata": metadata, "spec": spec}
    )


def with_account(name: str) -> None:
    node.ask_simulator("/control/accounts", {"api_key": name, "secret": name, "balances": {"USDT": "10000"}})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": {"apiKey": name, "secret": name},
    }
    node.kubectl("apply", "-f", "-", text=json.dumps(secret))


def resident_mb(namespace: str, *selector: str) -> float:
    """Resident memory of the container's first process, by the kernel's own word."""
    look = ("python", "-c", "print([l for l in open('/proc/1/status') if l.startswith('VmRSS')][0].split()[1])")
    pod = node.kubectl("-n", namespace, "get", "pod", *selector, "-o", "jsonpath={.items[0].metadata.name}")
    return round(int(node.kubectl("-n", namespace, "exec", pod, "--", *look)) / 1024, 1)


def remove(name: str) -> None:
    node.kubectl("-n", NAMESPACE, "annotate", "tradingbot", name, "tradingbot.io/delete=measured", "--overwrite")
    node.kubectl("-n", NAMESPACE, "delete", "tradingbot", name, "--timeout=120s")
    node.kubectl("-n", NAMESPACE, "delete", "pvc", f"{name}-data", "--ignore-not-found", "--wait=false")


def first_order(name: str) -> bool:
    entries = node.simulator("/control/orders?since=0")["entries"]
    return any(entry["api_key"] == name and entry["action"] == "order" for entry in entries)


def one_bot(name: str) -> dict[str, float]:
    with_account(name)
    since = time.monotonic()
    node.kubectl("apply", "-f", "-", text=manifest(name, sandbox=True))
    node.kubectl("-n", NAMESPACE, "wait", f"tradingbot/{name}", "--for=condition=Ready", "--timeout=60s")
    ready = time.monotonic() - since
    node.eventually(lambda: first_order(name), within=120, every=0.1)
    return {"ready": ready, "first_order": time.monotonic() - since}


def listening_s(name: str) -> float:
    """Seconds from process start to both ports listening, as the bot's own log says."""
    log = node.kubectl("-n", NAMESPACE, "logs", "-l", f"tradingbot.io/bot={name}", "--tail=-1")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return next(float(line["after_seconds"]) for line in lines if line.get("event") == "Listening")


def main() -> int:
    subprocess.run(["demo/up"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["demo/down"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    figures: dict[str, float] = {"cluster_up_warm_s": timed("cluster/up")}
    subprocess.run(["demo/down"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    figures["demo_warm_s"] = timed("demo/up")
    node.kubectl("create", "namespace", NAMESPACE)
    runs, listened = [], []
    for number in range(RUNS):
        name = f"bench-{number}"
        runs.append(one_bot(name))
        listened.append(listening_s(name))
        if number == RUNS - 1:
            figures["bot_idle_rss_mb"] = resident_mb(NAMESPACE, "-l", f"tradingbot.io/bot={name}")
        remove(name)
    figures["bot_ready_p50_s"] = statistics.median(run["ready"] for run in runs)
    figures["apply_to_first_order_p50_s"] = statistics.median(run["first_order"] for run in runs)
    figures["process_to_listening_p50_s"] = statistics.median(listened)
    node.kubectl("apply", "-f", "-", text=manifest("bench-paper", sandbox=False))
    node.kubectl("-n", NAMESPACE, "wait", "tradingbot/bench-paper", "--for=condition=Ready", "--timeout=60s")
    node.eventually(lambda: node.status_of("bench-paper", NAMESPACE)["trading_active"], within=60)
    figures["bot_paper_idle_rss_mb"] = resident_mb(NAMESPACE, "-l", "tradingbot.io/bot=bench-paper")
    remove("bench-paper")
    figures["operator_idle_rss_mb"] = resident_mb(
        "tradingbot-system", "-l", "app.kubernetes.io/name=tradingbot-operator"
    )
    for part in ("operator", "bot"):
        figures[f"{part}_image_mb"] = float(node.command("images/build", "--size", part))
    subprocess.run(["demo/down"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    return report(figures)


def report(figures: dict[str, float]) -> int:
    """Write the figures and print each beside its bar."""
    path = node.ROOT / "build" / "bench" / "foundation.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: round(value, 2) for name, value in sorted(figures.items())}, indent=1) + "\n")
    for name, value in sorted(figures.items()):
        bar = BARS.get(name)
        verdict = "" if bar is None else f"  bar {bar}: {'kept' if value <= bar else 'MISSED'}"
        print(f"{name:<32} {value:8.2f}{verdict}")
    print(f"written to {path.relative_to(node.ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
