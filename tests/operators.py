"""A running operator beside a real API server, and stand-ins for what that API server has not: kubelet and bots."""

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import apiserver
import applied
from apiserver import ApiServer
from tradingbot_operator.crd.definitions import bottasks, tradingbots

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
BOTS = "/apis/tradingbot.io/v1alpha1/namespaces/{}/tradingbots"
TASKS = "/apis/tradingbot.io/v1alpha1/namespaces/{}/bottasks"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/tradingbot-system/leases/tradingbot-operator"
KEYS = {"apiKey": "simulator-demo", "secret": "simulator-demo"}
BOT_PORT = apiserver.free_port()


@dataclass
class Operator:
    """The real command in a process of its own."""

    server: ApiServer
    folder: pathlib.Path
    ops_port: int = field(default_factory=apiserver.free_port)
    http_port: int = field(default_factory=apiserver.free_port)
    process: subprocess.Popen | None = None

    def start(self, **settings: str) -> None:
        """The operator leads when this returns."""
        self.launch(**settings)
        eventually(lambda: self.ops("/readyz")[0] == 200, self.log)

    def launch(self, **settings: str) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OPERATOR_", "COV_"))},
            "KUBECONFIG": str(self.server.kubeconfig),
            "OPERATOR_LISTEN_OPS": f"127.0.0.1:{self.ops_port}",
            "OPERATOR_LISTEN_HTTP": f"127.0.0.1:{self.http_port}",
            "OPERATOR_BOT_PORT": str(BOT_PORT),
            "OPERATOR_BOT_HTTP_PORT": str(BOT_PORT),
            "OPERATOR_POLL_SECONDS": "1",
            "OPERATOR_AUDIT_SECONDS": "2",
            **{f"OPERATOR_{name}".upper(): value for name, value in settings.items()},
        }
        command = pathlib.Path(sys.executable).with_name("tradingbot-operator")
        with (self.folder / "operator.log").open("ab") as log:
            self.process = subprocess.Popen([str(command), "run"], env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """As by the kernel: nothing is said, nothing is released."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Asked to end, it ends; the answer is its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(40)

    def ops(self, path: str) -> tuple[int, str]:
        return fetch(f"http://127.0.0.1:{self.ops_port}{path}")

    def metric(self, line: str) -> float:
        """The value of the metric whose line begins with *line*."""
        _, text = self.ops("/metrics")
        return next((float(each.rpartition(" ")[2]) for each in text.splitlines() if each.startswith(line)), 0.0)

    def log(self) -> str:
        return (self.folder / "operator.log").read_text()[-4000:]


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@contextlib.contextmanager
def prepared(folder: pathlib.Path) -> Iterator[ApiServer]:
    """An API server that serves both definitions and has the namespaces of the tests."""
    with apiserver.running(folder) as server:
        for definition in (tradingbots(), bottasks()):
            applied.established(server, definition)
        for name in ("trading", "tradingbot-system"):
            namespace(server, name)
        yield server


@contextlib.contextmanager
def operator(server: ApiServer, folder: pathlib.Path) -> Iterator[Operator]:
    """An operator that may be started; it has ended when the block ends, and nothing waits for its Lease."""
    made = Operator(server, folder)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()
        server.request("DELETE", LEASE)


def namespace(server: ApiServer, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert applied.apply(server, body)[0] in {200, 201}
    keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": KEYS}
    assert applied.apply(server, keys, name)[0] in {200, 201}


def eventually(true: Callable[[], Any], why: Callable[[], str] = lambda: "", within: float = 20.0) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + within
    while not (answer := true()):
        assert time.monotonic() < deadline, f"did not become true within {within} s\n{why()}"
        time.sleep(0.05)
    return answer


def found(server: ApiServer, path: str) -> Json | None:
    code, body = server.request("GET", path)
    assert code in {200, 404}, body
    return body if code == 200 else None


def names(server: ApiServer, path: str) -> list[str]:
    return sorted(item["metadata"]["name"] for item in server.request("GET", path)[1]["items"])


def create_bot(server: ApiServer, name: str, spec: Json, ns: str = "trading", **metadata: Any) -> Json:
    body = {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "TradingBot",
        "metadata": {"name": name} | metadata,
        "spec": spec,
    }
    code, answer = server.request("POST", BOTS.format(ns), body)
    assert code == 201, answer
    return answer


def bot(server: ApiServer, name: str, ns: str = "trading") -> Json | None:
    return found(server, f"{BOTS.format(ns)}/{name}")


def patch_bot(server: ApiServer, name: str, patch: Json, ns: str = "trading") -> Json:
    code, answer = server.request("PATCH", f"{BOTS.format(ns)}/{name}", patch, MERGE)
    assert code == 200, answer
    return answer


def condition(body: Json | None, kind: str) -> Json:
    """The condition of that type, or an empty one."""
    conditions = ((body or {}).get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})


def state(server: ApiServer, name: str, kind: str, ns: str = "trading") -> tuple[str | None, str | None]:
    """Status and reason of a condition."""
    seen = condition(bot(server, name, ns), kind)
    return seen.get("status"), seen.get("reason")


def deployment(server: ApiServer, name: str, ns: str = "trading") -> Json | None:
    return found(server, f"/apis/apps/v1/namespaces/{ns}/deployments/{name}-blue")


def stand_in_pod(server: ApiServer, name: str, ip: str, ns: str = "trading", suffix: str = "1") -> str:
    """A pod as the Deployment's controller would make it, ready as the kubelet would report it."""
    template = deployment(server, name, ns)["spec"]["template"]
    spec = {**template["spec"], "automountServiceAccountToken": False}
    pod = f"{name}-blue-{suffix}"
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": pod, "namespace": ns},
        "spec": spec,
    }
    code, answer = server.request("POST", f"/api/v1/namespaces/{ns}/pods", body)
    assert code == 201, answer
    bind = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": {"kind": "Node", "name": "n"}}
    assert server.request("POST", f"/api/v1/namespaces/{ns}/pods/{pod}/binding", bind)[0] == 201
    pod_status(server, pod, {"podIP": ip, "podIPs": [{"ip": ip}], **ready("True")}, ns)
    return pod


