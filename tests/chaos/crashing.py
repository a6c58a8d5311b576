"""The real operator against a real API server, with one write spoiled at a time; every write of every scenario.

``python tests/chaos/crashing.py POINTS SEED`` tries so many of them, or ``all``, in a network of its own: a line for
each, and a last one in JSON. Stand-ins (tests/bench/kubelet.py) take the place of kubelet and bots.
"""

import dataclasses
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import operators
from apiserver import ApiServer
from chaos.proxy import MODES, WATCH_FAULTS, Proxy

Json = dict[str, Any]
WITHIN_SECONDS = 60
SPEC = {"exchange": {"name": "binance", "symbols": ["BTC/USDT"]}, "strategy": {"name": "sma_cross"}}
SETTINGS = {
    "poll_seconds": "1",
    "audit_seconds": "5",
    "bot_port": "9090",
    "bot_http_port": "8000",
    "listen_ops": "127.0.0.1:9190",
}
KINDS = (
    "/apis/apps/v1/namespaces/trading/deployments",
    "/api/v1/namespaces/trading/services",
    "/api/v1/namespaces/trading/configmaps",
    "/api/v1/namespaces/trading/persistentvolumeclaims",
    "/apis/apps/v1/namespaces/trading/controllerrevisions",
)
KUBELET = pathlib.Path(__file__).parents[1] / "bench" / "kubelet.py"


