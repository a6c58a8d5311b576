"""The hand-over's table against a tiny model of ledger and node: it always ends, and at rest it does nothing."""

from datetime import UTC, datetime, timedelta

from lease_model import Ledger, Node
from tradingbot_operator.domain.handover import (
    Fence,
    Grant,
    Order,
    Place,
    Seen,
    Side,
    Step,
    TakeBack,
    Terms,
)
from tradingbot_operator.domain.lease import LedgerAway
from tradingbot_operator.domain.observed import Shut
from tradingbot_operator.plan.handover import move

START = datetime(2026, 11, 21, 14, 0, 0, tzinfo=UTC)
OLD, NEW, NEWER = "a" * 20, "b" * 20, "c" * 20
PASS_MS = 50
PATIENCE = 1000


class Operator:
    """The operator as far as `move` needs one: it writes its record, carries out the effect, lays out the posts."""

    def __init__(self, wanted=OLD, **terms):
        self.ledger = Ledger()
        self.node = Node(self.ledger)
        self.wanted = wanted
        self.terms = Terms(deadline=timedelta(seconds=40), observe=timedelta(seconds=20), **terms)
        self.rollout = None
        self.request = None
        self.shut = None
        self.deployed = {}
        self.swappable = True
        self.active = Place("blue", OLD)
        self.told = []
        self.effects = []

    def side(self, colour):
        revision, replicas = self.deployed.get(colour, (None, 0))
        process = self.node.processes.get(colour)
        if process is None:
            return Side(colour, revision, replicas)
        beat = self.ledger.beats.get(process.instance)
        return Side(
            colour,
            revision,
            replicas,
            pod=process.uid,
            ready=process.ready,
            trouble=process.trouble,
            instance=process.instance if beat and not self.ledger.away else None,
            silent_ms=self.ledger.now - beat[1] if beat and not self.ledger.away else None,
            report=self.node.report(process),
        )

    def seen(self):
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
            row, blue, green, self.active, self.wanted, self.terms, self.request, shut, swappable=self.swappable
        )

    def once(self):
        now = START + timedelta(milliseconds=self.ledger.now - 1_000_000)
        made = move(self.rollout, self.seen(), now)
        self.rollout = made.rollout
        if made.ends is not None or (made.rollout and self.request and made.rollout.task == self.request.task):
            self.told.append(made.ends)
            self.request = None
        match made.effect:
            case Order(epoch, expected, successor, lasts):
                self.ledger.order(epoch, expected, successor, lasts)
            case TakeBack(epoch, expected):
                self.ledger.order(epoch, expected, None, 0)
            case Fence(epoch):
                fenced = self.ledger.fence(epoch)
                self.shut = (epoch, self.ledger.now + fenced.wait_ms) if fenced else None
            case Grant(expected, new, successor):
                assert (
                    self.shut is None
                    or self.shut[0] != expected
                    or self.shut[1] <= self.ledger.now
                    or self.ledger.released
                )
                self.ledger.grant(expected, new, successor)
            case None:
                self.deployed = {each.colour: (each.revision, each.replicas) for each in made.posts}
        if made.effect is not None:
            self.effects.append(type(made.effect).__name__)
        for colour, (revision, replicas) in self.deployed.items():
            self.node.run(colour, revision, replicas)
        self.node.pass_time(PASS_MS)
        return made

    def until(self, true, passes=PATIENCE):
        for _ in range(passes):
            made = self.once()
            if true():
                return made
        raise AssertionError(f"never: {self.rollout}\n{self.ledger}\n{self.node.processes}")

    def settle(self, passes=PATIENCE):
        """Passes until nothing differs for a while; the last moves are the answer."""
        quiet, before = 0, None
        for _ in range(passes):
            made = self.once()
            mark = (self.rollout, self.deployed, self.ledger.epoch, made.effect)
            quiet = quiet + 1 if mark == before else 0
            before = mark
            if quiet >= 450:
                return made
        raise AssertionError(f"never at rest: {self.rollout}\n{self.ledger}\n{self.node.processes}")

    def trades(self):
        held = self.node.processes.get(self.ledger.holder)
        ours = held is not None and held.instance == self.ledger.instance and not self.ledger.released
        return held.revision if ours and self.ledger.holder not in self.ledger.shut else None


def running(wanted=OLD, **terms):
    """A bot that trades the old revision in blue."""
    made = Operator(OLD, **terms)
    made.until(lambda: made.trades() == OLD)
    made.wanted = wanted
    return made


def test_edit_swaps_and_the_old_colour_stops_after_the_observation():
    """Green starts, passes its gates, takes the lease; blue stays warm, then stops."""
    at = running(NEW)
    steps = []
    at.until(lambda: steps.append(at.rollout.step) or at.rollout.step is Step.OBSERVING)
    assert list(dict.fromkeys(steps)) == [
        Step.STARTING,
        Step.VERIFYING,
        Step.DRAINING,
        Step.ADOPTING,
        Step.OBSERVING,
    ] or list(dict.fromkeys(steps)) == [Step.STARTING, Step.DRAINING, Step.ADOPTING, Step.OBSERVING]
    assert at.trades() == NEW
    assert at.deployed == {"blue": (OLD, 1), "green": (NEW, 1)}
    at.until(lambda: at.rollout.step is Step.DONE)
    at.settle()
    assert at.deployed == {"blue": (OLD, 0), "green": (NEW, 1)}
    assert at.ledger.epoch == 2
