"""The node that is struck: operator, venue, a PostgreSQL that is kept up, and two bots that trade all the time."""

import json
import os
import pathlib
import sqlite3
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

import node
import node_postgres
from bench import driven
from bench.driven import Driven
from chaos import judging
from chaos.judging import Ledger
from peers import nodeapi, swaps
from peers.nodeapi import NodeApi

Json = dict[str, Any]
NAMESPACE = driven.NAMESPACE
OWNER, FENCER, WORD = "struck_owner", "struck_fencer", "a-word-for-the-test"
BEATS = {"every_ms": "100", "notional": "10", "positions": "3", "holds": "50"}
REST = (None, "Idle", "Done", "Observing", "RolledBack", "Refused")
OPS_PORT = 9090
OPERATOR = "tradingbot-operator"
INTENTS = "SELECT i.client_id, o.status, i.timestamp FROM intents i JOIN outcomes o ON o.client_id = i.client_id"
FILLS = "SELECT side, quantity, commission, commission_asset FROM fills"
HISTORY = "SELECT epoch, event, instance FROM lease_history ORDER BY id"
LEASE = "SELECT epoch, released_at FROM lease"


@dataclass
class Struck(Driven):
    """A bot whose log and ledger are read past the API server, which may be away."""

    venue: str = ""
    server: node_postgres.NodeServer | None = None
    told_before: set[str] = field(default_factory=set)

    def control(self, path: str, body: Json | None = None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.venue}/control/{path}", data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                found: Json = json.loads(answer.read())
        except OSError as error:
            raise AssertionError(f"the venue does not answer {path}: {error}") from error
        return found

    def edit(self) -> None:
        """Another revision is asked for."""
        self.parameters = self.parameters | {"notional": f"{10 + next(self.numbers) / 100:.2f}"}
        change = {"spec": {"strategy": {"parameters": self.parameters}}}
        self.api.merge("TradingBot", self.name, NAMESPACE, change)

    @property
    def trader(self) -> str:
        """The uid of the pod that had the last entry accepted."""
        return (self.sender or "").partition("pod/")[2]

    def pods(self) -> list[Json]:
        labels = f"labelSelector=tradingbot.io/bot%3D{self.name}"
        found: list[Json] = self.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?{labels}")["items"]
        return [each for each in found if "tradingbot.io/colour" in each["metadata"]["labels"]]

    def status(self) -> Json:
        found: Json = self.api.find("TradingBot", self.name, NAMESPACE).get("status", {})
        return found

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        if self.server is not None:
            return self.server.sql(statement, self.name)
        [path] = (state() / "volumes").glob(f"*_{self.name}-data/state/ledger.sqlite")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def ledger(self) -> Ledger:
        [(epoch, released)] = self.rows(LEASE)
        statuses = {name: (status, _instant(at)) for name, status, at in self.rows(INTENTS)}
        history = tuple((int(e), event, who) for e, event, who in self.rows(HISTORY))
        position = Decimal(0)
        for side, quantity, commission, asset in self.rows(FILLS):
            position += Decimal(quantity) if side.upper() == "BUY" else -Decimal(quantity)
            position -= Decimal(commission) if asset == "BTC" else 0
        return Ledger(int(epoch), released is not None, history, statuses, position)

    def log_faults(self, ledger: Ledger) -> list[str]:
        """What the order log shows that no earlier look has."""
        self.read()
        fresh = [each for each in judging.log_faults(self.entries, ledger.senders) if each not in self.told_before]
        self.told_before.update(fresh)
        return fresh

    def unrest(self, since: int) -> list[str]:
        """What is missing until the bot trades under one epoch, its hand-over is at rest and its books agree."""
        status, pods = self.status(), self.pods()
        step = (status.get("rollout") or {}).get("step")
        found = [f"the hand-over is at {step}"] if step not in REST else []
        found += [f"{c['type']} {c['reason']}" for c in status["conditions"] if _unsettled(c)]
        found += self._strays(pods)
        self.read()
        settled, ledger = judging.settled_epoch(self.entries[since:]), self.ledger()
        if settled is None or settled != (ledger.epoch, ledger.senders.get(ledger.epoch)):
            return [*found, f"{settled} has traded, and epoch {ledger.epoch} is the ledger's"]
        if status["active"]["epoch"] != ledger.epoch:
            found.append(f"the status still names epoch {status['active']['epoch']} of {ledger.epoch}")
        shown = _shown(next((each for each in pods if each["metadata"]["uid"] == settled[1]), None))
        account = self.control(f"accounts/{self.name}")
        return found + judging.book_faults(self.ledger(), account, shown, datetime.now(UTC))

    def _strays(self, pods: list[Json]) -> list[str]:
        """One pod of a colour at most, and each of them of a Deployment that wants it."""
        found, colours = [], [each["metadata"]["labels"]["tradingbot.io/colour"] for each in pods]
        for colour in {"blue", "green"} & set(colours):
            wanted = self.api.find("Deployment", f"{self.name}-{colour}", NAMESPACE)["spec"]["replicas"]
            if wanted != colours.count(colour) or wanted > 1:
                found.append(f"{colour} has {colours.count(colour)} pods and wants {wanted}")
        return found

    def tail(self, count: int = 12) -> str:
        """The end of the order log, for whoever reads of a failure."""
        names = ("at_ms", "action", "outcome", "client_id", "sender")
        return "\n".join(" ".join(str(each[name]) for name in names) for each in self.entries[-count:])


