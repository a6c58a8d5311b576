"""The operator over an API server in memory and a model of ledger and node: scenes of a hand-over in virtual time."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import make_operator as make
from fakecluster import Died, FakeApi
from lease_model import Ledger, Node
from tradingbot_operator.cluster import reading
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.cluster.prometheus import Watch
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.domain.lease import LedgerAway
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.revision import revision_name
from tradingbot_operator.domain.rollout import parse_rollout
from tradingbot_operator.domain.task import parse_task
from tradingbot_operator.reconcile import reconcile

BOT = ("trading", "btc")
QUICK = {"observe": "5s", "deadline": "40s", "adoptDeadline": "2s"}
OLD: dict[str, Any] = {**make.MINIMAL, "rollout": QUICK}
NEW: dict[str, Any] = {**OLD, "strategy": {"name": "sma_cross", "parameters": {"fast": "5"}}}
NEWER: dict[str, Any] = {**OLD, "strategy": {"name": "sma_cross", "parameters": {"fast": "7"}}}
OLD_NAME, NEW_NAME, NEWER_NAME = (revision_name(make.bot(each).spec) for each in (OLD, NEW, NEWER))
LONGEST_PASS_MS = 500
Strike = Callable[[str, bool], None]


@dataclass
class Scene:
    """One bot with everything around it. *strike* may kill the operator, or make a call fail, at any effect."""

    strike: Strike | None = None
    api: FakeApi = field(default_factory=FakeApi)
    ledger: Ledger = field(default_factory=Ledger)
    memory: Memory = field(default_factory=Memory)
    effects: list[str] = field(default_factory=list)
    deaths: int = 0
    requests_before_order: int = 0
    shown: set[str] = field(default_factory=set)
    generation: int = 1
    # How the Job ends that asks that colour; None: it runs on.
    job_ends: Callable[[dict[str, Any]], str | None] = lambda _: "Complete"
    jobs_seen: list[str] = field(default_factory=list)
    watch: Watch | None = None
    away: int = 0  # for so many passes the ledger is not reached

    def __post_init__(self) -> None:
        self.node = Node(self.ledger)
        self.api.strike = self._met

    def _met(self, name: str, after: bool) -> None:
        if not after:
            self.effects.append(name)
            self._judge(name)
        if self.strike is not None:
            self.strike(name, after)

    def _judge(self, name: str) -> None:
        """What must stand before an effect on the lease stands."""
        if name not in ("order", "grant"):
            return
        self.requests_before_order = self.api.requests
        status = self.status
        assert status["highestEpoch"] > self.ledger.epoch, f"{name} before highestEpoch was raised"
        assert "successor" in status["rollout"], f"{name} before the decision was written"

    @property
    def status(self) -> dict[str, Any]:
        body = self.api.one("TradingBot", "btc")
        return dict(body.get("status") or {}) if body else {}

    @property
    def step(self) -> str:
        return str((self.status.get("rollout") or {}).get("step", "Idle"))

    def condition(self, kind: str) -> tuple[str, str] | None:
        found = (each for each in self.status.get("conditions") or () if each["type"] == kind)
        return next(((each["status"], each["reason"]) for each in found), None)

    def apply(self, spec: dict[str, Any], **annotations: str) -> None:
        old = self.api.one("TradingBot", "btc")
        body = {**copy.deepcopy(old or make.body()), "spec": spec}
        notes = {f"tradingbot.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
        body["metadata"] = {**body["metadata"], "annotations": notes}
        self.api.put(body)

    def task(self, kind: str, name: str = "t", **spec: Any) -> None:
        meta = {"name": name, "namespace": "trading", "generation": 1}
        self.api.put({"kind": "BotTask", "metadata": meta, "spec": {"bot": "btc", "type": kind, **spec}})

    def task_phase(self, name: str = "t") -> str | None:
        body = self.api.one("BotTask", name)
        return (body.get("status") or {}).get("phase") if body else None

    def seen(self) -> Observed:
        pods = tuple(reading.pod(each) for each in self.api.of("Pod"))
        said = {each.uid: self.node.report(each) for each in self.node.processes.values()}
        return make.observed(
            workloads=tuple(reading.workload(each) for each in self.api.of("Deployment")),
            pods=pods,
            reports={uid: report for uid, report in said.items() if report is not None},
            tasks=tuple(parse_task(each) for each in self.api.of("BotTask")),
        )

    def once(self) -> None:
        """One pass, and then the world goes on."""
        now = make.NOW + timedelta(milliseconds=self.ledger.now - 1_000_000)
        cluster = Cluster(self.api, self.memory, monitoring=())
        reach = make.reach(None if self.away else self.ledger, self.node, self._met, self.watch)
        self.away = max(0, self.away - 1)
        again = 0.2
        try:
            outcome = asyncio.run(reconcile(BOT, cluster, make.moment(now=now, seen=self.seen()), reach))
            again = outcome.again_seconds if outcome.again_seconds is not None else 1.0
        except Died:
            self.memory, self.deaths = Memory(), self.deaths + 1
        except (Outdated, ClusterUnavailable, LedgerAway):
            pass
        self.world(min(LONGEST_PASS_MS, max(20, round(again * 1000))))

    def world(self, milliseconds: int) -> None:
        """Deployments have their pods, and every process has done what it does in that time."""
        there = {each["metadata"]["name"] for each in self.api.of("Pod")}
        for process in [each for each in self.node.processes.values() if each.uid in self.shown - there]:
            self.node.stop(process.colour)
        for each in self.api.of("Deployment"):
            work = reading.workload(each)
            self.node.run(work.colour, work.revision, work.replicas)
        self.node.pass_time(milliseconds)
        for job in self.api.of("Job"):
            self._end(job)
        for name in [name for kind, _, name in self.api.objects if kind == "Pod"]:
            del self.api.objects["Pod", "trading", name]
        for process in self.node.processes.values():
            self._pod(process)
        self.shown = {each.uid for each in self.node.processes.values()}

    def _end(self, job: dict[str, Any]) -> None:
        name, end = job["metadata"]["name"], self.job_ends(job)
        if name not in self.jobs_seen:
            self.jobs_seen.append(name)
        if end is not None:
            self.api.put({**job, "status": {"conditions": [{"type": end, "status": "True"}]}})

    def _pod(self, process: Any) -> None:
        work = self.api.one("Deployment", f"btc-{process.colour}")
        if work is None:
            return
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": process.trouble}} if process.trouble else {}
        status = {
            "conditions": [{"type": "Ready", "status": "True" if process.ready else "False"}],
            "podIP": process.uid,
            "containerStatuses": [{"name": "bot", "imageID": "image", "state": waiting}],
        }
        meta = {**copy.deepcopy(work["spec"]["template"]["metadata"]), "name": process.uid, "namespace": "trading"}
        meta["uid"] = process.uid
        meta["annotations"] = {}
        self.api.put({"kind": "Pod", "metadata": meta, "status": status})

    def until(self, true: Callable[[], Any], passes: int = 600) -> None:
        for _ in range(passes):
            if true():
                return
            self.once()
        raise AssertionError(f"never true: {self.status.get('rollout')}\n{self.ledger}\n{self.node.processes}")

    def rest(self, passes: int = 40) -> None:
        """Enough passes for everything that ends by itself."""
        for _ in range(passes):
            self.once()

    def trades(self) -> str | None:
        """The revision of the process that can write now."""
        held = self.node.processes.get(self.ledger.holder)
        ours = held is not None and held.instance == self.ledger.instance and not self.ledger.released
        return held.revision if held and ours and self.ledger.holder not in self.ledger.shut else None

    def end(self) -> dict[str, Any]:
        """What must be equal however often the operator died."""
        rollout = parse_rollout(self.status)
        deployments = {each["metadata"]["name"]: reading.workload(each) for each in self.api.of("Deployment")}
        service = self.api.one("Service", "btc")
        return {
            "trades": self.trades(),
            "colours": {name: (each.revision, each.replicas) for name, each in deployments.items()},
            "leads to": service["spec"]["selector"]["tradingbot.io/colour"] if service else None,
            "step": rollout.step.value if rollout else None,
            "held": rollout.held.revision if rollout and rollout.held else None,
            "active": {name: self.status["active"][name] for name in ("colour", "revision")},
            "tasks": {
                each["metadata"]["name"]: (each.get("status") or {}).get("phase") for each in self.api.of("BotTask")
            },
            "objects": sorted((kind, name) for kind, _, name in self.api.objects if kind not in ("Event", "Pod")),
            "stalled": self.condition("Stalled"),
        }


def started(strike: Strike | None = None) -> Scene:
    """A bot that trades its first revision."""
    scene = Scene()
    scene.apply(OLD)
    scene.until(lambda: scene.trades() is not None and scene.condition("Ready") == ("True", "PodReady"))
    scene.rest(4)
    scene.strike = strike
    scene.effects.clear()
    return scene
