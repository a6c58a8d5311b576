"""What was changed on a bot, from the revisions it had and the events it caused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
# What these tell of is a change of what a bot stands on; of nodes and pods everything else is daily life.
OF_NODES = frozenset({"NodeNotReady", "NodeReady", "NodeNotSchedulable", "NodeSchedulable", "Rebooted", "RemovingNode"})
PRESSURE = frozenset({"NodeHasDiskPressure", "NodeHasInsufficientMemory", "EvictionThresholdMet", "SystemOOM"})
OF_PODS = frozenset({"Evicted", "Preempted", "TaintManagerEviction", "NodeNotReady", "OOMKilling"})


def history(revisions: Iterable[Json], events: Iterable[Json], around: Iterable[Json] = ()) -> list[dict[str, Any]]:
    """Every change, oldest first: each revision with what differs from the one before it, and what went on *around*."""
    entries = [*_changes(sorted(revisions, key=lambda each: int(each["revision"]))), *map(_event, events)]
    return sorted([*entries, *map(_around, around)], key=lambda entry: str(entry["at"]))


def infrastructure(bot: str, events: Iterable[Json]) -> list[Json]:
    """Those of *events* that tell of a change below *bot*: its pods put out, its nodes, and databases beside it."""
    told = [(each, each["involvedObject"]) for each in events]
    pods = [(each, about) for each, about in told if about["kind"] == "Pod" and _is_of(bot, about["name"])]
    nodes = {str(each.get("message")).rpartition(" to ")[2] for each, _ in pods if each.get("reason") == "Scheduled"}
    put_out = [each for each, _ in pods if each.get("reason") in OF_PODS]
    beside = [each for each, about in told if about["kind"] == "StatefulSet"]
    below = [each for each, about in told if about["kind"] == "Node" and about["name"] in nodes]
    return [*put_out, *beside, *(each for each in below if each.get("reason") in OF_NODES | PRESSURE)]


def _is_of(bot: str, pod: str) -> bool:
    return pod.startswith((f"{bot}-blue-", f"{bot}-green-"))


def _changes(revisions: Sequence[Json]) -> Iterator[dict[str, Any]]:
    before: Json | None = None
    for revision in revisions:
        name = revision["metadata"].get("labels", {}).get("tradingbot.io/revision", "")
        entry = {"at": revision["metadata"]["creationTimestamp"], "revision": name, "number": revision["revision"]}
        changes = differences(_asked(before), _asked(revision)) if before else []
        yield {**entry, "kind": kind(changes) if before else "created", "changes": changes}
        before = revision


def _asked(revision: Json | None) -> dict[str, Any]:
    """What a person may have changed: the spec's fields by their path, the image, and the fingerprint of the keys."""
    data = (revision or {}).get("data") or {}
    containers = data.get("template", {}).get("spec", {}).get("containers") or [{}]
    keys = ((revision or {}).get("metadata") or {}).get("annotations", {}).get("tradingbot.io/keys")
    return {**dict(_flat("spec", data.get("spec") or {})), "image": containers[0].get("image"), "keys": keys}


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for name, inner in value.items():
        yield from _flat(f"{path}.{name}", inner)


def differences(before: Json, after: Json) -> list[dict[str, Any]]:
    """The fields whose values differ, by their paths."""
    names = sorted({*before, *after})
    return [
        {"field": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name) and name != "spec.image"
    ]


def kind(changes: Sequence[Json]) -> str:
    """One word for a change: what it is made of, or the weightiest of several."""
    fields = [str(change["field"]) for change in changes]
    if "image" in fields:
        return "image"
    if any(field.startswith("spec.strategy.parameters") for field in fields):
        return "parameter"
    if fields == ["keys"]:
        return "keys"
    return "configuration"


def _event(event: Json) -> dict[str, Any]:
    at = event.get("eventTime") or event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
    return {"at": at, "kind": "event", "reason": event.get("reason"), "message": event.get("message") or ""}


def _around(event: Json) -> dict[str, Any]:
    about = event["involvedObject"]
    told = _event(event)
    return {**told, "kind": "infrastructure", "message": f"{about['kind']} {about['name']}: {told['message']}"}