def _unsettled(condition: Json) -> bool:
    kind, is_true = condition["type"], condition["status"] == "True"
    return is_true if kind == "Reconciling" else not is_true and kind in ("Ready", "TradingActive")


def _instant(at: str | datetime) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def state() -> pathlib.Path:
    """The folder of our own node."""
    return pathlib.Path(node.environment()["KUBECONFIG"]).parent


def _shown(pod: Json | None) -> Decimal:
    """The position by the bot's own word."""
    assert pod is not None, "the pod that trades is not listed"
    with urllib.request.urlopen(f"http://{pod['status']['podIP']}:{OPS_PORT}/status", timeout=5) as answer:
        positions = json.loads(answer.read())["positions"]
    return sum((Decimal(each["quantity"]) for each in positions), Decimal(0))


def processes(uid: str) -> list[int]:
    """The processes of a pod, by its cgroup in our own node; none of its sandbox."""
    listed = node.command("bash", "-c", f". cluster/lib.sh; node_processes '/pod{uid}/'").splitlines()
    return [int(pid) for pid, _, name in (each.partition(" ") for each in listed) if name not in ("pause", "gone")]


def components(name: str) -> list[int]:
    """The processes of our own node that are called *name*."""
    listed = node.command("cluster/status", "--processes").splitlines()
    return [int(each.split()[0]) for each in listed if each.split()[1:] == [name]]


def is_ready(pod: Json) -> bool:
    told = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
    return told.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


@dataclass
class World:
    """Everything a strike may hit."""

    api: NodeApi
    server: node_postgres.NodeServer
    bots: dict[str, Struck]

    def operator(self) -> Json:
        """The operator's pod; not one that is on its way out, where another is there."""
        found: list[Json] = self.api.request("GET", "/api/v1/namespaces/tradingbot-system/pods")["items"]
        own = [each for each in found if each["metadata"]["labels"].get("app.kubernetes.io/name") == OPERATOR]
        return min(own, key=lambda each: "deletionTimestamp" in each["metadata"])

    def unrest(self, since: dict[str, int]) -> list[str]:
        """What is missing at the operator or at either bot; an answer that did not come is missing too."""
        looks: dict[str, Callable[[], list[str]]] = {
            "operator": lambda: [] if is_ready(self.operator()) else ["not ready"]
        }
        looks |= {name: lambda name=name: self.bots[name].unrest(since[name]) for name in self.bots}
        found = []
        for name, look in looks.items():
            try:
                found += [f"{name}: {each}" for each in look()]
            except (AssertionError, OSError, psycopg.Error, sqlite3.Error, KeyError, ValueError) as error:
                found.append(f"{name}: {type(error).__name__} {str(error)[:200]}")
        return found


