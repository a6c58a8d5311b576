"""Any order of claims, releases, orders, grants, fences and exit grants leaves one holder, on each engine."""

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from hands import REVISION, Hands, made_hands, who
from ledgers import NOW, migrated_file, order, running_server, running_server_17  # noqa: F401
from tradingbot.domain.errors import Fenced
from tradingbot.domain.lease import Lease, NotClaimed, NotReleased, Released, Successor
from tradingbot.ledger import SqlLedger, connect
from tradingbot.ledger.door import LedgerDoor

DEEP = bool(os.environ.get("DEEP"))
Opened = tuple[Hands, dict[str, SqlLedger], LedgerDoor]
# Thousands of files: what a loss of power leaves of them is not asked here.
MEMORY = Path("/dev/shm")
LONG, PASSED = 600_000, -600_000
COLOURS = st.sampled_from(["blue", "green"])
NAMES = st.sampled_from(["1/a", "1/b", "2/a", "2/b"])
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

    @initialize()
    def begin(self) -> None:
        self.hands, self.ledgers, self.door = self.fresh()
        self.world = World()
        self.leases: list[Lease] = []
        self.holders: dict[int, str] = {}

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

    @rule(
        stale=st.booleans(), right=st.booleans(), to=st.one_of(st.none(), st.tuples(COLOURS, NAMES)), void=st.booleans()
    )
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

    @rule(stale=st.booleans())
    def fence(self, stale: bool) -> None:
        assert self.door.fence(self.world.row.epoch - stale) is (not stale and not self.world.granted)

    @rule(stale=st.booleans(), above=st.integers(0, 3), to=COLOURS, name=st.one_of(st.none(), NAMES))
    def grant(self, stale: bool, above: int, to: str, name: str | None) -> None:
        row = self.world.row
        instance = name and COLOUR_OF[to] + name
        done = self.door.grant(row.epoch - stale, row.epoch + above, (self.hands.holder(to), instance, None))
        assert done is (not stale and above > 0 and not self.world.granted)
        if done:
            self.world.row = Row(row.epoch + above, to, instance)
            self.world.used |= {instance} if instance else set()

    @rule(stale=st.booleans(), right=st.booleans(), passed=st.sampled_from([True, True, False]))
    def grant_an_exit(self, stale: bool, right: bool, passed: bool) -> None:
        row = self.world.row
        instance = row.instance if right and row.instance else "b9/z"
        done = self.door.hold(row.epoch - stale, instance, PASSED if passed else LONG)
        assert done is (not stale and instance == row.instance and not row.released and row.ordered is None)
        if done and not passed:
            self.world.granted.add(instance.partition("/")[0])

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


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "examples"), [("sqlite", 1000), ("postgresql", 1000), ("postgresql17", 1000)])
def test_there_is_one_holder_whatever_happens(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, examples: int
) -> None:
    """The epoch never goes back, belongs to one process, and nobody else writes; no void order is obeyed.

    DEEP=1 tries all examples, else a tenth of them.
    """
    # A machine so busy that a test stands still for a second is no finding.
    monkeypatch.setitem(connect.POSTGRESQL_SETTINGS, "idle_in_transaction_session_timeout", "0")
    kept = opened(made_hands(request, engine, tmp_path)) if engine != "sqlite" else None
    if kept:
        kept[0].place.kept = psycopg.connect(kept[0].place.url, autocommit=True)

    class Machine(Handover):
        def fresh(self) -> Opened:
            if kept:
                emptied(kept[0])
            if not kept:
                self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path)
            return kept or opened(made_hands(request, engine, Path(self.folder.name)))

        def teardown(self) -> None:
            if not kept and hasattr(self, "hands"):
                self.hands.close()
                self.folder.cleanup()

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    told = settings(
        max_examples=examples if DEEP else examples // 10,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=checks,
        database=None,
    )
    run_state_machine_as_test(Machine, settings=told)
    if kept:
        kept[0].close()
