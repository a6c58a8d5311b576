"""Measures the operator with thousands of bots: ``make bench NAME=scale`` writes build/bench/scale.json.

A real API server without a node; pods and the bots' answers come from stand-ins (kubelet.py). The same number of Argo
Rollouts is made and changed on the same API server, with the definitions and the controller of Argo Rollouts 1.9.0.
Everything runs in a network of its own. ``python tests/bench/scale.py BOTS MORE`` takes other counts.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import argo
import fleet
import meters
from fleet import NAMESPACE, all_current, edit, named

import node
import operators
from apiserver import ApiServer

Json = dict[str, Any]
BOTS = operators.BOTS.format(NAMESPACE)
SPEC = {"exchange": {"name": "binance", "symbols": ["BTC/USDT"]}, "strategy": {"name": "sma_cross"}}
SETTINGS = {
    "poll_seconds": "30",
    "audit_seconds": "300",
    "bot_port": "9090",
    "bot_http_port": "8000",
    "listen_ops": "127.0.0.1:9190",
}
BARS = {
    "writes_per_bot": 6,
    "restart_adopted_s": 5,
    "restart_writes_count": 0,
    "rss_mb": 150,
    "rss_5000_mb": 400,
}
CHILDREN = (
    "/apis/apps/v1/namespaces/{}/deployments",
    "/api/v1/namespaces/{}/services",
    "/api/v1/namespaces/{}/configmaps",
    "/api/v1/namespaces/{}/secrets",
    "/api/v1/namespaces/{}/persistentvolumeclaims",
    "/apis/apps/v1/namespaces/{}/controllerrevisions",
)


def bot(number: int) -> tuple[str, Json]:
    body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "TradingBot", "metadata": {"name": named(number)}}
    return BOTS, {**body, "spec": SPEC}


@contextlib.contextmanager
def stand_ins(server: ApiServer, folder: pathlib.Path) -> Iterator[None]:
    command = [sys.executable, str(pathlib.Path(__file__).with_name("kubelet.py")), server.url, server.token]
    with (folder / "kubelet.log").open("wb") as log:
        process = subprocess.Popen([*command, str(server.authority)], stdout=log, stderr=log)
    try:
        yield
        assert process.poll() is None, (folder / "kubelet.log").read_text()[-2000:]
    finally:
        process.kill()
        process.wait()


def children(server: ApiServer) -> Counter[str]:
    """How many objects of each kind the bots' namespace holds."""
    found: Counter[str] = Counter()
    for path in CHILDREN:
        items = server.request("GET", path.format(NAMESPACE), Accept=PARTIAL)[1]["items"] or ()
        found[path.rpartition("/")[2]] = sum(each["metadata"]["name"].startswith("bot-") for each in items)
    return found


PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def raw_rate(server: ApiServer) -> float:
    """Server-side applies a second from one process, of what one bot has, under other names."""
    operators.namespace(server, "raw")
    samples = []
    for path in CHILDREN:
        items = server.request("GET", path.format(NAMESPACE) + "?limit=40")[1]["items"]
        found = next((each for each in items if each["metadata"]["name"].startswith(named(0))), None)
        if found:
            samples.append((path, found))
    requests = [renamed(path, body, number) for number in range(100) for path, body in samples]
    return len(requests) / fleet.sent(server, "PATCH", requests, fleet.APPLY)


KINDS = {
    "deployments": ("apps/v1", "Deployment"),
    "services": ("v1", "Service"),
    "configmaps": ("v1", "ConfigMap"),
    "secrets": ("v1", "Secret"),
    "persistentvolumeclaims": ("v1", "PersistentVolumeClaim"),
    "controllerrevisions": ("apps/v1", "ControllerRevision"),
}


def renamed(path: str, body: Json, number: int) -> tuple[str, Json]:
    version, kind = KINDS[path.rpartition("/")[2]]
    name = f"raw-{number}-{body['metadata']['name']}"[:60]
    kept = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    spec = kept.get("spec")
    if kind == "Service" and spec:
        kept["spec"] = {key: value for key, value in spec.items() if not key.startswith("cluster")}
    # Without the label by which the operator and the stand-ins know theirs: nobody but the API server may be at work.
    labels = {key: value for key, value in body["metadata"].get("labels", {}).items() if "managed-by" not in key}
    meta = {"name": name, "namespace": "raw", "labels": labels}
    made = {**kept, "apiVersion": version, "kind": kind, "metadata": meta}
    return f"{path.format('raw')}/{name}?fieldManager=raw&force=true", made


def passes(operator: operators.Operator) -> float:
    return sum(
        operator.metric(f'tradingbot_operator_reconcile_total{{kind="TradingBot",result="{each}"}}') for each in RESULTS
    )


RESULTS = ("done", "stalled", "outdated", "unavailable", "refused", "error")


def created(server: ApiServer, following: fleet.Following, numbers: range, within: float) -> float:
    since = time.monotonic()
    fleet.sent(server, "POST", (bot(number) for number in numbers), "application/json")
    return all_current(following, numbers.stop, since, within)