def ready(status: str) -> Json:
    return {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]}


def pod_status(server: ApiServer, pod: str, status: Json, ns: str = "trading") -> None:
    path = f"/api/v1/namespaces/{ns}/pods/{pod}/status"
    code, answer = server.request("PATCH", path, {"status": status}, "application/strategic-merge-patch+json")
    assert code == 200, answer


def remove_pod(server: ApiServer, pod: str, ns: str = "trading") -> None:
    """The pod is gone, as after the kubelet has stopped it."""
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
    assert server.request("DELETE", f"/api/v1/namespaces/{ns}/pods/{pod}", options)[0] in {200, 404}


@contextlib.contextmanager
def stand_in_bot(ip: str, **changes: Any) -> Iterator[Json]:
    """A process that answers /status as a bot does; what it answers may be changed while it runs."""
    said: Json = {
        "instance": "pod/1",
        "state": "trading",
        "trading_active": True,
        "epoch": 4,
        "highest_epoch": 4,
        "holder": "blue",
        "ledger_id": "q3v9zk",
        "halts": [],
        "equity": "10000",
        **changes,
    }

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(said)

        def do_POST(self) -> None:
            """The lease of a bot that trades alone; nothing can be done to it."""
            beats = [{"instance": said["instance"], "role": "trader", "silent_ms": 100}]
            row = {name: said[name] for name in ("ledger_id", "epoch", "holder", "instance")}
            self._say(
                {
                    **row,
                    "revision": None,
                    "successor": None,
                    "order_left_ms": None,
                    "hold_left_ms": None,
                    "released": False,
                    "heartbeats": beats,
                    "done": False,
                }
            )

        def _say(self, what: Json) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            text = json.dumps(what).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer((ip, BOT_PORT), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
