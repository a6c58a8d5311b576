"""A node in miniature for a real API server and a real operator: every pod a Deployment asks for is a real ``atb``.

It does of a kubelet what the product rests on: starts and ends the process, keeps its state folder, carries the pod's
annotations into the file the process reads, and says whether it is ready or why it does not start.
"""

import base64
import contextlib
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import applied
import bots
import kubelet
import operators
from apiserver import ApiServer, free_port
from jobs import Jobs
from markets import DEEP_DATA, morning
from operators import BOT_PORT, fetch

Json = dict[str, Any]
OF_MONEY = frozenset({"PAPER_TRADING", "ALLOW_REAL"})
NAMESPACE = "trading"
CORE, APPS = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/apps/v1/namespaces/{NAMESPACE}"
BIN = pathlib.Path(sys.executable).parent
ROOT = pathlib.Path(__file__).parent.parent
RULES = ROOT / "manifests/monitoring/trading.rules.yaml"
LOOK_SECONDS = 0.1
PODS = "10.77."
KUBELET = f"{PODS}255.250"
NEW_NETWORK = 0x40000000
NOW = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}


@dataclass
class Running:
    """One pod: the process, its folder, and what it has been told."""

    name: str
    uid: str
    address: str
    revision: str
    folder: pathlib.Path
    environment: dict[str, str]
    command: str
    process: subprocess.Popen[bytes] | None = None
    annotations: str = ""
    is_ready: bool = False
    ended: list[int] = field(default_factory=list)
    told_to_end: bool = False
    starts: list[int] = field(default_factory=list)
    restarted: str = ""
    lost: bool = False

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.starts.append(log.tell())
            self.process = subprocess.Popen([BIN / "atb", self.command], env=self.environment, stdout=log, stderr=log)

    def lose(self) -> None:
        """Its process is gone, and nobody starts it again, as where a machine is gone."""
        self.lost = True
        assert self.process
        self.process.kill()

    def status(self) -> Json:
        """What the process says of itself; empty when it does not answer."""
        code, text = fetch(f"http://{self.address}:{BOT_PORT}/status")
        return json.loads(text) if code == 200 else {}

    def metric(self, name: str) -> float:
        _, text = fetch(f"http://{self.address}:{BOT_PORT}/metrics")
        lines = (line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))
        return float(next(lines, "x nan").rpartition(" ")[2])

    def atb(self, *arguments: str) -> str:
        """What another ``atb`` in the pod prints, as through kubectl exec."""
        command = [str(BIN / "atb"), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


def restarted(template: Json) -> str:
    """When ``kubectl rollout restart`` last asked for other pods."""
    return str((template["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/restartedAt", ""))


@dataclass
class Node:
    """Keeps a real process for each pod, until *close*."""

    server: ApiServer
    folder: pathlib.Path
    pods: dict[str, Running] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(2))
    _closed: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.server, NAMESPACE)

    def start(self) -> "Node":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        self._closed.set()
        if self._thread:
            self._thread.join(10)
        self.jobs.close()
        for pod in self.pods.values():
            if pod.process and pod.process.poll() is None:
                pod.process.kill()
                pod.process.wait()

    def of(self, bot: str, colour: str = "") -> Running | None:
        """The pod of *bot*, of that colour if one is named, while there is one."""
        begins = f"{bot}-{colour}"
        return next((pod for name, pod in tuple(self.pods.items()) if name.startswith(begins)), None)

    def _run(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - told by the test that waits
                self.failures.append(repr(error))

    def _look(self) -> None:
        pods = {item["metadata"]["name"]: item for item in self._items(f"{CORE}/pods")}
        for pod in tuple(self.pods.values()):
            self._keep(pod, pods.get(pod.name))
        for deployment in self._items(f"{APPS}/deployments"):
            self._follow(deployment)
        self.jobs.look()

    def _items(self, path: str) -> list[Json]:
        code, body = self.server.request("GET", path)
        return list(body["items"]) if code == 200 else []

    def _follow(self, deployment: Json) -> None:
        name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
        asked = template["metadata"]["labels"]["tradingbot.io/revision"], restarted(template)
        mine = [pod for pod in self.pods.values() if pod.name.rpartition("-")[0] == name]
        wanted = deployment["spec"].get("replicas", 1)
        for pod in mine:
            if not wanted or (pod.revision, pod.restarted) != asked:
                self._end(pod)
        if wanted and not mine:
            self._begin(name, template)

    def _begin(self, deployment: str, template: Json) -> None:
        number = next(self._numbers)
        name, address = f"{deployment}-{number}", f"{PODS}{number // 250}.{number % 250 + 2}"
        spec = {**template["spec"], "automountServiceAccountToken": False}
        body = {"apiVersion": "v1", "kind": "Pod", "spec": spec}
        body["metadata"] = {**template["metadata"], "name": name, "namespace": NAMESPACE}
        code, made = self.server.request("POST", f"{CORE}/pods", body)
        assert code == 201, made
        bind = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
        bind["target"] = {"kind": "Node", "name": "n"}
        assert self.server.request("POST", f"{CORE}/pods/{name}/binding", bind)[0] == 201
        pod = self._mounted(deployment, made, address)
        pod.restarted = restarted(template)
        self._start(pod)
        self.pods[name] = pod
        self._say(pod, {"podIP": address, "podIPs": [{"ip": address}], **operators.ready("False")})

    def _start(self, pod: Running) -> None:
        """Its process runs, and an Event says so."""
        pod.start()
        about = {"kind": "Pod", "name": pod.name, "namespace": NAMESPACE, "uid": pod.uid}
        body = {"apiVersion": "v1", "kind": "Event", "metadata": {"generateName": f"{pod.name}."}}
        body |= {"involvedObject": about, "type": "Normal", "reason": "Started", "message": "Started container bot"}
        self.server.request(
            "POST", f"{CORE}/events", body | {"lastTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        )

    def _mounted(self, deployment: str, made: Json, address: str) -> Running:
        """Everything the template mounts, below a folder that outlives the pod."""
        folder = self.folder / deployment
        volumes = {each["name"]: each for each in made["spec"]["volumes"]}
        config = operators.found(self.server, f"{CORE}/configmaps/{volumes['settings']['configMap']['name']}")
        rendered = json.loads(config["data"]["settings.json"])
        claim = volumes.get("data", {}).get("persistentVolumeClaim")
        # A claim is one folder for whoever mounts it: both colours, where the ledger is a file.
        data = self.folder / claim["claimName"] if claim else folder / "data"
        own = {"data": f"{data}", "podinfo": f"{folder}/podinfo/annotations", "secrets": f"{folder}/secrets"}
        rendered["paths"] = own
        rendered["listen"] = {"http": f"{address}:8000", "ops": f"{address}:{BOT_PORT}"}
        if rendered["database"]["mode"] == "embedded":
            rendered["database"]["path"] = f"{data}/state/ledger.sqlite"
        (data / "state").mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        environment = bots.mounted(folder, rendered)
        for volume in volumes.values():
            if "secret" in volume and volume["name"] == "exchange":
                self._copied(volume["secret"]["secretName"], folder / "secrets/exchange")
        tokens = operators.found(self.server, f"{CORE}/secrets/{deployment.rpartition('-')[0]}-api")["data"]
        for place, key in (("api", "token"), ("operator", "operator-token")):
            (folder / "secrets" / place / "token").write_bytes(base64.b64decode(tokens[key]))
        labels, meta = made["metadata"]["labels"], made["metadata"]
        environment |= {
            "TRADINGBOT_COLOUR": labels["tradingbot.io/colour"],
            "TRADINGBOT_REVISION": labels["tradingbot.io/revision"],
            "POD_NAME": meta["name"],
            "POD_UID": meta["uid"],
            "POD_NAMESPACE": NAMESPACE,
        }
        # What the operator wrote of real money, as the kubelet would hand it on.
        written = made["spec"]["containers"][0]["env"]
        environment |= {each["name"]: each["value"] for each in written if each["name"] in OF_MONEY}
        command = "live" if rendered["mode"] == "live" else "paper"
        revision = labels["tradingbot.io/revision"]
        return Running(meta["name"], meta["uid"], address, revision, folder, environment, command)

    def _copied(self, secret: str, place: pathlib.Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        data = (operators.found(self.server, f"{CORE}/secrets/{secret}") or {}).get("data") or {}
        for name, value in data.items():
            (place / name).write_bytes(base64.b64decode(value))

    def _keep(self, pod: Running, seen: Json | None) -> None:
        if seen is None or "deletionTimestamp" in seen["metadata"]:
            self._end(pod)
            return
        notes = seen["metadata"].get("annotations") or {}
        lines = "".join(f"{key}={json.dumps(value)}\n" for key, value in sorted(notes.items()))
        if lines != pod.annotations:
            pod.annotations = lines
            (pod.folder / "podinfo/annotations").write_text(lines)
        code = pod.process.poll() if pod.process else None
        if code is not None and pod.told_to_end:
            self._end(pod)
        elif code is not None and not pod.lost:
            self._ended(pod, code)
        elif code is None and not pod.is_ready and fetch(f"http://{pod.address}:{BOT_PORT}/readyz")[0] == 200:
            pod.is_ready = True
            self._serve(pod.name.rpartition("-")[0].rpartition("-")[0], pod)
            self._say(pod, operators.ready("True"))

    def _serve(self, bot: str, pod: Running) -> None:
        """The Service of *bot* leads to the pod, as its controller and the proxy would see to."""
        ports = [{"name": "ops", "port": BOT_PORT, "protocol": "TCP"}, {"name": "http", "port": 8000}]
        ports.append({"name": "health", "port": BOT_PORT, "protocol": "TCP"})
        meta = {"name": bot, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": bot}}
        target = {"kind": "Pod", "name": pod.name, "namespace": NAMESPACE}
        old = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
        old["subsets"] = [{"addresses": [{"ip": pod.address, "targetRef": target}], "ports": ports}]
        new = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": meta,
            "addressType": "IPv4",
            "ports": ports,
        }
        new |= {"endpoints": [{"addresses": [pod.address], "conditions": {"ready": True}, "targetRef": target}]}
        for body in (old, new):
            code, answer = applied.apply(self.server, body, NAMESPACE)
            assert code in {200, 201}, answer

    def _ended(self, pod: Running, code: int) -> None:
        """A process that ended is started again; one that a person must help waits and says its last words."""
        pod.process, pod.is_ready = None, False
        pod.ended.append(code)
        if code != 78:
            self._start(pod)
            return
        words = json.loads(pod.log.strip().splitlines()[-1])["event"] if pod.log.strip()[-1] == "}" else pod.log[-400:]
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
        last = {"terminated": {"exitCode": code, "message": words}}
        container = {"name": "bot", "state": waiting, "lastState": last, "ready": False, "restartCount": 1}
        container |= {"image": "bot", "imageID": ""}
        self._say(pod, {**operators.ready("False"), "containerStatuses": [container]})

    def _end(self, pod: Running) -> None:
        if pod.process is not None:
            if pod.process.poll() is None:
                # Once, as a kubelet does: a second one would cut its end short.
                if not pod.told_to_end:
                    pod.process.send_signal(signal.SIGTERM)
                    pod.told_to_end = True
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pod.process.wait(LOOK_SECONDS)
            if pod.process.poll() is None:
                return
            pod.ended.append(pod.process.returncode)
        assert self.server.request("DELETE", f"{CORE}/pods/{pod.name}", NOW)[0] in {200, 404}
        del self.pods[pod.name]

    def _say(self, pod: Running, status: Json) -> None:
        operators.pod_status(self.server, pod.name, status)


@dataclass
class Site:
    """API server, operator, node and venue of one story; *kubectl* and the plugin as a person has them."""

    server: ApiServer
    operator: operators.Operator
    node: Node
    venue: str

    def kubectl(self, *arguments: str, code: int | None = 0) -> str:
        """What ``kubectl ARGUMENTS`` prints, both streams."""
        return self._said(["kubectl", *arguments], code)

    def atb(self, *arguments: str, code: int | None = 0) -> str:
        """What ``kubectl atb ARGUMENTS`` prints, both streams."""
        return self._said([str(BIN / "kubectl-atb"), *arguments], code)

    def helm(self, *arguments: str, code: int | None = 0) -> str:
        """What ``helm ARGUMENTS`` prints, both streams."""
        return self._said([tool("helm"), *arguments], code)

    def _said(self, command: list[str], code: int | None) -> str:
        folder = pathlib.Path(tool("kubectl")).parent
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.server.kubeconfig),
            "PATH": f"{folder}:{os.environ['PATH']}",
        }
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"{' '.join(command)} ended with {done.returncode}: {said}"
        return said

    def control(self, path: str, body: Json | None = None) -> Json:
        """The venue's control API."""
        request = operators.urllib.request.Request(
            f"{self.venue}/control/{path}",
            None if body is None else json.dumps(body).encode(),
            method="GET" if body is None else "POST",
        )
        with operators.urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.loads(answer.read()))

    def buys(self) -> list[Json]:
        """Every buy order that reached the venue."""
        entries = self.control("orders")["entries"]
        return [entry for entry in entries if entry["action"] == "order" and entry["side"] == "BUY"]

    def pod(self, bot: str) -> Running:
        """The pod of *bot*, as soon as its process trades."""
        operators.eventually(lambda: self.node.of(bot), lambda: "\n".join(self.node.failures[-3:]), 60)
        found = self.node.of(bot)
        assert found
        return found

    def trading(self, bot: str) -> Running:
        pod = self.pod(bot)
        operators.eventually(lambda: pod.status().get("state") == "trading", lambda: pod.log[-2000:], 60)
        return pod


def tool(name: str) -> str:
    done = subprocess.run(["cluster/tool", "--path", name], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.strip()


@contextlib.contextmanager
def simulator(folder: pathlib.Path, speed: str) -> Iterator[str]:
    """A venue in a process of its own; its address."""
    port = free_port()
    command = [BIN / "exchange-simulator", "serve", "--port", str(port), "--listen", "127.0.0.1", "--speed", speed]
    command += ["--data", str(DEEP_DATA)]
    # At that speed its clock is everybody's, and what the clock says no story chooses.
    command += ["--start", str(morning())] if speed != "1" else []
    with (folder / "simulator.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        operators.eventually(lambda: fetch(f"http://127.0.0.1:{port}/healthz")[0] == 200)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def prometheus(folder: pathlib.Path, *pods: Running) -> Iterator[str]:
    """A Prometheus that asks *pods* every second and knows our rules; its address."""
    port = free_port()
    targets = [f"{pod.address}:{BOT_PORT}" for pod in pods]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "bots", "static_configs": [{"targets": targets}]}],
    }
    (folder / "prometheus.yaml").write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/tsdb"]
    with (folder / "prometheus.log").open("ab") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        operators.eventually(lambda: fetch(f"http://127.0.0.1:{port}/-/ready")[0] == 200, within=30)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def firing(address: str) -> set[str]:
    """The names of the alerts that fire."""
    alerts = json.loads(fetch(f"{address}/api/v1/alerts")[1])["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """This thread and what it starts have a network of their own, in which every address of the pods is local.

    An API server passes requests on to pods, but never to loopback.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "a network of its own needs root")
    try:
        for line in ("link set lo up", f"route add local {PODS}0.0/16 dev lo"):
            subprocess.run(["ip", *line.split()], check=True)
        yield
    finally:
        libc.setns(before, NEW_NETWORK)
        os.close(before)


