"""Small frozen records of what the watches brought. What is not in here is unknown, and what is in here may be gone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import Any

from tradingbot_operator.cluster import reading
from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, NAMESPACE, POD, TASK, Kind
from tradingbot_operator.domain.names import HALT
from tradingbot_operator.domain.observed import Observed, Pod, Report, Workload
from tradingbot_operator.domain.task import OF_A_BOT, Task, parse_task
from tradingbot_operator.engine.queue import Key

Name = tuple[str, str]


class Store:
    """One record for each watched object, and the last answer of each bot's process."""

    def __init__(self) -> None:
        self._prints: dict[tuple[str, Name], tuple[Any, ...]] = {}
        self._versions: dict[tuple[str, Name], tuple[str, int]] = {}
        self._workloads: dict[Name, dict[str, Workload]] = defaultdict(dict)
        self._pods: dict[Name, dict[str, Pod]] = defaultdict(dict)
        self._reports: dict[str, Report] = {}
        self._halts: dict[str, str] = {}
        self._tasks: dict[Name, dict[str, Task]] = defaultdict(dict)

    def put(self, kind: Kind, body: Mapping[str, Any]) -> tuple[Key, ...]:
        """The object is known as it is now; the answer is what must be looked at, if this can matter to anything."""
        name = place(body)
        if self._is_old(kind, name, body["metadata"]):
            return ()
        print_ = fingerprint(kind, body)
        if self._prints.get((kind.kind, name)) == print_:
            return ()
        self._prints[kind.kind, name] = print_
        if kind == NAMESPACE:
            return self._namespace(name[1], (body["metadata"].get("annotations") or {}).get(HALT))
        if kind == TASK:
            return self._task(name, body)
        bot = reading.bot_name(body)
        if kind == DEPLOYMENT and bot:
            self._workloads[name[0], bot][name[1]] = reading.workload(body)
        if kind == POD and bot and reading.is_over(body):
            self._forget(kind, name, (name[0], bot))
        elif kind == POD and bot:
            self._pods[name[0], bot][name[1]] = reading.pod(body)
        return keys_of(kind, body)

    def _is_old(self, kind: Kind, name: Name, meta: Mapping[str, Any]) -> bool:
        """Whether a list that was begun earlier brings what a watch has overtaken."""
        now = str(meta["uid"]), int(meta.get("resourceVersion") or 0)
        uid, known = self._versions.get((kind.kind, name), now)
        if uid == now[0] and 0 < now[1] < known:
            return True
        self._versions[kind.kind, name] = now
        return False

    def drop(self, kind: Kind, body: Mapping[str, Any]) -> tuple[Key, ...]:
        """The object is no longer known."""
        name = place(body)
        self._prints.pop((kind.kind, name), None)
        self._versions.pop((kind.kind, name), None)
        if kind == NAMESPACE:
            return self._namespace(name[1], None)
        if kind == TASK:
            return self._task(name, None)
        bot = reading.bot_name(body)
        if bot:
            self._forget(kind, name, (name[0], bot))
        return keys_of(kind, body)

    def names(self, kind: Kind) -> frozenset[Name]:
        """The objects of *kind* that are known."""
        return frozenset(name for known, name in self._prints if known == kind.kind)

    def knows(self, kind: Kind, name: Name) -> bool:
        return (kind.kind, name) in self._prints

    def purge(self, kind: Kind, alive: Set[Name]) -> tuple[Key, ...]:
        """Ghosts, whose end no watch brought, are gone; the answer is what must be looked at."""
        ghosts = [name for known, name in self._prints if known == kind.kind and name not in alive]
        keys: list[Key] = []
        for ghost in ghosts:
            del self._prints[kind.kind, ghost]
            self._versions.pop((kind.kind, ghost), None)
            if kind == TASK:
                self._task(ghost, None)
            keys += [(kind.kind, *ghost)] if kind in (BOT, TASK) else self._owners(kind, ghost)
        return tuple(keys)

    def _owners(self, kind: Kind, ghost: Name) -> list[Key]:
        table: Mapping[Name, Mapping[str, Any]] = self._pods if kind == POD else self._workloads
        bots = [bot for bot, known in table.items() if bot[0] == ghost[0] and ghost[1] in known]
        for bot in bots:
            self._forget(kind, ghost, bot)
        return [(BOT.kind, *bot) for bot in bots]

    def _forget(self, kind: Kind, name: Name, bot: Name) -> None:
        if kind == DEPLOYMENT:
            self._workloads[bot].pop(name[1], None)
        if kind == POD:
            gone = self._pods[bot].pop(name[1], None)
            if gone:
                self._reports.pop(gone.uid, None)

    def _task(self, name: Name, body: Mapping[str, Any] | None) -> tuple[Key, ...]:
        """A task that a pass over its bot carries out concerns that bot too, and at once."""
        for (namespace, _), known in self._tasks.items():
            if namespace == name[0]:
                known.pop(name[1], None)
        task = parse_task(body) if body is not None else None
        own = (TASK.kind, *name)
        if task is None or task.spec is None or task.spec.type not in OF_A_BOT:
            return (own,)
        bot = (name[0], task.spec.bot)
        self._tasks[bot][name[1]] = task
        return ((BOT.kind, *bot), own)

    def _namespace(self, namespace: str, halt: str | None) -> tuple[Key, ...]:
        if halt == self._halts.get(namespace):
            return ()
        if halt is None:
            del self._halts[namespace]
        else:
            self._halts[namespace] = halt
        return tuple(key for key in self.known() if key[0] == BOT.kind and key[1] == namespace)

    def known(self) -> Iterator[Key]:
        """Every bot and task known."""
        return ((kind, *name) for kind, name in self._prints if kind in (BOT.kind, TASK.kind))

    def count(self) -> int:
        return sum(1 for key in self.known() if key[0] == BOT.kind)

    def count_trading(self) -> int:
        """Processes that said last that they trade."""
        return sum(1 for report in self._reports.values() if report.trading_active)

    def observed(self, bot: Name) -> Observed:
        """What the watches and the bot's process have told of *bot*."""
        pods = tuple(self._pods[bot].values()) if bot in self._pods else ()
        workloads = tuple(self._workloads[bot].values()) if bot in self._workloads else ()
        said = [self._reports[pod.uid] for pod in pods if pod.uid in self._reports]
        # With two pods alive, the one that trades is the one that counts.
        report = max(said, key=lambda each: (each.trading_active, each.epoch or 0), default=None)
        reports = {pod.uid: self._reports[pod.uid] for pod in pods if pod.uid in self._reports}
        tasks = tuple(self._tasks[bot].values()) if bot in self._tasks else ()
        halt = self._halts.get(bot[0])
        return Observed(workloads, pods, report=report, reports=reports, namespace_halt=halt, tasks=tasks)

    def answering(self) -> tuple[tuple[Name, Pod], ...]:
        """The pods that can be asked what they are doing: an unready or a stopping one may still trade."""
        every = ((bot, pod) for bot, pods in self._pods.items() for pod in pods.values())
        return tuple((bot, pod) for bot, pod in every if pod.ip)

    def heard(self, pod_uid: str, report: Report | None) -> bool:
        """The last answer of that pod is *report*; whether that is news."""
        news = report != self._reports.get(pod_uid)
        # What is no news is kept all the same: counters are read when a hand-over asks for them.
        if report is not None:
            self._reports[pod_uid] = report
        elif news:
            del self._reports[pod_uid]
        return news


