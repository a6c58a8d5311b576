"""The lease of a ledger beside a model of it: any order of claims, releases, orders, grants, fences, exit grants."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from inspect import getsource
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chaos.mutants import Mutant
from hands import REVISION, Hands, made_hands, who
from ledgers import NOW, order
from tradingbot.domain.errors import Fenced
from tradingbot.domain.lease import Lease, NotClaimed, NotReleased, Released, Successor
from tradingbot.ledger import SqlLedger, embedded
from tradingbot.ledger.door import LedgerDoor

Opened = tuple[Hands, dict[str, SqlLedger], LedgerDoor]
# Thousands of files: what a loss of power leaves of them is not asked here.
MEMORY = Path("/dev/shm")
LONG, PASSED = 600_000, -600_000
COLOURS = st.sampled_from(["blue", "green"])
NAMES = st.sampled_from(["1/a", "1/b", "2/a", "2/b"])
STARTS = st.sampled_from(["fresh", "held", "ended", "granted", "ordered", "void", "silent"])
SELDOM, MOSTLY = st.sampled_from([False, False, True]), st.sampled_from([True, True, False])
COLOUR_OF = {"blue": "b", "green": "g"}
ROW = "SELECT epoch, holder, instance, successor, released_at IS NOT NULL FROM lease"
EMPTIED = ("intents", "outcomes", "equity", "lease_history", "heartbeats", "holds")


@dataclass(frozen=True)
class Row:
    """What the lease row must be: the model."""

    epoch: int = 0
    holder: str = "blue"
    instance: str | None = None
    successor: str | None = None
    void: bool = False
    released: bool = False
    revision: str | None = None

    @property
    def ordered(self) -> str | None:
        return None if self.void else self.successor


@dataclass
class World:
    """What else decides: who lives, who has held an epoch, which exit grants stand."""

    row: Row = field(default_factory=Row)
    alive: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)  # pods

    def claim_refused(self, colour: str, name: str) -> str | None:
        row, pod = self.row, name.partition("/")[0]
        if row.holder != colour:
            return "NotHolder"
        if name in self.used and name != row.instance:
            return "InstanceUsed"
        if name in self.used:
            return "InstanceUsed" if row.released else "again"
        own = row.instance is not None and row.instance.partition("/")[0] == pod
        if row.instance is not None and not row.released and not own and row.instance in self.alive:
            return "HeldByOther"
        return "ExitGranted" if self.granted - {pod} else None


class Handover(RuleBasedStateMachine):
    """The ledger beside the model; processes are names of a colour, dead or alive as the machine says."""

    hands: Hands

    @initialize(start=STARTS, name=NAMES, to=NAMES)
    def begin(self, start: str, name: str, to: str) -> None:
        """Most of what is refused is refused in a state that random steps seldom come to: some begin there."""
        self.hands, self.ledgers, self.door = self.fresh()
        self.world = World()
        self.leases: list[Lease] = []
        self.holders: dict[int, str] = {}
        if start == "fresh":
            return
        self.claim("blue", name)
        if start == "ended":
            assert self.ledgers["blue"].retire(self.leases[-1], NOW)
            self.world.row = replace(self.world.row, released=True)
        if start == "granted":
            self.grant_an_exit(stale=False, right=True, passed=False)
        if start in ("ordered", "void", "silent"):
            self.live("green", to)
            self.order(stale=False, right=True, to=("green", to), void=start == "void")
        if start == "silent":
            self.fall_silent(f"g{to}")

    def fresh(self) -> Opened:
        raise NotImplementedError

    def lives(self, name: str) -> None:
        """It was seen, and goes on being seen however slow this machine is."""
        self.hands.place.silence(name, -3600)
        self.world.alive.add(name)

    def successor(self, colour: str, name: str) -> Successor:
        return self.hands.successor(colour, COLOUR_OF[colour] + name)

    @rule(colour=COLOURS, name=NAMES)
    def live(self, colour: str, name: str) -> None:
        full = COLOUR_OF[colour] + name
        self.ledgers[colour].heartbeat(who(colour, full), "standby", NOW)
        self.lives(full)

    @rule(name=st.sampled_from(["b1/a", "b1/b", "g1/a", "g2/a"]))
    def fall_silent(self, name: str) -> None:
        self.hands.place.silence(name, 9000)
        self.world.alive.discard(name)

    @rule(colour=COLOURS, name=NAMES)
    def claim(self, colour: str, name: str) -> None:
        full = COLOUR_OF[colour] + name
        expected = self.world.claim_refused(colour, full)
        answer = self.ledgers[colour].claim(who(colour, full), NOW)
        if isinstance(answer, NotClaimed):
            assert answer.reason == expected
            return
        assert expected in {None, "again"}
        self.lives(full)
        if expected is None:
            self.world.used.add(full)
            now = self.world.row
            self.world.row = Row(now.epoch + 1, colour, full, revision=now.revision)
        self.leases.append(answer)

    @rule(data=st.data())
    def retire(self, data: st.DataObject) -> None:
        if not self.leases:
            return
        lease, row = data.draw(st.sampled_from(self.leases)), self.world.row
        colour = self.colour(lease)
        mine = (lease.epoch, colour, False) == (row.epoch, row.holder, row.released)
        assert self.ledgers[colour].retire(lease, NOW) is mine
        if mine:
            self.world.row = replace(row, released=True)
            self.lives(lease.instance)

    @rule(stale=SELDOM, right=MOSTLY, to=st.one_of(st.none(), st.tuples(COLOURS, NAMES)), void=st.booleans())
    def order(self, stale: bool, right: bool, to: tuple[str, str] | None, void: bool) -> None:
        row = self.world.row
        text = self.successor(*to).text if to else None
        expected = row.successor if right else self.successor("blue", "9/z").text
        done = self.door.order(row.epoch - stale, expected, text, PASSED if void else LONG)
        assert done is (right and not stale and not row.released)
        if done:
            self.world.row = replace(row, successor=text, void=void and text is not None)

    @rule(data=st.data(), to=st.tuples(COLOURS, NAMES), as_ordered=st.booleans())
    def release(self, data: st.DataObject, to: tuple[str, str], as_ordered: bool) -> None:
        if not self.leases:
            return
        lease, row = data.draw(st.sampled_from(self.leases)), self.world.row
        colour = self.colour(lease)
        wanted = Successor.parse(row.successor) if as_ordered and row.successor else self.successor(*to)
        answer = self.ledgers[colour].release(lease, wanted, NOW)
        expected = self.release_refused(lease, colour, wanted)
        if expected is None:
            assert answer == Released(row.epoch + 1)
            self.world.row = Row(row.epoch + 1, wanted.holder.rpartition("_")[2], wanted.instance, revision=REVISION)
            self.world.used.add(wanted.instance)
            self.lives(lease.instance)
        elif expected == "again":
            assert answer == Released(row.epoch)
            self.lives(lease.instance)
        else:
            assert answer == NotReleased(expected)

    def release_refused(self, lease: Lease, colour: str, wanted: Successor) -> str | None:
        row = self.world.row
        if (lease.epoch, colour, False) != (row.epoch, row.holder, row.released):
            named = (lease.epoch + 1, wanted.holder.rpartition("_")[2], wanted.instance)
            return "again" if named == (row.epoch, row.holder, row.instance) else "Stale"
        if row.successor is None:
            return "NoOrder"
        if row.successor != wanted.text:
            return "OtherSuccessor"
        if row.void:
            return "OrderVoid"
        return None if wanted.instance in self.world.alive else "SuccessorSilent"

    @rule(stale=SELDOM)
    def fence(self, stale: bool) -> None:
        assert self.door.fence(self.world.row.epoch - stale) is (not stale and not self.world.granted)

    @rule(stale=SELDOM, above=st.integers(0, 3), to=COLOURS, name=st.one_of(st.none(), NAMES))
    def grant(self, stale: bool, above: int, to: str, name: str | None) -> None:
        row = self.world.row
        instance = name and COLOUR_OF[to] + name
        done = self.door.grant(row.epoch - stale, row.epoch + above, (self.hands.holder(to), instance, None))
        assert done is (not stale and above > 0 and not self.world.granted)
        if done:
            self.world.row = Row(row.epoch + above, to, instance)
            self.world.used |= {instance} if instance else set()

    @rule(stale=SELDOM, right=MOSTLY, passed=st.sampled_from([True, True, False]))
    def grant_an_exit(self, stale: bool, right: bool, passed: bool) -> None:
        row = self.world.row
        instance = row.instance if right and row.instance else "b9/z"
        done = self.door.hold(row.epoch - stale, instance, PASSED if passed else LONG)
        assert done is (not stale and instance == row.instance and not row.released and row.ordered is None)
        if done and not passed:
            self.world.granted.add(instance.partition("/")[0])

    @precondition(lambda self: self.world.row.instance is not None and not self.world.row.released)
    @rule(name=NAMES, granted=st.sampled_from([True, False, False]))
    def claim_what_a_silent_process_holds(self, name: str, granted: bool) -> None:
        """Perhaps it may still sell by an exit grant, and then nobody else of its colour is to have its epoch."""
        row = self.world.row
        assert row.instance is not None
        if granted:
            done = self.door.hold(row.epoch, row.instance, LONG)
            assert done is (row.ordered is None)
            self.world.granted |= {row.instance.partition("/")[0]} if done else set()
        self.fall_silent(row.instance)
        self.claim(row.holder, name)

    @rule(colour=COLOURS, name=NAMES)
    def hear_of_it(self, colour: str, name: str) -> None:
        full, row = COLOUR_OF[colour] + name, self.world.row
        lease = self.ledgers[colour].named(who(colour, full))
        assert (lease is not None) is ((row.holder, row.instance, row.released) == (colour, full, False))
        if lease is not None:
            self.leases.append(lease)

    @rule(data=st.data(), forged=st.booleans())
    def write(self, data: st.DataObject, forged: bool) -> None:
        if not self.leases:
            return
        lease, row = data.draw(st.sampled_from(self.leases)), self.world.row
        if forged:
            lease = replace(lease, epoch=row.epoch)
        mine = (lease.epoch, lease.instance, self.colour(lease), False) == (
            row.epoch, row.instance, row.holder, row.released,
        )  # fmt: skip
        try:
            self.ledgers[self.colour(lease)].record_equity(lease, NOW, order().quantity)
            assert mine, f"{lease} wrote beside {row}"
        except Fenced:
            assert not mine, f"{lease} was refused with {row}"

    @staticmethod
    def colour(lease: Lease) -> str:
        return lease.holder.rpartition("_")[2]

    @invariant()
    def the_row_is_as_the_model_says_and_one_process_has_each_epoch(self) -> None:
        if not hasattr(self, "world"):
            return
        epoch, holder, instance, successor, released = self.read(ROW)
        row = self.world.row
        assert (epoch, holder.rpartition("_")[2], instance, successor, bool(released)) == (
            row.epoch, row.holder, row.instance, row.successor, row.released,
        )  # fmt: skip
        assert epoch >= max(self.holders, default=0)
        if instance is not None:
            assert self.holders.setdefault(epoch, instance) == instance
        stands = self.ledgers["blue"].order_stands()
        assert (stands and stands.text) == row.ordered

    def read(self, statement: str) -> Any:
        return self.hands.place.raw(statement)[0]


def emptied(hands: Hands) -> None:
    """As it was prepared, past every guard."""
    raw = hands.place.raw
    raw("SET session_replication_role = replica")
    for table in reversed(EMPTIED):
        raw(f"DELETE FROM {table}")
    raw(
        f"UPDATE lease SET epoch = 0, holder = '{hands.holder('blue')}', instance = NULL, revision = NULL, "
        "successor = NULL, order_until = NULL, released_at = NULL"
    )
    raw("SET session_replication_role = origin")


def opened(hands: Hands) -> Opened:
    return hands, {colour: hands.open(colour) for colour in ("blue", "green")}, hands.door


def tried(request: pytest.FixtureRequest, folder: Path, engine: str, **how: Any) -> None:
    """So many examples have been tried on *engine*; raises what the first bad one was."""
    kept = opened(made_hands(request, engine, folder)) if engine != "sqlite" else None
    if kept:
        kept[0].place.kept = psycopg.connect(kept[0].place.url, autocommit=True)

    class Machine(Handover):
        def fresh(self) -> Opened:
            if kept:
                emptied(kept[0])
            if not kept:
                self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else folder)
            return kept or opened(made_hands(request, engine, Path(self.folder.name)))

        def teardown(self) -> None:
            if not kept and hasattr(self, "hands"):
                self.hands.close()
                self.folder.cleanup()

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    usual: dict[str, Any] = {"stateful_step_count": 20, "deadline": None, "database": None}
    try:
        run_state_machine_as_test(Machine, settings=settings(suppress_health_check=checks, **usual, **how))
    finally:
        if kept:
            kept[0].close()


@contextlib.contextmanager
def inside(mutant: Mutant) -> Iterator[None]:
    """The file's lease functions lack that rule, in this process and until the context is left."""
    text = getsource(embedded)
    (change,) = (each for each in mutant.changes if each.file.endswith("embedded.py"))
    assert text.count(change.old) == 1, f"{change.old!r} stands {text.count(change.old)} times there"
    exec(compile(text.replace(change.old, change.new), change.file, "exec"), vars(embedded))
    try:
        yield
    finally:
        exec(compile(text, change.file, "exec"), vars(embedded))
