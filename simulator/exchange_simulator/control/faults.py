"""Faults a test has asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

KINDS = frozenset(
    {
        "delay_before",
        "delay_between",
        "delay_after",
        "lost_answer",
        "invisible",
        "status",
        "auth_refused",
        "permissions",
        "maintenance",
        "clock_skew",
        "drop_socket",
        "duplicate_event",
        "reorder_events",
        "stop_refused",
        "partial_ratio",
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `count` None means until removed, `until_ms` None means no end in wall time."""

    fault_id: int
    kind: str
    route: str = ""
    count: int | None = None
    until_ms: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def applies(self, kind: str, route: str, now_ms: int) -> bool:
        """True when the fault is of *kind*, meets *route*, and is not over."""
        alive = (self.until_ms is None or now_ms < self.until_ms) and self.count != 0
        return alive and self.kind == kind and meets(self.route, route)


def meets(wanted: str, route: str) -> bool:
    """True when *wanted* is empty, the whole `METHOD /path`, the path, or the path without its version prefix."""
    if not wanted or wanted == route:
        return True
    method, _, path = route.partition(" ")
    wanted_method, _, wanted_path = wanted.rpartition(" ")
    if wanted_method and wanted_method != method:
        return False
    return path == wanted_path or path.removeprefix("/api/v3/").removeprefix("/sapi/v1/") == wanted_path.strip("/")


@dataclass(slots=True)
class Faults:
    """The faults in force, oldest first."""

    active: list[Fault] = field(default_factory=list)
    issued: int = 0

    def add(self, fault: Fault) -> Fault:
        """The fault is in force under a fresh id."""
        self.issued += 1
        named = replace(fault, fault_id=self.issued)
        self.active.append(named)
        return named

    def spent(self) -> int:
        """A fresh id for a fault that acted at once and is over."""
        self.issued += 1
        return self.issued

    def remove(self, fault_id: int | None) -> int:
        """The fault (or all) is gone; says how many were."""
        before = len(self.active)
        self.active = [] if fault_id is None else [fault for fault in self.active if fault.fault_id != fault_id]
        return before - len(self.active)

    def find(self, kind: str, route: str, now_ms: int) -> Fault | None:
        """The oldest fault that applies, not used up by looking."""
        return next((fault for fault in self.active if fault.applies(kind, route, now_ms)), None)

    def take(self, kind: str, route: str, now_ms: int) -> Fault | None:
        """The oldest fault that applies; one of its count is used."""
        fault = self.find(kind, route, now_ms)
        if fault is not None and fault.count is not None:
            index = self.active.index(fault)
            used = replace(fault, count=fault.count - 1)
            self.active[index : index + 1] = [used] if used.count else []
        return fault
