"""Scenes of a hand-over against the operator's page, and a failure before and after every effect of each."""

import os

import pytest

from fakecluster import Died
from handing import NEW, NEW_NAME, NEWER, NEWER_NAME, OLD, OLD_NAME, started
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.domain.lease import LedgerAway


def swap(scene):
    """An edited parameter: green takes over, is observed, and blue stops."""
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Done")
    scene.rest()


def aborted(scene):
    """The trader cannot release; the old spec comes back before it can."""
    scene.node.processes["blue"].busy = True
    scene.apply(NEW)
    scene.until(lambda: scene.ledger.successor is not None)
    scene.apply(OLD)
    scene.until(lambda: scene.step == "Idle")
    scene.node.processes["blue"].busy = False
    scene.rest()


def superseded(scene):
    """A third revision is asked for while the second one waits for the release."""
    scene.node.processes["blue"].busy = True
    scene.apply(NEW)
    scene.until(lambda: scene.ledger.successor is not None)
    scene.apply(NEWER)
    scene.until(lambda: scene.step in ("Starting", "Verifying"))
    scene.node.processes["blue"].busy = False
    scene.until(lambda: scene.step == "Done")
    scene.rest()


def rolled_back_by_task(scene):
    """A rollback task inside the observation."""
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Observing")
    scene.task("rollback")
    scene.until(lambda: scene.step == "RolledBack" and scene.task_phase() == "Complete")
    scene.rest()


def rolled_back_by_spec(scene):
    """The old spec is applied again inside the observation, as `helm rollback` does."""
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Observing")
    scene.apply(OLD)
    scene.until(lambda: scene.step == "RolledBack")
    scene.rest()


def refused(scene):
    """The new revision cannot start; the old one trades on, and comes back by reverting."""
    scene.node.broken = {"*": "spec.strategy.name: 'nope' is unknown"}
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Refused")
    scene.node.broken = {}
    scene.rest(10)
    scene.apply(OLD)
    scene.until(lambda: scene.condition("Stalled") is None)
    scene.rest()


def not_adopted(scene):
    """The new trader never takes over; the epoch goes back once."""
    scene.node.deaf = {"*"}
    scene.apply(NEW)
    scene.until(lambda: scene.step == "RolledBack")
    scene.rest()


def frozen(scene):
    """The trader stands still; it is shut out before another one is named."""
    scene.apply(NEW)
    scene.until(lambda: scene.step in ("Starting", "Verifying"))
    scene.node.processes["blue"].frozen = True
    scene.until(lambda: scene.step == "Done")
    scene.rest()


SCENES = (swap, aborted, superseded, rolled_back_by_task, rolled_back_by_spec, refused, not_adopted, frozen)


def told(scene_of, strike=None):
    scene = started(strike)
    scene_of(scene)
    return scene


ENDS = {
    "swap": ("Done", "green", "new", None),
    "aborted": ("Idle", "blue", "old", None),
    "superseded": ("Done", "green", "newer", None),
    "rolled_back_by_task": ("RolledBack", "blue", "old", ("True", "RolledBack")),
    "rolled_back_by_spec": ("RolledBack", "blue", "old", None),
    "refused": ("Refused", "blue", "old", None),
    "not_adopted": ("RolledBack", "blue", "old", ("True", "RolledBack")),
    "frozen": ("Done", "green", "new", None),
}
NAMES = {OLD_NAME: "old", NEW_NAME: "new", NEWER_NAME: "newer"}


@pytest.mark.parametrize("scene_of", SCENES, ids=lambda each: each.__name__)
def test_scene_ends_as_it_should(scene_of):
    """Who trades, in which colour, what the record says, and whether a person must act."""
    scene = told(scene_of)
    end = scene.end()
    assert (end["step"], end["leads to"], NAMES[end["trades"]], end["stalled"]) == ENDS[scene_of.__name__]
    idle = {"blue": "btc-green", "green": "btc-blue"}[end["leads to"]]
    assert end["colours"].get(idle, ("", 0))[1] == 0


@pytest.mark.parametrize("scene_of", SCENES, ids=lambda each: each.__name__)
def test_second_look_at_rest_does_nothing(scene_of):
    """A scene that has ended is only looked at."""
    scene = told(scene_of)
    scene.effects.clear()
    scene.rest(20)
    assert scene.effects == []


class Struck:
    """At the *point*-th effect: the operator dies before or after it, or the answer is an error or a conflict."""

    def __init__(self, point, how):
        self.left, self.how = point, how

    def __call__(self, name, after):
        if not after:
            self.left -= 1
        if self.left != 0 or after != (self.how in ("dies after", "error after")):
            return
        self.left = -1
        if self.how.startswith("dies"):
            raise Died
        if name in ("order", "take back", "fence", "grant", "admit"):
            raise LedgerAway(self.how)
        raise (Outdated if self.how == "conflict" else ClusterUnavailable)(self.how)


HOWS = ("dies before", "dies after", "error after", "conflict")
DEEP = bool(os.environ.get("DEEP"))


@pytest.mark.parametrize("scene_of", SCENES, ids=lambda each: each.__name__)
def test_failure_at_any_effect_ends_where_calm_would_have(scene_of):
    """Every write and every call of a lease function; DEEP=1 tries all four ways at each, else they take turns."""
    calm = told(scene_of)
    for point in range(1, len(calm.effects) + 1):
        for how in HOWS if DEEP else (HOWS[point % len(HOWS)],):
            end = told(scene_of, Struck(point, how)).end()
            assert end == calm.end(), f"{how} at effect {point}, {calm.effects[point - 1]}"


def test_rollback_needs_three_calls_before_its_order():
    """From the task's event to the order: one read of the bot, then its decision and the task's start at once."""
    scene = started()
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Observing")
    scene.rest(3)
    scene.task("rollback")
    scene.effects.clear()
    before = scene.api.requests
    scene.once()
    assert scene.effects[:3] == ["merge TradingBot", "merge BotTask", "order"] or scene.effects[:3] == [
        "merge BotTask",
        "merge TradingBot",
        "order",
    ]
    assert scene.requests_before_order - before == 3
