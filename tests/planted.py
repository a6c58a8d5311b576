"""The operator as far as `move` needs one, over the model of ledger and node; and the states it is planted into."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lease_model import Ledger, Node, Process
from tradingbot_operator.domain.handover import (
    AT_REST,
    Admit,
    Fence,
    Grant,
    Kill,
    Kind,
    Move,
    Order,
    Place,
    Request,
    Rollout,
    Seen,
    Side,
    Step,
    TakeBack,
    Terms,
)
from tradingbot_operator.domain.lease import LedgerAway, Successor
from tradingbot_operator.domain.observed import Shut
from tradingbot_operator.plan.handover import move

START = datetime(2026, 11, 21, 14, 0, 0, tzinfo=UTC)
OLD, NEW, NEWER = "a" * 20, "b" * 20, "c" * 20
LONGEST_PASS_MS = 500
QUIET_MS = 60_000


class Operator:
    """It writes its record, carries out the effect, or lays out the posts; then the world goes on."""

    def __init__(self, **terms: Any) -> None:
        self.ledger = Ledger()
        self.node = Node(self.ledger)
        self.wanted = OLD
        self.terms = Terms(deadline=timedelta(seconds=40), observe=timedelta(seconds=20), **terms)
        self.rollout: Rollout | None = None
        self.request: Request | None = None
        self.shut: tuple[int, int] | None = None
        self.deployed: dict[str, tuple[str, int]] = {}
        self.swappable = True
        self.embedded = False
        self.active = Place("blue", OLD)
        self.told: list[str | None] = []
        self.effects: list[str] = []

    @property
    def now(self) -> datetime:
        return START + timedelta(milliseconds=self.ledger.now - 1_000_000)

    def side(self, colour: str) -> Side:
        revision, replicas = self.deployed.get(colour, (None, 0))
        process = self.node.processes.get(colour)
        if process is None:
            return Side(colour, revision, replicas)
        beat = None if self.ledger.away else self.ledger.beats.get(process.instance)
        return Side(
            colour,
            revision,
            replicas,
            pod=process.uid,
            ready=process.ready,
            trouble=process.trouble,
            instance=process.instance if beat else None,
            silent_ms=self.ledger.now - beat[1] if beat else None,
            report=self.node.report(process),
            pods=((process.uid, process.uid),),
            unended=((process.uid, process.uid),),
        )

    def seen(self) -> Seen:
        try:
            row = self.ledger.row()
        except LedgerAway:
            row = None
        blue, green = self.side("blue"), self.side("green")
        colour = row.colour if row else self.active.colour
        known = {"blue": blue, "green": green}[colour].revision
        self.active = Place(colour, known or (row.revision if row else None) or self.wanted)
        shut = Shut(self.shut[0], max(0, self.shut[1] - self.ledger.now)) if self.shut else None
        return Seen(
            row, blue, green, self.active, self.wanted, self.terms, self.request, shut, self.swappable, self.embedded
        )

    def once(self) -> Move:
        made = move(self.rollout, self.seen(), self.now)
        self.rollout = made.rollout
        if self.request and (made.ends is not None or (made.rollout and made.rollout.task == self.request.task)):
            self.told.append(made.ends)
            self.request = None
        if made.effect is None:
            self.deployed = {each.colour: (each.revision, each.replicas) for each in made.posts}
        else:
            self.effects.append(type(made.effect).__name__)
            self._carry_out(made.effect)
        for colour, (revision, replicas) in self.deployed.items():
            self.node.run(colour, revision, replicas)
        again = made.again_ms if made.again_ms is not None else LONGEST_PASS_MS
        self.node.pass_time(min(LONGEST_PASS_MS, max(20, again)))
        return made

    def _carry_out(self, effect: Any) -> None:
        ledger = self.ledger
        match effect:
            case Order(epoch, expected, successor, lasts):
                ledger.order(epoch, expected, successor, lasts)
            case TakeBack(epoch, expected):
                ledger.order(epoch, expected, None, 0)
            case Fence(epoch):
                fenced = ledger.fence(epoch)
                self.shut = (epoch, ledger.now + fenced.wait_ms) if fenced else None
            case Grant(expected, new, successor):
                dead = self.shut is not None and self.shut[0] == expected and self.shut[1] <= ledger.now
                assert dead or ledger.released, "granted while the last request may live"
                ledger.grant(expected, new, successor)
            case Kill(pods):
                for process in [each for each in self.node.processes.values() if (each.uid, each.uid) in pods]:
                    self.node.stop(process.colour)
            case Admit(holder):
                ledger.shut.discard(holder)

    def step_is(self, step: Step) -> bool:
        return self.rollout is not None and self.rollout.step is step

    def until(self, true: Callable[[], Any], passes: int = 1000) -> None:
        for _ in range(passes):
            if true():
                return
            self.once()
        raise AssertionError(f"never: {self.rollout}\n{self.ledger}\n{self.node.processes}")

    def settle(self, passes: int = 8000) -> Move:
        """Passes until nothing has differed for half a minute; the last move is the answer."""
        since, before = self.ledger.now, None
        for _ in range(passes):
            made = self.once()
            mark = (self.rollout, self.deployed, self.ledger.epoch, self.ledger.holder, self.ledger.released)
            if mark != before or made.effect is not None:
                since, before = self.ledger.now, mark
            if self.ledger.now - since >= QUIET_MS:
                return made
        raise AssertionError(f"never at rest: {self.rollout}\n{self.ledger}\n{self.node.processes}")

    def trades(self) -> str | None:
        """The revision of the process that can write now."""
        held = self.node.processes.get(self.ledger.holder)
        if (
            held is None
            or held.instance != self.ledger.instance
            or self.ledger.released
            or held.frozen
            or held.deaf
            or not held.ready
        ):
            return None
        return held.revision if self.ledger.holder not in self.ledger.shut else None


def running(wanted: str = OLD, **terms: Any) -> Operator:
    """A bot that trades the old revision in blue."""
    made = Operator(**terms)
    made.until(lambda: made.trades() == OLD)
    made.wanted = wanted
    return made


@dataclass(frozen=True)
class Planted:
    """One state: the record, who holds, what stands in the row, how both processes are, and what is asked for."""

    step: Step
    kind: Kind
    in_place: bool
    holder: str
    order: str
    trader: str
    candidate: str
    wanted: str
    task: bool
    embedded: bool

    def plant(self) -> Operator:
        made = Operator()
        made.embedded = self.embedded
        colour = "blue" if self.in_place else "green"
        made.deployed = {"blue": (NEW, 1)} if self.in_place else {"blue": (OLD, 1), "green": (NEW, 1)}
        for name, (revision, _) in made.deployed.items():
            made.node.run(name, revision, 1)
        held = made.node.processes["blue" if self.holder == "source" or self.in_place else "green"]
        made.ledger.name(4, held.colour, held.instance, OLD if self.holder == "source" else NEW)
        made.ledger.beats = {each.instance: ("standby", made.ledger.now) for each in made.node.processes.values()}
        spare = made.node.processes[colour]
        successor = Successor(colour, spare.instance, NEW)
        self._afflict(made, held, self.trader)
        if spare is not held:
            self._afflict(made, spare, self.candidate)
        if self.order != "none":
            made.ledger.successor = successor if self.order != "another" else Successor(colour, "gone/1", NEW)
            made.ledger.until = made.ledger.now + (-100 if self.order == "void" else 3000)
        made.wanted = self.wanted
        made.request = Request("t", "u", "rollback", OLD) if self.task else None
        made.rollout = Rollout(
            "planted",
            self.kind,
            self.step,
            Place("blue", OLD),
            Place(colour, NEW),
            made.now,
            made.now,
            4 if self.holder == "source" else 3,
            successor,
        )
        return made

    def _afflict(self, made: Operator, process: Process, how: str) -> None:
        if how == "frozen":
            process.frozen = True
        if how == "busy":
            process.busy = True
        if how == "deaf":
            process.deaf = True
        if how == "broken":
            process.ready, process.trouble = False, "it crashes"
            made.node.broken[process.revision] = "it crashes"
            made.ledger.beats.pop(process.instance, None)
        if how == "killed":
            made.ledger.beats.pop(process.instance, None)
            del made.node.processes[process.colour]
        if how == "retired":
            made.ledger.released = True
            del made.node.processes[process.colour]


def states() -> Iterator[Planted]:
    """Every combination that can stand, however it came about."""
    kinds = (
        (Kind.SWAP, False),
        (Kind.ROLLBACK, False),
        (Kind.TAKEOVER, False),
        (Kind.RESTART, False),
        (Kind.SWAP, True),
    )
    for step, (kind, in_place), holder, order, trader, candidate, wanted, task, embedded in itertools.product(
        Step,
        kinds,
        ("source", "target"),
        ("none", "valid", "void", "another"),
        ("well", "frozen", "busy", "killed", "broken", "retired"),
        ("well", "frozen", "deaf", "broken"),
        (OLD, NEW, NEWER),
        (False, True),
        (False, True),
    ):
        if in_place and (candidate != "well" or order != "none"):
            continue
        if trader == "retired" and order != "none":
            continue
        yield Planted(step, kind, in_place, holder, order, trader, candidate, wanted, task, embedded)


def verdict(planted: Planted) -> str:
    """How the state ends: the step, or why nobody can trade; anything else is a failure of the table."""
    made = planted.plant()
    last = made.settle()
    assert last.effect is None
    if made.trades() is None:
        assert last.rollout is None or last.rollout.reason or last.rollout.step in AT_REST, "silent"
        return f"nobody: {last.rollout.step if last.rollout else Step.IDLE}"
    assert last.rollout is None or last.rollout.step in AT_REST, f"somebody trades at {last.rollout}"
    before = replace(last.rollout) if last.rollout else None
    made.effects.clear()
    again = made.once()
    assert (again.effect, again.rollout, made.effects) == (None, before, [])
    return str(last.rollout.step) if last.rollout else str(Step.IDLE)
