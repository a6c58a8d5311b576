"""The ways a hand-over is measured: bare, loaded, with a frozen trader, cold, and by Helm. All by the order log."""

import json
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import driven
import nodepg
from driven import Driven

import invariants
import node
from peers import nodeapi, swaps
from peers.nodeapi import NodeApi

Json = dict[str, Any]
# Of the gaps, and of the ways back.
Times = tuple[list[float], list[float]]
LOADED = {"every_ms": "20", "notional": "10", "positions": "5", "holds": "50"}
# Nothing rests while nobody trades: what a hand-over finds is an empty book.
BARE = {"every_ms": "20", "notional": "10", "style": "passing"}
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
        self.two, self.stale, self.double, self.unprotected, self.failed = 0, 0, 0, 0, 0
        # Between two writes of one sender: how busy the machine was, beside which the gaps are read.
        self.beats: list[float] = []

    def add(self, bot: Driven) -> None:
        bot.read()
        log = [consumed(each) for each in bot.entries]
        found = invariants.two_senders(log)
        stale = invariants.stale_writes(log, invariants.holders(log))
        twice = invariants.sent_twice(log)
        for what, each in (("two senders", found), ("stale", stale), ("twice", twice)):
            if each:
                say(f"{bot.name}: {what}: {each[:3]}")
        writes = invariants.accepted_writes(log)
        self.beats += [b["at_ms"] - a["at_ms"] for a, b in pairwise(writes) if a["sender"] == b["sender"]]
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
            "failed_count": self.failed,
            "beat_p50_ms": statistics.median(self.beats or [0]),
            "beat_p99_ms": percentile(self.beats or [0], 0.99),
        }


def consumed(entry: Json) -> Json:
    """A request that took effect can arrive no more, whether its answer came or not."""
    return entry if entry["answered_ms"] is not None else {**entry, "answered_ms": entry["at_ms"]}


@dataclass(frozen=True)
class Rig:
    """What every part measures with."""

    api: NodeApi
    database: nodepg.Database
    judge: Judge


def named_figures(name: str, gaps: list[float], took: list[float]) -> dict[str, float]:
    middle = f"{name}_" if name else ""
    return {
        f"gap_{middle}p50_ms": statistics.median(gaps),
        f"gap_{middle}p99_ms": percentile(gaps, 0.99),
        f"rollback_{middle}p50_ms": statistics.median(took),
        f"rollback_{middle}p99_ms": percentile(took, 0.99),
    }


def made(rig: Rig, way: str, mode: str) -> Driven:
    """A bot whose ledger is in a file or on the server; it trades while it is used as a context."""
    name = f"{way}-{mode}"
    database = rig.database.made(rig.api, name, driven.NAMESPACE) if mode == "postgres" else {"mode": mode}
    return Driven(rig.api, name, dict(LOADED if way == "loaded" else BARE), database)


def each_time(rig: Rig, bot: Driven, times: int, one: Callable[[int], float]) -> list[float]:
    """What *one* measured so many times; the first that fails is the last, and is counted."""
    took: list[float] = []
    try:
        for number in range(times):
            took.append(one(number))
            say(
                f"{bot.name} {number + 1}: back after {took[-1]:.0f} ms, gaps {invariants.gaps_ms(bot.entries)[-2:]} ms"
            )
    except AssertionError as error:
        rig.judge.failed += 1
        say(f"{bot.name} {len(took) + 1} failed: {error}")
    rig.judge.add(bot)
    return took


def there_and_back(rig: Rig, bot: Driven, times: int, spoil: Callable[[int], None] = lambda _: None) -> Times:
    """The gaps of so many swaps, each rolled back, and how long each way back took."""

    def one(number: int) -> float:
        spoil(number)
        bot.swap()
        bot.settled(("Observing", "Done"))
        time.sleep(0.5)
        took = bot.rollback()
        bot.settled(("RolledBack",))
        time.sleep(0.5)
        bot.read()
        return took

    took = each_time(rig, bot, times, one)
    return [float(gap) for gap in invariants.gaps_ms(bot.entries)], took


def loaded(rig: Rig, times: int, mode: str) -> Times:
    with made(rig, "loaded", mode) as bot:
        load(bot)
        try:
            return there_and_back(rig, bot, times, lambda number: lose_an_answer(bot) if number % 10 == 9 else None)
        finally:
            faults = f"/api/v1/namespaces/{swaps.NAMESPACE}/services/venue:8080/proxy/control/faults"
            rig.api.request("DELETE", faults)


def bare(rig: Rig, times: int, mode: str) -> Times:
    with made(rig, "bare", mode) as bot:
        return there_and_back(rig, bot, times)


def frozen(rig: Rig, times: int, mode: str) -> list[float]:
    """From the request to the first entry of the other colour, while the trader stands still."""
    with made(rig, "frozen", mode) as bot:

        def one(_: int) -> float:
            bot.swap()
            bot.settled(("Observing", "Done"))
            with driven.frozen(bot.pod()):
                took = bot.rollback()
            bot.settled(("RolledBack", "Done"))
            time.sleep(5)
            return took

        return each_time(rig, bot, times, one)


def cold(rig: Rig, times: int) -> list[float]:
    """From the request to the first entry, where the old version has to be started first."""
    with Driven(rig.api, "cold", dict(BARE), observe="3s") as bot:

        def one(_: int) -> float:
            bot.swap()
            bot.settled(("Done",))
            bot.wait(lambda: pods(rig.api, bot) == 1)
            took = bot.rollback()
            bot.settled(("RolledBack", "Done"))
            bot.wait(lambda: pods(rig.api, bot) == 1)
            return took

        return each_time(rig, bot, times, one)


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

    def removed(self) -> None:
        super().removed()
        node.command("helm", "uninstall", self.name, "-n", driven.NAMESPACE, "--ignore-not-found")

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


def helm(rig: Rig, times: int) -> list[float]:
    """From the command to the first entry of the restored colour."""
    with Released(rig.api, "helm", dict(BARE)) as bot:
        return there_and_back(rig, bot, times)[1]
