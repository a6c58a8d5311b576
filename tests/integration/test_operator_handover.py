"""Scenes of a hand-over against the operator's page, and a crash before and after every effect of each."""

import pytest

from handing import NEW, NEWER, OLD, started


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


@pytest.mark.parametrize("scene_of", SCENES, ids=lambda each: each.__name__)
def test_scene(scene_of):
    scene = told(scene_of)
    print(scene_of.__name__, len(scene.effects), scene.effects, scene.end())
