"""Measures hand-overs on the real node: ``make bench NAME=handover`` writes build/bench/handover.json.

Every figure is read off the venue's order log: who sent what, when it was accepted, and when the answer left. The same
log judges the programs people use today (tests/peers). Bare and loaded there are 50 swaps each on each ledger, each
rolled back: 100 swaps and 100 rollbacks on PostgreSQL, and as many embedded. ``python tests/bench/handover.py SWAPS
PEER_SWAPS`` takes other counts; without ``demo/install`` before it, it installs the product itself.
"""

import json
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import driven
import nodepg
from ways import Judge, Rig, Times, bare, cold, frozen, helm, loaded, named_figures, percentile, say

import node
from peers import nodeapi, swaps

BARS = {
    "two_senders_count": 0,
    "stale_writes_accepted_count": 0,
    "double_orders_count": 0,
    "gap_p50_ms": 160,
    "gap_p99_ms": 750,
    "gap_bare_p50_ms": 100,
    "gap_bare_p99_ms": 500,
    "rollback_p50_ms": 360,
    "rollback_p99_ms": 1200,
    "rollback_bare_p50_ms": 300,
    "rollback_bare_p99_ms": 1000,
    "frozen_takeover_p99_ms": 5000,
    "helm_rollback_p50_ms": 450,
    "rollback_cold_p50_ms": 5000,
    "unprotected_ms_max": 0,
    "failed_count": 0,
}


def measured(rig: Rig, times: int, peer_times: int) -> dict[str, float]:
    """Every figure; one that could not be had is left out, and the reason is printed."""
    figures, few = dict[str, float](), max(3, times // 10)
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "bare": lambda: both(rig, times, "bare", bare),
        "loaded": lambda: both(rig, times, "loaded", loaded),
        "frozen": lambda: late("frozen_takeover_p99_ms", frozen(rig, few, "postgres")),
        "frozen_embedded": lambda: late("frozen_embedded_takeover_p99_ms", frozen(rig, few, "embedded")),
        "cold": lambda: usual("rollback_cold_p50_ms", cold(rig, few)),
        "helm": lambda: usual("helm_rollback_p50_ms", helm(rig, few)),
        "peers": lambda: dict(swaps.measured(rig.api, peer_times)),
    }
    for name, part in parts.items():
        say(name)
        try:
            found = part()
        except (AssertionError, OSError, StopIteration) as error:
            say(f"{name} could not be measured: {error}")
            found = {}
        counted = {key: figures.get(key, 0) + found.pop(key, 0) for key in ("swaps_count", "rollbacks_count")}
        figures |= found | counted | rig.judge.figures()
        write(figures)
    return figures


def usual(name: str, took: list[float]) -> dict[str, float]:
    return {name: statistics.median(took)} if took else {}


def late(name: str, took: list[float]) -> dict[str, float]:
    return {name: percentile(took, 0.99)} if took else {}


def both(rig: Rig, times: int, way: str, run: Callable[[Rig, int, str], Times]) -> dict[str, float]:
    """The figures of one way to run over both kinds of ledger, and of each of them alone."""
    figures, gaps, took = dict[str, float](), list[float](), list[float]()
    for mode in ("embedded", "postgres"):
        try:
            found = run(rig, times, mode)
        except AssertionError as error:
            say(f"{way} on {mode} could not be measured: {error}")
            continue
        figures |= named_figures(f"{way}_{mode}", *found) if found[1] else {}
        gaps, took = gaps + found[0], took + found[1]
    figures |= named_figures("" if way == "loaded" else way, gaps, took) if took else {}
    return figures | {"swaps_count": len(took), "rollbacks_count": len(took)}


def main(times: int, peer_times: int) -> int:
    subprocess.run(["cluster/up"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["demo/install"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    driven.named_anew()
    with nodeapi.opened() as api, nodepg.served() as database:
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": driven.NAMESPACE}})
        swaps.prepared(api)
        figures = measured(Rig(api, database, Judge()), times, peer_times)
        api.remove("Namespace", driven.NAMESPACE, "")
        api.remove("Namespace", swaps.NAMESPACE, "")
    return report(figures)


def write(figures: dict[str, float]) -> pathlib.Path:
    path = node.ROOT / "build" / "bench" / "handover.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: round(value, 1) for name, value in sorted(figures.items())}, indent=1) + "\n")
    return path


def report(figures: dict[str, float]) -> int:
    """Write the figures and print each beside its bar."""
    path = write(figures)
    for name, value in sorted(figures.items()):
        bar = BARS.get(name)
        print(
            f"{name:<36} {value:10.1f}"
            + ("" if bar is None else f"  bar {bar}: {'kept' if value <= bar else 'MISSED'}")
        )
    for name in sorted(BARS.keys() - figures.keys()):
        print(f"{name:<36} not measured")
    print(f"written to {path.relative_to(node.ROOT)}")
    return 0


if __name__ == "__main__":
    given = sys.argv[1:3]
    raise SystemExit(main(*map(int, given + ["50", "10"][len(given) :])))