def place(body: Mapping[str, Any]) -> Name:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def keys_of(kind: Kind, body: Mapping[str, Any]) -> tuple[Key, ...]:
    """The bot or task an object belongs to."""
    namespace, name = place(body)
    if kind in (BOT, TASK):
        return ((kind.kind, namespace, name),)
    bot = reading.bot_name(body)
    return ((BOT.kind, namespace, bot),) if bot else ()


def _told(status: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a task has been told: of a newer version the next word of it must know."""
    said = tuple((each["type"], each["status"], each["message"]) for each in status.get("conditions") or ())
    return status.get("startedAt"), status.get("finishedAt"), said


def fingerprint(kind: Kind, body: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of an object can change a plan or a report; its resource version is not of it."""
    meta = body["metadata"]
    if kind in (BOT, TASK, NAMESPACE):
        notes = tuple(sorted((meta.get("annotations") or {}).items()))
        status = body.get("status") or {}
        seen = (
            status.get("observedGeneration"),
            *(_told(status) if kind == TASK else ()),
        )
        finalizers = tuple(meta.get("finalizers") or ())
        return meta["uid"], meta.get("generation"), meta.get("deletionTimestamp"), notes, finalizers, seen
    if kind == POD:
        pod = reading.pod(body)
        notes = tuple(sorted(pod.annotations.items()))
        over = reading.is_over(body)
        return pod.uid, pod.ready, pod.deleting, pod.ip, pod.trouble, pod.revision, notes, over
    return (reading.workload(body),)
