"""Every write of every scene is a crash point: the counts of what tests/integration tries point by point.

The scenes and their judge are those of tests/integration/test_operator_handover.py and test_operator_crash.py; here all
points of a scene are tried, and counted in build/bench/chaos.json, though one of them failed before.
"""

import importlib.util
import pathlib
import sys
from types import ModuleType

import pytest

from chaos.chaosbook import note
from fakecluster import FakeApi

INTEGRATION = pathlib.Path(__file__).resolve().parents[1] / "integration"


def loaded(name: str) -> ModuleType:
    """The test module of that name; its scenes are data."""
    spec = importlib.util.spec_from_file_location(f"chaos_{name}", INTEGRATION / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


HANDOVER, CRASH = loaded("test_operator_handover"), loaded("test_operator_crash")


@pytest.mark.slow
@pytest.mark.parametrize("scene_of", HANDOVER.SCENES, ids=lambda each: each.__name__)
def test_a_hand_over_survives_a_failure_at_each_of_its_effects(scene_of):
    """The operator dies before or after it, or the answer is an error or a conflict: the end is the calm one's."""
    calm = HANDOVER.told(scene_of)
    tried, failed = 0, []
    for how in HANDOVER.HOWS:
        for point in range(1, len(calm.effects) + 1):
            tried += 1
            try:
                same = HANDOVER.told(scene_of, HANDOVER.Struck(point, how)).end() == calm.end()
            except AssertionError:
                same = False
            if not same:
                failed.append(f"{how} at {point}, {calm.effects[point - 1]}")
    facts = {"writes": len(calm.effects), "points": tried, "failed": len(failed)}
    note("crash_points", {f"hand-over: {scene_of.__name__}": facts})
    assert failed == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CRASH.STORIES))
def test_a_story_survives_the_operator_s_death_at_each_request(name):
    """Reads are crash points too; whoever comes next ends where the first would have."""
    calm = CRASH.told(FakeApi(), CRASH.STORIES[name])
    tried, failed = 0, []
    for after in (False, True):
        for point in range(1, calm.requests + 1):
            tried += 1
            if CRASH.kept(CRASH.told(FakeApi(), CRASH.STORIES[name], point, after)) != CRASH.kept(calm):
                failed.append(f"request {point}, after: {after}")
    facts = {"writes": len(calm.written), "points": tried, "failed": len(failed)}
    note("crash_points", {f"story: {name}": facts})
    assert failed == []
