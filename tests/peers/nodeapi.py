"""The API server of the node through ``kubectl proxy``: no process start in what is measured."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import node

Json = dict[str, Any]
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PLURALS = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}",
    "Namespace": "/api/v1/namespaces/{name}",
    "ConfigMap": "/api/v1/namespaces/{ns}/configmaps/{name}",
    "Secret": "/api/v1/namespaces/{ns}/secrets/{name}",
    "Service": "/api/v1/namespaces/{ns}/services/{name}",
    "Pod": "/api/v1/namespaces/{ns}/pods/{name}",
    "Deployment": "/apis/apps/v1/namespaces/{ns}/deployments/{name}",
    "Rollout": "/apis/argoproj.io/v1alpha1/namespaces/{ns}/rollouts/{name}",
    "TradingBot": "/apis/tradingbot.io/v1alpha1/namespaces/{ns}/tradingbots/{name}",
    "BotTask": "/apis/tradingbot.io/v1alpha1/namespaces/{ns}/bottasks/{name}",
}


@dataclass(frozen=True)
class NodeApi:
    """Requests to the API server behind *url*."""

    url: str

    def request(self, method: str, path: str, body: object = None, content: str = "application/json") -> Any:
        """The parsed answer; an AssertionError for anything but success."""
        data = None if body is None else json.dumps(body).encode()
        made = urllib.request.Request(self.url + path, data, {"Content-Type": content}, method=method)
        try:
            with urllib.request.urlopen(made, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error

    def find(self, kind: str, name: str, ns: str) -> Json:
        return self.request("GET", PLURALS[kind].format(ns=ns, name=name))

    def apply(self, body: Json, manager: str = "bench") -> Json:
        path = PLURALS[body["kind"]].format(ns=body["metadata"].get("namespace", ""), name=body["metadata"]["name"])
        return self.request("PATCH", f"{path}?fieldManager={manager}&force=true", body, APPLY)

    def merge(self, kind: str, name: str, ns: str, patch: Json) -> Json:
        return self.request("PATCH", PLURALS[kind].format(ns=ns, name=name), patch, MERGE)

    def create(self, body: Json) -> Json:
        path = PLURALS[body["kind"]].format(ns=body["metadata"]["namespace"], name="")
        return self.request("POST", path.rstrip("/"), body)

    def remove(self, kind: str, name: str, ns: str) -> None:
        with contextlib.suppress(AssertionError):
            self.request("DELETE", PLURALS[kind].format(ns=ns, name=name))

    def until(self, look: Callable[[], Any], within: float = 60, every: float = 0.05) -> Any:
        """The first truthy answer of *look*."""
        return node.eventually(look, within, every)


@contextlib.contextmanager
def opened() -> Iterator[NodeApi]:
    """A proxy on loopback while the block runs."""
    command = ["kubectl", "proxy", "--port=0", "--disable-filter=true"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=node.environment(), cwd=node.ROOT)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        api = NodeApi(f"http://127.0.0.1:{said.strip().rpartition(':')[2]}")
        api.until(lambda: api.request("GET", "/version"))
        yield api
    finally:
        process.terminate()
        process.wait()


def now_ms() -> int:
    """Wall time, which is the venue's time in mode `wall`."""
    return int(time.time() * 1000)