class World:
    """API server, proxy and operator; bots come and go by name."""

    def __init__(self, server: ApiServer, folder: pathlib.Path, proxy: Proxy) -> None:
        self.server, self.proxy = server, proxy
        config = yaml.safe_load(server.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": proxy.url}
        (folder / "proxied").write_text(yaml.safe_dump(config))
        through = dataclasses.replace(server, kubeconfig=folder / "proxied")
        self.operator = operators.Operator(through, folder, ops_port=9190)
        proxy.kill = self.operator.kill

    def start(self) -> None:
        self.server.request("DELETE", operators.LEASE)
        self.operator.start(**SETTINGS)

    def living(self) -> bool:
        return self.operator.process is not None and self.operator.process.poll() is None

    def state(self, name: str) -> Json:
        """What stands of that bot, without what differs from run to run."""
        body = operators.bot(self.server, name) or {}
        status = body.get("status") or {}
        conditions = {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", [])}
        found: Json = {"conditions": conditions, "active": (status.get("active") or {}).get("colour")}
        found["step"] = (status.get("rollout") or {}).get("step")
        for path in KINDS:
            items = self.server.request("GET", path)[1]["items"]
            own = [
                each
                for each in items
                if each["metadata"]["name"].startswith(name + "-") or each["metadata"]["name"] == name
            ]
            found[path.rpartition("/")[2]] = sorted(plain(each, name) for each in own)
        return found


def plain(body: Json, name: str) -> str:
    """One line of kind-specific content; hashes of names follow from content that is compared anyway."""
    spec = body.get("spec") or {}
    kept = {key: spec.get(key) for key in ("replicas", "selector", "ports", "resources") if key in spec}
    kept["owner"] = [each["kind"] for each in body["metadata"].get("ownerReferences", [])]
    return json.dumps(kept, sort_keys=True).replace(name, "BOT")


def create(world: World, name: str) -> None:
    operators.create_bot(world.server, name, SPEC)


def edit(world: World, name: str) -> None:
    operators.patch_bot(world.server, name, {"spec": {"engine": {"checkInterval": "20s"}}})


def halt(world: World, name: str) -> None:
    operators.patch_bot(world.server, name, {"metadata": {"annotations": {"tradingbot.io/halt": "chaos"}}})


def delete(world: World, name: str) -> None:
    operators.patch_bot(world.server, name, {"metadata": {"annotations": {"tradingbot.io/delete": "chaos"}}})
    world.server.request("DELETE", f"{operators.BOTS.format('trading')}/{name}")


Step = Callable[[World, str], None]
# What is done before, unspoiled, and then the step whose writes are counted.
SCENARIOS: dict[str, tuple[tuple[Step, ...], Step]] = {
    "create": ((), create),
    "edit": ((create,), edit),
    "halt": ((create,), halt),
    "delete": ((create,), delete),
}


def at_rest(world: World, name: str, goal: Json | None = None) -> Json:
    """The state once it has been the same for two seconds, and *goal* if there is one; else that of the last second."""
    end, before, since = time.monotonic() + WITHIN_SECONDS, None, time.monotonic()
    while time.monotonic() < end:
        if not world.living():
            world.start()
        now = world.state(name)
        reconciling = now["conditions"].get("Reconciling", ("False", ""))[0]
        if now != before or reconciling == "True" or goal not in (None, now):
            before, since = now, time.monotonic()
        elif time.monotonic() - since > 2:
            return now
        time.sleep(0.2)
    return before or {}


def told(world: World, name: str, scenario: str, spoiled: tuple[int, str] = (0, ""), goal: Json | None = None) -> Json:
    """The end of *scenario*, which is waited for if it is known."""
    first, step = SCENARIOS[scenario]
    world.proxy.arm("")
    for each in first:
        each(world, name)
        at_rest(world, name)
    world.proxy.arm(name, *spoiled)
    world.proxy.watch_fault = spoiled[1] if spoiled[1] in WATCH_FAULTS else ""
    step(world, name)
    return at_rest(world, name, goal)


@contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as text, operators.prepared(pathlib.Path(text)) as server:
        folder = pathlib.Path(text)
        with Proxy(server).running() as proxy, (folder / "kubelet.log").open("wb") as log:
            command = [sys.executable, str(KUBELET), server.url, server.token, str(server.authority)]
            kubelet = subprocess.Popen(command, stdout=log, stderr=log)
            made = World(server, folder, proxy)
            try:
                made.start()
                yield made
            finally:
                if made.living():
                    made.operator.kill()
                kubelet.kill()
                kubelet.wait()


class Counts:
    """What was tried of each scenario, and what ended otherwise than the calm one."""

    def __init__(self, made: World) -> None:
        self.made = made
        self.of: dict[str, dict[str, int]] = {}

    def calm(self, scenario: str) -> tuple[Json, int]:
        """The end that all others are held to, and how many writes led to it."""
        end = told(self.made, f"calm-{scenario}", scenario)
        writes = len(self.made.proxy.writes)
        print(f"{scenario}: {writes} writes", flush=True)
        self.of[scenario] = {"writes": writes, "points": 0, "failed": 0}
        return end, writes

    def tried(self, scenario: str, what: tuple[int, str], calm: Json) -> None:
        point, mode = what
        name = f"{scenario}-{point}-{mode}".replace("kill", "k").replace("-after", "-a")
        since, end = time.monotonic(), told(self.made, name, scenario, what, calm)
        if self.made.proxy.watch_fault:
            # A watch that was cut in silence stays so; the next one begins with a process that knows nothing.
            self.made.proxy.watch_fault = ""
            self.made.operator.kill()
        same = end == calm
        self.of[scenario]["points"] += 1
        self.of[scenario]["failed"] += not same
        differs = {key: (calm.get(key), end.get(key)) for key in calm if calm.get(key) != end.get(key)}
        verdict = "same" if same else f"DIFFERENT, (calm, now): {differs}"
        print(f"{scenario} {point} {mode}: {time.monotonic() - since:.1f} s, {verdict}", flush=True)
        if operators.bot(self.made.server, name):
            delete(self.made, name)


def main(points: str, seed: int) -> int:
    dice = random.Random(seed)
    with world() as made:
        counts = Counts(made)
        for scenario in SCENARIOS:
            calm, writes = counts.calm(scenario)
            every = [(point, mode) for point in range(1, writes + 1) for mode in MODES]
            for what in every if points == "all" else dice.sample(every, min(int(points), len(every))):
                counts.tried(scenario, what, calm)
            for fault in WATCH_FAULTS if points == "all" else dice.sample(WATCH_FAULTS, 1):
                counts.tried(scenario, (0, fault), calm)
    print(json.dumps(counts.of))
    return 0


if __name__ == "__main__":
    if os.environ.get("CHAOS_NETWORK") != "own":
        inside = 'ip link set lo up && exec "$0" "$@"'
        command = ["unshare", "--net", "bash", "-c", inside, sys.executable, *sys.argv]
        raise SystemExit(subprocess.call(command, env={**os.environ, "CHAOS_NETWORK": "own"}))
    raise SystemExit(main(*(sys.argv[1:2] or ["all"]), int(sys.argv[2]) if len(sys.argv) > 2 else 7))
