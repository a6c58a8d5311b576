"""Small frozen records of what the watches brought. What is not in here is unknown, and what is in here may be gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tradingbot_operator.cluster import reading
from tradingbot_operator.domain.kinds import BOT, TASK, Kind
from tradingbot_operator.domain.observed import Pod, Report
from tradingbot_operator.engine.queue import Key

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """The part of an object whose change can matter to its bot."""

    uid: str
    print: tuple[Any, ...]


class Store:
    """One record for each watched object, and the last answer of each bot's process."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, Name], Seen] = {}
        self._pods: dict[Name, tuple[Name, Pod]] = {}
        self._reports: dict[str, Report] = {}

    def put(self, kind: Kind, body: Mapping[str, Any]) -> Key | None:
        """The object is known as it is now; the answer is the bot or task to look at, if this can matter to one."""
        name = (body["metadata"]["namespace"], body["metadata"]["name"])
        record = Seen(body["metadata"]["uid"], fingerprint(kind, body))
        if self._seen.get((kind.kind, name)) == record:
            return None
        self._seen[kind.kind, name] = record
        parent = parent_of(kind, body)
        if kind.kind == "Pod" and parent:
            self._pods[name] = (parent[1:], reading.pod(body))
        return parent

    def drop(self, kind: Kind, body: Mapping[str, Any]) -> Key | None:
        """The object is no longer known."""
        name = (body["metadata"]["namespace"], body["metadata"]["name"])
        self._seen.pop((kind.kind, name), None)
        if kind.kind == "Pod" and name in self._pods:
            self._reports.pop(self._pods.pop(name)[1].uid, None)
        return parent_of(kind, body)

    def names(self, kind: Kind) -> frozenset[Name]:
        return frozenset(name for known, name in self._seen if known == kind.kind)

    def forget(self, kind: Kind, name: Name) -> None:
        """A ghost: its end was missed by the watch."""
        self._seen.pop((kind.kind, name), None)
        if kind.kind == "Pod" and name in self._pods:
            self._reports.pop(self._pods.pop(name)[1].uid, None)

    def keys(self) -> Iterator[Key]:
        """Every bot and task known."""
        return ((kind, *name) for kind, name in self._seen if kind in (BOT.kind, TASK.kind))

    def answering(self) -> tuple[tuple[Name, Pod], ...]:
        """The pods that can be asked what they are doing."""
        return tuple((bot, pod) for bot, pod in self._pods.values() if pod.ready and pod.ip and not pod.deleting)

    def heard(self, pod_uid: str, report: Report | None) -> bool:
        """The last answer of that pod is *report*; whether that is news."""
        if report == self._reports.get(pod_uid):
            return False
        if report is None:
            self._reports.pop(pod_uid, None)
        else:
            self._reports[pod_uid] = report
        return True

    def report(self, bot: Name) -> Report | None:
        """What the serving pod of *bot* last said; with two pods, the one that trades."""
        said = [self._reports[pod.uid] for name, pod in self._pods.values() if name == bot and pod.uid in self._reports]
        return max(said, key=lambda each: (each.trading_active, each.epoch or 0), default=None)


def parent_of(kind: Kind, body: Mapping[str, Any]) -> Key | None:
    """The bot or task an object belongs to."""
    namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
    if kind in (BOT, TASK):
        return kind.kind, namespace, name
    bot = reading.bot_name(body)
    return (BOT.kind, namespace, bot) if bot else None


def fingerprint(kind: Kind, body: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of an object can change a plan; its resource version is not of it."""
    meta, status = body["metadata"], body.get("status") or {}
    going = meta.get("deletionTimestamp")
    if kind in (BOT, TASK):
        notes = tuple(sorted((meta.get("annotations") or {}).items()))
        return (
            meta.get("generation"),
            going,
            notes,
            tuple(meta.get("finalizers") or ()),
            status.get("observedGeneration"),
        )
    if kind.kind == "Pod":
        seen = reading.pod(body)
        return seen.ready, seen.deleting, seen.ip, seen.trouble, tuple(sorted(seen.annotations.items()))
    return (
        meta.get("generation"),
        going,
        reading.controller_uid(body),
        status.get("readyReplicas"),
        status.get("observedGeneration"),
    )
