"""The same scale for Argo Rollouts: as many Rollouts on an API server of the same kind."""

import pathlib
import time
from typing import Any

import fleet
import meters
from fleet import NAMESPACE, all_current, edit, named

import applied
import operators
from apiserver import ApiServer
from peers import rollouts

Json = dict[str, Any]
ROLLOUTS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts"


def rollout(number: int) -> tuple[str, Json]:
    """What people run with Argo that is nearest to a bot: blue/green, one pod, two Services."""
    labels, name = {"app": named(number)}, named(number)
    container = {"name": "bot", "image": "localhost/tradingbot:0.1.0", "env": [{"name": "INTERVAL", "value": "15s"}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    strategy = {"blueGreen": {"activeService": name, "previewService": f"{name}-preview"}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, "strategy": strategy}
    meta = {"name": name, "namespace": NAMESPACE}
    return ROLLOUTS, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": meta, "spec": spec}


def service(name: str, app: str) -> tuple[str, Json]:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE}}
    return f"/api/v1/namespaces/{NAMESPACE}/services", {
        **body,
        "spec": {"selector": {"app": app}, "ports": [{"port": 80}]},
    }


def measured(server: ApiServer, folder: pathlib.Path, count: int) -> dict[str, float]:
    """The same for Argo Rollouts; its Services are there before it is measured."""
    for definition in rollouts.definitions():
        assert applied.apply(server, definition)[0] in {200, 201}
    operators.eventually(lambda: server.request("GET", ROLLOUTS)[0] == 200)
    both = [service(name, named(n)) for n in range(count) for name in (named(n), f"{named(n)}-preview")]
    fleet.sent(server, "POST", both, "application/json")
    following = fleet.Following(server, ROLLOUTS, fleet.rollout_is_current).start()
    with rollouts.running(server.kubeconfig, folder / "argo.log") as controller:
        time.sleep(5)
        since = time.monotonic()
        fleet.sent(server, "POST", (rollout(number) for number in range(count)), "application/json")
        figures = {"peer_argo_create_current_s": all_current(following, count, since, 1200)}
        following.expect(2)
        template = rollout(0)[1]["spec"]["template"]
        template["spec"]["containers"][0]["env"][0]["value"] = "20s"
        since = time.monotonic()
        changes = (edit(ROLLOUTS, number, {"template": labelled(template, number)}) for number in range(count))
        fleet.sent(server, "PATCH", changes, fleet.MERGE)
        figures["peer_argo_edit_current_s"] = all_current(following, count, since, 1200)
        process = meters.Process(controller.pid)
        return figures | {"peer_argo_rss_mb": process.resident_mb(), "peer_argo_cpu_s": process.cpu_s()}


def labelled(template: Json, number: int) -> Json:
    return {**template, "metadata": {"labels": {"app": named(number)}}}
