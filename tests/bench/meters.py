"""What the API server and the kernel say of work done."""

import pathlib
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ssl import create_default_context

from apiserver import ApiServer

LINE = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')
READS = {"GET", "LIST", "WATCH", "CONNECT"}
# Written by whoever leads, by the API server itself and by stand-ins of the node, not by what is measured.
APART = {
    ("leases", ""),
    ("ipaddresses", ""),
    ("pods", ""),
    ("pods", "status"),
    ("deployments", "status"),
    ("endpointslices", ""),
}

Writes = Counter[str]


def writes(server: ApiServer) -> Writes:
    """Mutating requests so far, by verb and resource; leases and what stand-ins write are left out."""
    request = urllib.request.Request(server.url + "/metrics", headers={"Authorization": f"Bearer {server.token}"})
    with urllib.request.urlopen(request, context=create_default_context(cafile=str(server.authority))) as answer:
        text = answer.read().decode()
    found: Writes = Counter()
    for line in text.splitlines():
        match = LINE.match(line)
        labels = dict(LABEL.findall(match["labels"])) if match else {}
        if not match or labels["verb"] in READS or (labels["resource"], labels["subresource"]) in APART:
            continue
        where = "/".join(filter(None, (labels["resource"], labels["subresource"])))
        found[f"{labels['verb']} {where}"] += int(float(match["count"]))
    return found


def between(before: Writes, after: Writes, apart: Mapping[str, int] | None = None) -> Writes:
    """What was written in between, without what the bench itself did."""
    found = Counter(after)
    found.subtract(before)
    found.subtract(Counter(apart or {}))
    return Counter({name: count for name, count in found.items() if count > 0})


@dataclass(frozen=True)
class Process:
    """A process seen from the kernel."""

    pid: int

    def resident_mb(self) -> float:
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024

    def cpu_s(self) -> float:
        words = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / 100


def until(true: Callable[[], object], within: float, every: float = 0.05) -> float:
    """Seconds until *true*; fails when it does not come."""
    since = time.monotonic()
    while not true():
        if time.monotonic() - since > within:
            raise AssertionError(f"not within {within} s")
        time.sleep(every)
    return time.monotonic() - since
