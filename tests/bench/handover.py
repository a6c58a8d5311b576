"""Measures hand-overs on the real node: ``make bench NAME=handover`` writes build/bench/handover.json.

Every figure is read off the venue's order log: who sent what, when it was accepted, and when the answer left. The same
log judges the programs people use today (tests/peers). ``python tests/bench/handover.py SWAPS PEER_SWAPS`` takes other
counts; without ``demo/install`` before it, it installs the product itself.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import driven
from driven import Driven

import invariants
import node
from peers import nodeapi, swaps
from peers.nodeapi import NodeApi

Json = dict[str, Any]
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
}
LOADED = {"every_ms": "20", "notional": "10", "positions": "5", "holds": "50"}
BARE = {"every_ms": "20", "notional": "10", "positions": "1"}
ROUND_TRIP_MS = 20
STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - STARTED:7.1f} s  {text}", flush=True)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that *share* of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def load(bot: Driven) -> None:
    """The venue is 20 ms away."""
    half = ROUND_TRIP_MS // 2
    for kind in ("delay_before", "delay_after"):
        bot.control("faults", {"kind": kind, "route": "order", "ms": half})


def lose_an_answer(bot: Driven) -> None:
    """The next order is accepted, and its answer never comes."""
    bot.control("faults", {"kind": "lost_answer", "how": "drop", "route": "POST /api/v3/order", "count": 1})


class Judge:
    """What all bots of one run did wrong, by their logs."""

    def __init__(self) -> None:
        self.two, self.stale, self.double, self.unprotected = 0, 0, 0, 0

    def add(self, bot: Driven) -> None:
        bot.read()
        log = [consumed(each) for each in bot.entries]
        found = invariants.two_senders(log)
        stale = invariants.stale_writes(log, invariants.holders(log))
        twice = invariants.sent_twice(log)
        for what, each in (("two senders", found), ("stale", stale), ("twice", twice)):
            if each:
                say(f"{bot.name}: {what}: {each[:3]}")
        self.two += len(found)
        self.stale += len(stale)
        self.double += len(twice)
        self.unprotected = max(self.unprotected, invariants.unprotected_ms(log, log[-1]["at_ms"]))

    def figures(self) -> dict[str, float]:
        return {
            "two_senders_count": self.two,
            "stale_writes_accepted_count": self.stale,
            "double_orders_count": self.double,
            "unprotected_ms_max": self.unprotected,
        }


def consumed(entry: Json) -> Json:
    """A request that took effect can arrive no more, whether its answer came or not."""
    return entry if entry["answered_ms"] is not None else {**entry, "answered_ms": entry["at_ms"]}


def there_and_back(bot: Driven, times: int, spoil: Callable[[int], None]) -> tuple[list[float], list[float]]:
    """The gaps of so many swaps, each rolled back, and how long each way back took."""
    took = []
    for number in range(times):
        spoil(number)
        new = bot.swap()
        bot.settled(("Observing", "Done"))
        time.sleep(0.5)
        back = bot.rollback()
        bot.settled(("RolledBack",))
        time.sleep(0.5)
        bot.read()
        took.append(back)
        gaps = invariants.gaps_ms(bot.entries)
        found = f"gaps {gaps[-2:]} ms"
        say(f"{bot.name} {number + 1}: new version trades after {new:.0f} ms, back after {back:.0f} ms, {found}")
    return [float(gap) for gap in gaps], took


def named_figures(name: str, gaps: list[float], took: list[float]) -> dict[str, float]:
    middle = "" if name == "loaded" else f"{name}_"
    return {
        f"gap_{middle}p50_ms": statistics.median(gaps),
        f"gap_{middle}p99_ms": percentile(gaps, 0.99),
        f"rollback_{middle}p50_ms": statistics.median(took),
        f"rollback_{middle}p99_ms": percentile(took, 0.99),
    }


def loaded(api: NodeApi, times: int, judge: Judge, database: Json) -> tuple[list[float], list[float]]:
    bot = Driven(api, f"loaded-{database['mode']}", dict(LOADED), database)
    bot.started()
    load(bot)
    try:
        found = there_and_back(bot, times, lambda number: lose_an_answer(bot) if number % 10 == 9 else None)
    finally:
        api.request("DELETE", f"/api/v1/namespaces/{swaps.NAMESPACE}/services/venue:8080/proxy/control/faults")
    judge.add(bot)
    bot.removed()
    return found


def bare(api: NodeApi, times: int, judge: Judge, database: Json) -> tuple[list[float], list[float]]:
    bot = Driven(api, f"bare-{database['mode']}", dict(BARE), database)
    bot.started()
    found = there_and_back(bot, times, lambda number: None)
    judge.add(bot)
    bot.removed()
    return found


def frozen(api: NodeApi, times: int, judge: Judge, database: Json) -> list[float]:
    """From the request to the first entry of the other colour, while the trader stands still."""
    bot, took = Driven(api, f"frozen-{database['mode']}", dict(BARE), database), []
    bot.started()
    for _ in range(times):
        bot.swap()
        bot.settled(("Observing", "Done"))
        with driven.frozen(bot.pod()):
            took.append(bot.rollback())
        time.sleep(3)
        say(f"{bot.name}: the other colour trades after {took[-1]:.0f} ms")
    judge.add(bot)
    bot.removed()
    return took


def cold(api: NodeApi, times: int, judge: Judge) -> list[float]:
    """From the request to the first entry, where the old version has to be started first."""
    bot, took = Driven(api, "cold", dict(BARE), observe="3s"), []
    bot.started()
    for _ in range(times):
        bot.swap()
        bot.settled(("Done",))
        bot.wait(lambda: pods(api, bot) == 1)
        took.append(bot.rollback())
        bot.settled(("RolledBack", "Done"))
        bot.wait(lambda: pods(api, bot) == 1)
        say(f"{bot.name}: the old version trades after {took[-1]:.0f} ms")
    judge.add(bot)
    bot.removed()
    return took


def pods(api: NodeApi, bot: Driven) -> int:
    listed = api.request("GET", f"/api/v1/namespaces/{driven.NAMESPACE}/pods")["items"]
    return sum(each["metadata"]["labels"].get("tradingbot.io/bot") == bot.name for each in listed)


class Released(Driven):
    """A bot that is a Helm release."""

    def create(self) -> None:
        self.upgrade()

    def upgrade(self) -> None:
        values = json.dumps(self.manifest()["spec"])
        command = ("helm", "upgrade", "--install", self.name, "charts/tradingbot", "-n", driven.NAMESPACE, "-f", "-")
        node.command(*command, text=values)

    def swap(self) -> float:
        before, asked = self.sender, nodeapi.now_ms()
        assert before is not None
        self.parameters |= {"notional": f"{10 + next(self.numbers) / 100:.2f}"}
        self.upgrade()
        return self.first_of_another(before, 120) - asked

    def rollback(self, within: float = 60) -> float:
        before, asked = self.sender, nodeapi.now_ms()
        assert before is not None
        command = ["helm", "rollback", self.name, "-n", driven.NAMESPACE]
        with subprocess.Popen(command, cwd=node.ROOT, env=node.environment(), stdout=subprocess.DEVNULL):
            return self.first_of_another(before, within) - asked


def helm(api: NodeApi, times: int, judge: Judge) -> list[float]:
    bot = Released(api, "helm", dict(BARE))
    bot.started()
    _, took = there_and_back(bot, times, lambda number: None)
    judge.add(bot)
    bot.removed()
    return took


def measured(api: NodeApi, times: int, peer_times: int) -> dict[str, float]:
    """Every figure; one that could not be had is left out, and the reason is printed."""
    judge, figures = Judge(), dict[str, float]()
    embedded = {"mode": "embedded"}
    few = max(3, times // 10)
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "bare": lambda: with_counts(figures, "bare", bare(api, times, judge, embedded)),
        "loaded": lambda: with_counts(figures, "loaded", loaded(api, times, judge, embedded)),
        "frozen": lambda: {"frozen_takeover_p99_ms": percentile(frozen(api, few, judge, embedded), 0.99)},
        "cold": lambda: {"rollback_cold_p50_ms": statistics.median(cold(api, few, judge))},
        "helm": lambda: {"helm_rollback_p50_ms": statistics.median(helm(api, few, judge))},
        "peers": lambda: dict(swaps.measured(api, peer_times)),
    }
    for name, part in parts.items():
        say(name)
        try:
            figures |= part()
        except (AssertionError, OSError, StopIteration) as error:
            say(f"{name} could not be measured: {error}")
        figures |= judge.figures()
        write(figures)
    return figures


def with_counts(known: dict[str, float], name: str, found: tuple[list[float], list[float]]) -> dict[str, float]:
    """The figures of one way to run, and the swaps and rollbacks made so far."""
    gaps, took = found
    counts = {"swaps_count": len(took), "rollbacks_count": len(took)}
    return named_figures(name, gaps, took) | {key: known.get(key, 0) + value for key, value in counts.items()}


def main(times: int, peer_times: int) -> int:
    subprocess.run(["cluster/up"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["demo/install"], cwd=node.ROOT, check=True, stdout=subprocess.DEVNULL)
    driven.named_anew()
    with nodeapi.opened() as api:
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": driven.NAMESPACE}})
        swaps.prepared(api)
        figures = measured(api, times, peer_times)
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
    raise SystemExit(main(*(int(each) for each in (*sys.argv[1:], "100", "10")[:2])))
