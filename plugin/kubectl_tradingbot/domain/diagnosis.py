"""What stands in the sections of a diagnosis: containers, and what was told about them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
SHOWN_EVENTS = 20


def conditions(resource: Json) -> Iterator[str]:
    for each in (resource.get("status") or {}).get("conditions") or []:
        yield f"{each['type']:<20} {each['status']:<8} {each.get('reason', '')}  {each.get('message', '')}".rstrip()


def containers(pods: Iterable[Json]) -> Iterator[str]:
    """A line for each container, and one for how the one before it ended."""
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status") or {}
        stated = status.get("containerStatuses") or []
        if not stated:
            ready = next((c["status"] for c in status.get("conditions") or [] if c["type"] == "Ready"), "Unknown")
            yield f"{name}  {status.get('phase', 'Unknown')}, ready {ready}"
        for each in stated:
            yield f"{name}/{each['name']}  {_state(each.get('state'))}, restarts {each.get('restartCount', 0)}"
            if each.get("lastState"):
                yield f"{name}/{each['name']}  before: {_state(each['lastState'])}"


def _state(state: Json | None) -> str:
    for kind, said in (state or {}).items():
        details = [str(said[name]) for name in ("reason", "message", "startedAt", "finishedAt") if said.get(name)]
        code = [f"exit code {said['exitCode']}"] if "exitCode" in said else []
        return " ".join([kind, ", ".join([*code, *details])]).strip()
    return "unknown"


def events(bot: str, found: Sequence[Json]) -> Iterator[str]:
    """The newest about *bot*, its Deployments and pods, oldest first."""
    about = re.compile(rf"{re.escape(bot)}(-(blue|green)(-.*)?)?")
    mine = [each for each in found if about.fullmatch(each["involvedObject"].get("name", ""))]
    for each in sorted(mine, key=_at)[-SHOWN_EVENTS:]:
        subject = f"{each['involvedObject'].get('kind', '')}/{each['involvedObject']['name']}"
        yield f"{_at(each)}  {each.get('type', '')}  {subject}  {each.get('reason', '')}  {each.get('message', '')}"


def _at(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))
