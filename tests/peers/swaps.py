"""Swaps of the trading program as a Deployment and as an Argo Rollout on the real node, judged by the order log.

``python tests/peers/swaps.py COUNT`` prints the figures; ``make bench NAME=handover`` measures them in its own run.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import node
from peers import nodeapi, overlap, rollouts
from peers.nodeapi import NodeApi

Json = dict[str, Any]
NAMESPACE = "peers"
ROLLOUTS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts"
IMAGE = "localhost/exchange-simulator:0.1.0"
HERE = pathlib.Path(__file__).parent
# So long after the first order of the new one nothing of the old one may come, before a swap counts as over.
QUIET_MS = 1500
ALONE_MS = 1000


def program(file: str, environment: dict[str, str], port: int) -> Json:
    """The spec of a pod that runs *file* of this folder."""
    named = [{"name": name, "value": value} for name, value in environment.items()]
    named.append({"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
    container = {
        "name": "program",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", f"/programs/{file}"],
        "env": named,
        "ports": [{"containerPort": port}],
        "volumeMounts": [{"name": "programs", "mountPath": "/programs"}],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [{"name": "programs", "configMap": {"name": "programs"}}],
    }


def named(kind: str, name: str, spec: Json, version: str = "v1") -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def deployment(name: str, pod: Json, strategy: Json) -> Json:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, "strategy": strategy}
    return named("Deployment", name, spec, "apps/v1")


def service(name: str, port: int, selects: str | None = None) -> Json:
    return named("Service", name, {"selector": {"app": selects or name}, "ports": [{"port": port}]})


def trader(version: int) -> Json:
    return program("trader.py", {"TRADER_VENUE": f"venue.{NAMESPACE}.svc:8080", "VERSION": str(version)}, 8000)


def prepared(api: NodeApi) -> None:
    """The namespace holds a venue without rate limits, and both programs."""
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    files = {name: (HERE / name).read_text() for name in ("trader.py", "venue.py")}
    meta = {"name": "programs", "namespace": NAMESPACE}
    api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": files})
    api.apply(deployment("venue", program("venue.py", {}, 8080), {"type": "Recreate"}))
    api.apply(service("venue", 8080))
    api.until(lambda: api.find("Deployment", "venue", NAMESPACE)["status"].get("readyReplicas") == 1)


class Log:
    """The venue's order log, read forward."""

    def __init__(self, api: NodeApi, name: str) -> None:
        self.api, self.name, self.seen = api, name, 0
        self.entries: list[Json] = []
        # What was there before is of another run.
        self.read().clear()

    def read(self) -> list[Json]:
        """Everything since this log was opened that pods of *name* sent."""
        path = f"/api/v1/namespaces/{NAMESPACE}/services/venue:8080/proxy/control/orders?since={self.seen}"
        fresh = self.api.request("GET", path)["entries"]
        self.seen = fresh[-1]["seq"] if fresh else self.seen
        self.entries += [each for each in fresh if each["sender"].startswith(f"{self.name}-")]
        return self.entries

    def alone(self, number: int) -> bool:
        """Sender *number* has traded for a while, and every earlier one has been silent for longer."""
        known = overlap.spells(self.read())
        if len(known) < number:
            return False
        new = known[number - 1]
        latest = max((each.last_ms for each in known[:-1]), default=0)
        return new.last_ms - new.first_ms > ALONE_MS and new.last_ms - latest > QUIET_MS


def deployment_gaps(api: NodeApi, strategy: str, count: int) -> list[int]:
    """The gap of each of *count* swaps of a Deployment; below zero two versions traded."""
    name = strategy.lower()
    log = Log(api, name)
    for number in range(count + 1):
        api.apply(deployment(name, trader(number), {"type": strategy}))
        api.until(lambda number=number: log.alone(number + 1), within=90)
    api.remove("Deployment", name, NAMESPACE)
    gaps = overlap.gaps_ms(log.entries)
    assert len(gaps) == count, f"{len(gaps)} swaps were seen, {count} were made"
    return gaps


def rollout(version: int) -> Json:
    strategy = {"blueGreen": {"activeService": "argo", "previewService": "argo-preview"}}
    body = deployment("argo", trader(version), strategy)
    return {**body, "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}


def selected(api: NodeApi) -> str:
    spec = api.find("Service", "argo", NAMESPACE)["spec"]
    return spec["selector"].get("rollouts-pod-template-hash", "")


def switched(api: NodeApi, version: int) -> float:
    """Milliseconds from the request that applies *version* until the active Service selects another template."""
    before, since = selected(api), time.monotonic()
    api.apply(rollout(version))
    api.until(lambda: selected(api) != before, within=60, every=0.002)
    return (time.monotonic() - since) * 1000


def healthy(api: NodeApi) -> bool:
    status = api.find("Rollout", "argo", NAMESPACE).get("status", {})
    return status.get("phase") == "Healthy" and bool(selected(api))


def argo(api: NodeApi, count: int) -> tuple[list[float], int]:
    """How long each of *count* switches back took, and how many versions traded at once after three swaps."""
    log = Log(api, "argo")
    for name in ("argo", "argo-preview"):
        api.apply(service(name, 8000, "argo"))
    api.apply(rollout(0))
    api.until(lambda: healthy(api), within=90)
    for version in (1, 2, 3):
        switched(api, version)
    api.until(lambda: len(overlap.spells(log.read())) >= 4 and overlap.traders_at_once(log.entries) >= 4, within=20)
    most = overlap.traders_at_once(log.read())
    took = []
    for number in range(count):
        # Within the delay both templates are warm, so this is the change of a selector and nothing else.
        took.append(switched(api, 2 if number % 2 == 0 else 3))
        api.until(lambda: healthy(api), within=60)
    api.remove("Rollout", "argo", NAMESPACE)
    return took, most


def installed(api: NodeApi) -> None:
    """The API server serves Argo's definitions."""
    for definition in rollouts.definitions():
        api.apply(definition)
    api.until(lambda: api.request("GET", ROLLOUTS))


def controller(folder: pathlib.Path) -> Any:
    """Argo's controller beside the node, with its ports inside the node's own network."""
    kubeconfig = node.environment()["KUBECONFIG"]
    return rollouts.running(pathlib.Path(kubeconfig), folder / "argo.log", within=node.network())


def measured(api: NodeApi, count: int) -> Iterator[tuple[str, float]]:
    """Every figure of the peers."""
    prepared(api)
    overlaps = [-gap for gap in deployment_gaps(api, "RollingUpdate", count)]
    yield "peer_rollingupdate_overlap_p50_ms", statistics.median(overlaps)
    yield "peer_recreate_gap_p50_ms", statistics.median(deployment_gaps(api, "Recreate", count))
    installed(api)
    with tempfile.TemporaryDirectory() as folder, controller(pathlib.Path(folder)):
        took, most = argo(api, count)
    yield "peer_argo_switch_back_p50_ms", statistics.median(took)
    yield "peer_argo_traders_max_count", most
    api.remove("Namespace", NAMESPACE, NAMESPACE)


def main(count: int) -> None:
    with nodeapi.opened() as api:
        print(json.dumps(dict(measured(api, count)), indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