def ledger_on(server: node_postgres.NodeServer, api: NodeApi, name: str) -> Json:
    """``spec.database`` of a bot on *server*, as a person prepares it."""
    server.sql(f"CREATE DATABASE {name} OWNER {OWNER}")
    server.sql(f"ALTER SCHEMA public OWNER TO {OWNER}", name)
    refs = {}
    for kind, role in (("owner", OWNER), ("fencer", FENCER)):
        meta = {"name": f"{name}-{kind}", "namespace": NAMESPACE}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
        api.apply({**body, "stringData": {"url": server.url(name, role, WORD)}})
        refs[f"{kind}SecretRef"] = {"name": f"{name}-{kind}"}
    return {"mode": "postgres", "postgres": refs}


def _emptied(api: NodeApi) -> None:
    """Nothing of an earlier run is left, neither the venue's books nor a ledger."""
    api.remove("Deployment", "venue", swaps.NAMESPACE)
    node.kubectl("-n", NAMESPACE, "delete", "pvc", "--all", "--timeout=60s")
    pods = f"/api/v1/namespaces/{swaps.NAMESPACE}/pods"
    api.until(lambda: not api.request("GET", pods)["items"])


def _venue(api: NodeApi) -> str:
    address = api.request("GET", f"/api/v1/namespaces/{swaps.NAMESPACE}/services/venue")["spec"]["clusterIP"]
    return f"http://{address}:8080"


def both(api: NodeApi, server: node_postgres.NodeServer) -> list[Struck]:
    """A bot whose ledger is a file, and one whose ledger is on *server*."""
    return [Struck(api, "filed", dict(BEATS), venue=_venue(api)), on_server(api, server)]


def on_server(api: NodeApi, server: node_postgres.NodeServer) -> Struck:
    return Struck(api, "served", dict(BEATS), ledger_on(server, api, "served"), venue=_venue(api), server=server)


@contextmanager
def own_node(name: str, *arguments: str) -> Iterator[None]:
    """A cluster of that name, or of the caller's, which is gone afterwards unless it was up before."""
    if os.environ.get("CLUSTER") == "current":
        pytest.skip("processes are killed by their ids, which only the node of this folder has")
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("CLUSTER_NAME", os.environ.get("CLUSTER_NAME") or name)
        was_up = subprocess.run(["cluster/status", "--quiet"], cwd=node.ROOT, check=False).returncode == 0
        try:
            subprocess.run(["cluster/up", *arguments], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
            yield
        finally:
            if not was_up:
                subprocess.run(["cluster/down"], cwd=node.ROOT, check=True)


@contextmanager
def world(bots: Callable[[NodeApi, node_postgres.NodeServer], list[Struck]] = both) -> Iterator[World]:
    """Operator, venue, PostgreSQL and *bots* on a node that is up; they trade."""
    subprocess.run(["demo/install"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    driven.named_anew()
    with nodeapi.opened() as api, node_postgres.kept() as server:
        for role, rights in ((OWNER, ""), (FENCER, "CREATEROLE")):
            server.sql(f"CREATE ROLE {role} LOGIN {rights} PASSWORD '{WORD}'")
        server.sql(f"GRANT pg_signal_backend TO {FENCER}")
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        _emptied(api)
        swaps.prepared(api)
        made = World(api, server, {each.name: each for each in bots(api, server)})
        for bot in made.bots.values():
            api.until(lambda bot=bot: bot.control("clock"))
            bot.started()
        try:
            yield made
        finally:
            for bot in made.bots.values():
                bot.removed()