@contextlib.contextmanager
def site(folder: pathlib.Path, speed: str = "240") -> Iterator[Site]:
    """All parts run while the block does, and none afterwards."""
    with (
        own_network(),
        operators.prepared(folder) as server,
        simulator(folder, speed) as venue,
        operators.operator(server, folder) as operator,
    ):
        operator.start(bot_http_port="8000")
        node = Node(server, folder).start()
        try:
            with kubelet.running(server, KUBELET, node.pods.get):
                yield Site(server, operator, node, venue)
        finally:
            node.close()


def spec(venue: str, **changes: Any) -> Json:
    """A sandbox bot that trades often at *venue*, with limits that stop nothing."""
    made: Json = {
        "mode": "paper",
        "exchange": {
            "name": "binance",
            "symbols": ["BTC/USDT"],
            "endpoint": venue,
            "sandbox": True,
            "credentialsSecretRef": {"name": "keys"},
        },
        "strategy": {"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "2", "slow": "5"}},
        "risk": {
            "maxOrdersPerMinute": 600,
            "maxDailyLoss": "9000",
            "maxDailyLossPercent": "90",
            "maxDrawdownPercent": "90",
            "flashDrawdownPercent": "90",
        },
    }
    for name, value in changes.items():
        made[name] = {**made[name], **value} if isinstance(value, dict) and name in made else value
    return made


@contextlib.contextmanager
def trader(at: Site, name: str, **changes: Any) -> Iterator[Running]:
    """A bot that trades; it is gone when the block ends, its pod too."""
    operators.create_bot(at.server, name, spec(at.venue, **changes))
    try:
        yield at.trading(name)
    finally:
        at.control("market", {"outage": False})
        at.kubectl("annotate", "tb", name, "-n", NAMESPACE, "tradingbot.io/delete=done")
        at.kubectl("delete", "tb", name, "-n", NAMESPACE, "--timeout=60s")


def wait_bars(pod: Running, bars: int = 24) -> None:
    """The bot has decided so many more bars."""
    first = pod.metric("tradingbot_bars")
    operators.eventually(lambda: pod.metric("tradingbot_bars") >= first + bars, lambda: pod.log[-2000:], 60)


def seconds_until(true: Any, within: float) -> float:
    """How long it took."""
    since = time.monotonic()
    operators.eventually(true, within=within)
    return time.monotonic() - since
