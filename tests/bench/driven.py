"""A bot on the node, driven by edits and tasks, and seen through the venue's order log alone."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import node
from peers import nodeapi, swaps
from peers.nodeapi import NodeApi

Json = dict[str, Any]
NAMESPACE = "bench"
VENUE = f"http://venue.{swaps.NAMESPACE}.svc:8080"
POLL_SECONDS = 0.02
# The bot's image by another name: of its own image the operator takes no strategy that is for benches only.
IMAGE = "localhost/tradingbot:bench"
LOOSE = {
    "maxOrdersPerMinute": 6000,
    "maxDailyLoss": "9000",
    "maxDailyLossPercent": "90",
    "maxDrawdownPercent": "90",
}


@dataclass
class Driven:
    """One bot of its own account. *entries* are the log's of that account, in its order."""

    api: NodeApi
    name: str
    parameters: dict[str, str]
    database: Json = field(default_factory=lambda: {"mode": "embedded"})
    observe: str = "15m"
    standby: str = "none"
    entries: list[Json] = field(default_factory=list)
    seen: int = 0
    numbers: Any = field(default_factory=lambda: count(1))

    def __enter__(self) -> "Driven":
        self.started()
        return self

    def __exit__(self, *_: object) -> None:
        self.removed()

    def manifest(self) -> Json:
        exchange = {"name": "binance", "symbols": ["BTC/USDT"], "endpoint": VENUE, "sandbox": True}
        spec = {
            "mode": "paper",
            "image": IMAGE,
            "exchange": exchange | {"credentialsSecretRef": {"name": self.name}},
            "strategy": {"name": "metronome", "timeframe": "1m", "parameters": self.parameters},
            "risk": LOOSE,
            "database": self.database,
            "rollout": {"observe": self.observe, "standby": self.standby},
        }
        meta = {"name": self.name, "namespace": NAMESPACE}
        return {"apiVersion": "tradingbot.io/v1alpha1", "kind": "TradingBot", "metadata": meta, "spec": spec}

    def started(self) -> None:
        """It has an account, keys, and trades; what was logged before is not its."""
        self.read()
        self.entries.clear()
        account = {"api_key": self.name, "secret": self.name, "balances": {"USDT": "10000", "BTC": "0"}}
        self.control("accounts", account)
        keys = {"apiKey": self.name, "secret": self.name}
        meta = {"name": self.name, "namespace": NAMESPACE}
        self.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": keys})
        self.create()
        self.wait(lambda: self.sender is not None, 120)

    def create(self) -> None:
        self.api.apply(self.manifest())

    def control(self, path: str, body: Json | None = None) -> Json:
        where = f"/api/v1/namespaces/{swaps.NAMESPACE}/services/venue:8080/proxy/control/{path}"
        return self.api.request("GET" if body is None else "POST", where, body)

    def read(self) -> list[Json]:
        """What came since the last look."""
        fresh = self.control(f"orders?since={self.seen}")["entries"]
        self.seen = fresh[-1]["seq"] if fresh else self.seen
        mine = [each for each in fresh if each["api_key"] == self.name]
        self.entries += mine
        return mine

    @property
    def sender(self) -> str | None:
        """Who had the last entry accepted."""
        self.read()
        return next((each["sender"] for each in reversed(self.entries) if is_entry(each)), None)

    def first_of_another(self, sender: str, within: float = 60) -> int:
        """When the first entry of another than *sender* took effect, by the venue's clock."""
        since, end = len(self.entries), time.monotonic() + within
        while time.monotonic() < end:
            self.read()
            for entry in self.entries[since:]:
                if is_entry(entry) and entry["sender"] != sender:
                    return int(entry["at_ms"])
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"{self.name}: nobody but {sender} traded within {within} s; {self.told()}")

    def wait(self, true: Any, within: float = 60) -> None:
        end = time.monotonic() + within
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"{self.name}: not within {within} s; {self.told()}")
            time.sleep(0.1)

    def told(self) -> str:
        """What the bot's status says of its hand-over."""
        status = self.api.find("TradingBot", self.name, NAMESPACE).get("status", {})
        bad = [f"{c['type']}={c['status']} {c['reason']}: {c['message']}" for c in status.get("conditions", [])]
        return f"{status.get('active')} {status.get('rollout')} {bad}"

    def swap(self) -> float:
        """Milliseconds from the edit until the new version's first entry."""
        before, asked = self.sender, nodeapi.now_ms()
        assert before is not None
        notional = {"notional": f"{10 + next(self.numbers) / 100:.2f}"}
        self.parameters = self.parameters | notional
        self.api.merge("TradingBot", self.name, NAMESPACE, {"spec": {"strategy": {"parameters": notional}}})
        return self.first_of_another(before, 120) - asked

    def rollback(self, within: float = 60) -> float:
        """Milliseconds from the request until the first entry of the colour that takes over again."""
        before, asked = self.sender, nodeapi.now_ms()
        assert before is not None
        self.task("rollback")
        return self.first_of_another(before, within) - asked

    def task(self, kind: str) -> str:
        # A finished task's name is never run twice, not even in another bench.
        name = f"{self.name}-{kind}-{nodeapi.now_ms()}"
        spec = {"bot": self.name, "type": kind, "reason": "bench"}
        meta = {"name": name, "namespace": NAMESPACE}
        self.api.create({"apiVersion": "tradingbot.io/v1alpha1", "kind": "BotTask", "metadata": meta, "spec": spec})
        return name

    def settled(self, steps: tuple[str, ...]) -> None:
        """The hand-over's record stands at one of *steps*."""
        self.wait(lambda: self.step() in steps, 60)

    def step(self) -> str | None:
        status = self.api.find("TradingBot", self.name, NAMESPACE).get("status", {})
        return (status.get("rollout") or {}).get("step")

    def pod(self) -> str:
        """The name of the pod that sends."""
        uid = (self.sender or "").partition("pod/")[2]
        listed = self.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
        return next(each["metadata"]["name"] for each in listed if each["metadata"]["uid"] == uid)

    def removed(self) -> None:
        note = {"metadata": {"annotations": {"tradingbot.io/delete": "measured"}}}
        self.api.merge("TradingBot", self.name, NAMESPACE, note)
        self.api.remove("TradingBot", self.name, NAMESPACE)
        where = f"/apis/tradingbot.io/v1alpha1/namespaces/{NAMESPACE}/tradingbots"
        names = lambda: [each["metadata"]["name"] for each in self.api.request("GET", where)["items"]]  # noqa: E731
        self.wait(lambda: self.name not in names(), 120)


def named_anew() -> None:
    """Every node has the bot's image as IMAGE too."""
    again = f'in_node "$node" ctr --namespace k8s.io images tag --force localhost/tradingbot:0.1.0 {IMAGE} </dev/null'
    node.command("bash", "-c", f". cluster/lib.sh; node_folders | while read -r node; do {again}; done")


def is_entry(entry: Json) -> bool:
    return entry["action"] == "order" and entry["outcome"] == "accepted" and entry["side"] == "BUY"


@contextmanager
def frozen(pod: str) -> Iterator[None]:
    """The processes of *pod* stand still while the block runs; the kernel only stops them, nobody is told."""
    listed = node.command("cluster/status", "--processes", f"{NAMESPACE}/{pod}").splitlines()
    pids = [line.split()[0] for line in listed]
    subprocess.run(["kill", "-STOP", *pids], check=True)
    try:
        yield
    finally:
        # Those that were ended meanwhile are gone.
        subprocess.run(["kill", "-CONT", *pids], check=False, stderr=subprocess.DEVNULL)