def restarted(server: ApiServer, operator: operators.Operator, count: int) -> tuple[float, Counter[str]]:
    """Seconds from the lease until every bot was looked at, and what was written until a while after."""
    operator.stop()
    before = meters.writes(server)
    operator.launch(**SETTINGS)
    meters.until(lambda: operator.metric("tradingbot_operator_leader") == 1, 60, 0.02)
    took = meters.until(lambda: passes(operator) >= count, 120, 0.05)
    meters.until(lambda: operator.metric("tradingbot_operator_queue_depth") == 0, 120)
    return took, meters.between(before, meters.writes(server))


def bots(server: ApiServer, folder: pathlib.Path, count: int, more: int) -> dict[str, Any]:
    """Every figure of our own."""
    figures: dict[str, Any] = {"bots_count": count}
    following = fleet.Following(server, BOTS, fleet.bot_is_current).start()
    with operators.operator(server, folder) as operator, stand_ins(server, folder):
        operator.ops_port = 9190
        operator.launch(**SETTINGS)
        meters.until(lambda: operator.ops("/readyz")[0] == 200, 120)
        assert operator.process is not None
        process, before = meters.Process(operator.process.pid), meters.writes(server)
        figures["create_current_s"] = created(server, following, range(count), 600)
        meters.until(lambda: operator.metric("tradingbot_operator_queue_depth") == 0, 120)
        written = meters.between(before, meters.writes(server), {"POST tradingbots": count})
        figures["writes_per_bot"] = sum(written.values()) / count
        figures["writes_of_a_bot"] = {name: round(each / count, 2) for name, each in sorted(written.items())}
        figures["children_of_a_bot"] = {name: each / count for name, each in children(server).items()}
        figures["raw_writes_per_s"] = raw_rate(server)
        before = meters.writes(server)
        following.expect(2)
        since = time.monotonic()
        changes = (edit(BOTS, number, {"engine": {"checkInterval": "20s"}}) for number in range(count))
        fleet.sent(server, "PATCH", changes, fleet.MERGE)
        figures["edit_current_s"] = all_current(following, count, since, 600)
        meters.until(lambda: operator.metric("tradingbot_operator_queue_depth") == 0, 120)
        written = meters.between(before, meters.writes(server), {"PATCH tradingbots": count})
        figures["writes_of_an_edit"] = {name: round(each / count, 2) for name, each in sorted(written.items())}
        figures |= {"rss_mb": process.resident_mb(), "cpu_s": process.cpu_s()}
        took, written = restarted(server, operator, count)
        figures |= {"restart_adopted_s": took, "restart_writes_count": sum(written.values())}
        figures["restart_writes"] = dict(written)
        if more > count:
            following.expect(1)
            figures |= five_thousand(server, operator, following, range(count, more))
    return figures


def five_thousand(
    server: ApiServer, operator: operators.Operator, following: fleet.Following, numbers: range
) -> dict[str, Any]:
    """The rest up to *numbers* is made too; the time is that of all, at the same pace."""
    since = time.monotonic()
    fleet.sent(server, "POST", (bot(number) for number in numbers), "application/json")
    following.bodies |= {named(number): True for number in range(numbers.start)}
    took = all_current(following, numbers.stop, since, 1800)
    assert operator.process is not None
    resident = meters.Process(operator.process.pid).resident_mb()
    return {"create_current_5000_s": took * numbers.stop / len(numbers), "rss_5000_mb": resident}


@contextlib.contextmanager
def prepared() -> Iterator[tuple[ApiServer, pathlib.Path]]:
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        with operators.prepared(folder) as server:
            operators.namespace(server, NAMESPACE)
            yield server, folder


def main(count: int, more: int) -> int:
    with prepared() as (server, folder):
        figures = bots(server, folder, count, more)
    with prepared() as (server, folder):
        figures |= argo.measured(server, folder, count)
    return report(figures)


def report(figures: dict[str, Any]) -> int:
    """Write the figures and print each beside its bar."""
    ratio = figures["writes_per_bot"] * figures["bots_count"] / figures["raw_writes_per_s"]
    bars = BARS | {"create_current_s": 1.25 * ratio, "rss_mb": min(150, figures["peer_argo_rss_mb"])}
    rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in sorted(figures.items())}
    path = node.ROOT / "build" / "bench" / "scale.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded, indent=1) + "\n")
    for name, value in rounded.items():
        bar = bars.get(name)
        print(
            f"{name:<28} {value}" + ("" if bar is None else f"  bar {bar:.2f}: {'kept' if value <= bar else 'MISSED'}")
        )
    print(f"written to {path.relative_to(node.ROOT)}")
    return 0


if __name__ == "__main__":
    if os.environ.get("SCALE_NETWORK") != "own":
        # The addresses of thousands of pods, and a controller that listens on every interface, stay in there.
        inside = 'ip link set lo up && exec "$0" "$@"'
        command = ["unshare", "--net", "bash", "-c", inside, sys.executable, *sys.argv]
        raise SystemExit(subprocess.call(command, env={**os.environ, "SCALE_NETWORK": "own"}))
    raise SystemExit(main(*(int(each) for each in (*sys.argv[1:], "1000", "5000")[:2])))
