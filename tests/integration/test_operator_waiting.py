"""What tools that wait for a bot are told in every pass: `helm --wait` never returns before what was asked trades."""

import pytest

from handing import NEW, NEW_NAME, OLD, OLD_NAME, Scene, started


def kstatus(body):
    """As kstatus, which Flux and Helm 4 wait by, reads an object with conditions."""
    status = body.get("status") or {"observedGeneration": -1}
    true = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    if status["observedGeneration"] != body["metadata"]["generation"]:
        return "InProgress"
    if true.get("Reconciling") == "True":
        return "InProgress"
    if true.get("Stalled") == "True":
        return "Failed"
    return "Current" if true.get("Ready") == "True" else "InProgress"


def waited(scene, passes=300):
    """What trades when the wait is over, and how it ended."""
    for _ in range(passes):
        scene.once()
        if (said := kstatus(scene.api.one("TradingBot", "btc"))) != "InProgress":
            return said, scene.trades()
    raise AssertionError(f"never told: {scene.status}")


def test_wait_for_an_install_ends_with_the_bot_at_work():
    """Nothing is told before the pod serves."""
    scene = Scene()
    scene.apply(OLD)
    assert waited(scene) == ("Current", OLD_NAME)


@pytest.mark.parametrize("passes", range(8))
def test_wait_for_an_upgrade_right_after_the_install_ends_with_the_new_version(passes):
    """At whichever pass of the first start the new spec comes."""
    scene = Scene()
    scene.apply(OLD)
    scene.rest(passes)
    scene.apply(NEW)
    assert waited(scene) == ("Current", NEW_NAME)


@pytest.mark.parametrize("passes", [1, 2, 5, 20])
def test_wait_for_an_upgrade_goes_on_while_the_lease_is_unknown(passes):
    """The old version serves and nothing can move: that is no end."""
    scene = started()
    scene.away = passes
    scene.apply(NEW)
    assert waited(scene) == ("Current", NEW_NAME)


def test_wait_for_an_upgrade_ends_when_it_is_refused():
    """The old version trades on, and the tool says that it failed."""
    scene = started()
    scene.node.broken = {"*": "ImagePullBackOff: not found"}
    scene.apply(NEW)
    assert waited(scene) == ("Failed", OLD_NAME)
